"""What figures hang on beside settings: code, packages, device, data, and energy."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from logging import getLogger
from pathlib import Path
from types import TracebackType
from typing import Any

from recbole_showcase.encoders.store import MODALITIES, FeatureStore, digest_of_file
from recbole_showcase.errors import FeatureStoreError, one_line
from recbole_showcase.files.plain import read_json

_PACKAGES = (
    *("recbole-showcase", "recbole", "torch", "transformers", "tokenizers", "open-clip-torch"),
    *("numpy", "scipy", "pandas", "scikit-learn", "sacrebleu", "nltk"),
)
_CHECKOUT = Path(__file__).resolve().parents[2]  # where the package is not installed
_CODE = ("recbole_showcase", "properties")
_HASHED = 1 << 24  # bytes; smaller files are always read


@dataclass(frozen=True)
class Surroundings:
    """Of one run.

    Attributes:
        device: What was computed on, as :func:`device` says it.
        commit: Of the package's checkout, ``None`` where it is installed; see :func:`commit`.
        changed: Whether its code was another than that of the commit; None without one.
        data: SHA-256 of the data set's files and features, as :func:`data_digests` gives them.
        versions: Of Python and the packages that matter.
    """

    device: str = ""
    commit: str | None = None
    changed: bool | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def surroundings(settings: Mapping[str, Any], folder: Path, dataset: str) -> Surroundings:
    """What a run with these settings hangs on.

    Args:
        settings: Of the run, by RecBole's names and ours.
        folder: ``DATA/NAME``.
        dataset: NAME.
    """
    encoder = settings.get("showcase_encoder")
    data = data_digests(folder, dataset, encoder)
    return Surroundings(device(settings), *commit(), data, versions())


@cache
def commit() -> tuple[str | None, bool | None]:
    """The commit of the checkout that the package runs from, and whether its code differs.

    Looked at once in a process, early or late: what changes meanwhile is not seen.

    Returns:
        40 hexadecimal digits or more, and whether files of the package or its defaults are
        changed or new; None and None where the package is installed, or git is not.
    """
    if not (_CHECKOUT / ".git").exists():  # a file in a work tree
        return None, None
    try:
        found = _git("rev-parse", "--verify", "HEAD").strip()
        return found, bool(_git("status", "--porcelain", "--", *_CODE).strip())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, None


def _git(*command: str) -> str:
    # The environment of a hook of another repository does not decide which one is asked.
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    asked = ["git", "--no-optional-locks", "-C", str(_CHECKOUT), *command]
    return subprocess.run(
        asked, env=environment, capture_output=True, text=True, check=True, timeout=20
    ).stdout


def versions() -> dict[str, str]:
    """The version of Python and of each package that moves figures and is installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(ModuleNotFoundError):
            found[package] = version(package)
    return found


def peak_memory_mb() -> float:
    """The most memory that this process held, 0 on systems that do not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def device(settings: Mapping[str, Any]) -> str:
    """What a run with these settings computes on, as ``cpu x86_64 EPYC 9754, 2 threads``."""
    import torch

    if str(settings.get("device", "cpu")).startswith("cuda") and torch.cuda.is_available():
        return f"cuda {torch.cuda.get_device_name()}"
    named = " ".join(["cpu", platform.machine(), processor()]).strip()
    return f"{named}, {torch.get_num_threads()} threads"


def processor(told: Path = Path("/proc/cpuinfo")) -> str:
    """The model of this machine's processor, empty where the system does not tell."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        for line in told.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return " ".join(value.split())
    found = platform.processor()  # Windows and macOS; Linux often repeats the architecture
    return "" if found == platform.machine() else found


def data_digests(folder: Path, dataset: str, encoder: str | None) -> dict[str, str]:
    """SHA-256 of every file of a data set and of its features, by the name below its folder.

    Args:
        folder: ``DATA/NAME``.
        dataset: NAME.
        encoder: Whose features are read; None where none are.

    Returns:
        ``sha256:...`` by name. Those of large files of features are what their store says, unless
        a file has been written, copied or exchanged since ``meta.json`` was.
    """
    files = sorted(path for path in folder.glob(f"{dataset}.*") if path.is_file())
    found = {path.name: digest_of_file(path) for path in files}
    if encoder is None:
        return found
    try:
        store = FeatureStore.place(folder, encoder)
    except FeatureStoreError:
        return found
    there = [store / f"{kind}{ending}" for kind in MODALITIES for ending in (".npy", ".ids")]
    known = _digests_in(store)
    for path in (path for path in there if path.is_file()):
        told = known.get(path.name) if _as_described(path, store / "meta.json") else None
        found[f"{store.parent.name}/{store.name}/{path.name}"] = told or digest_of_file(path)
    return found


def _as_described(path: Path, meta: Path) -> bool:
    """Whether a file is too large to be read again, and surely older than its description.

    A store is written before its description. Copies that keep the time of a file do not keep when
    its inode changed, which Windows alone does not tell.
    """
    file, described = path.stat(), meta.stat()
    return (
        file.st_size >= _HASHED
        and os.name != "nt"
        and max(file.st_mtime_ns, file.st_ctime_ns) <= described.st_ctime_ns
    )


def _digests_in(store: Path) -> Mapping[str, str]:
    try:
        digests = read_json(store / "meta.json").get("digests")
    except (OSError, ValueError, AttributeError):
        return {}
    return digests if isinstance(digests, dict) else {}


class Energy:
    """The energy that the machine takes for what is done within, where codecarbon is installed.

    What codecarbon cannot do costs a warning, and never the run that it stands beside.

    Attributes:
        kwh: Of the processors, the memory and GPUs, known or estimated by codecarbon; None
            without it, or where it fails. It stands for the whole machine, whatever else it does.
    """

    def __init__(self) -> None:
        """Nothing is measured yet."""
        self.kwh: float | None = None
        self._tracker: Any = None

    def __enter__(self) -> Energy:
        """Begin to measure."""
        try:
            from codecarbon import OfflineEmissionsTracker
        except ImportError:
            return self
        try:
            # Offline: the other tracker asks the network where this is. The country, for which
            # there is no default, decides what the energy emits, which is not kept.
            self._tracker = OfflineEmissionsTracker(
                country_iso_code="USA", save_to_file=False, log_level="critical",
                allow_multiple_runs=True,
            )  # fmt: skip
            self._tracker.start()
        except Exception as error:  # such as a damaged configuration of its own
            self._tracker = None
            _unmeasured(error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End to measure."""
        if self._tracker is None:
            return
        try:
            # It says nothing of a failure of its own, and then has no figure.
            self._tracker.stop()
            self.kwh = float(self._tracker.final_emissions_data.energy_consumed)
        except Exception as failure:
            _unmeasured(failure)


def _unmeasured(error: Exception) -> None:
    why = one_line(f"{type(error).__name__}: {error}")
    getLogger().warning(f"the energy of this run is not known, codecarbon failed: {why}")

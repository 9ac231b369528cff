"""What the figures of a task hang on beside its settings: packages, device, data, and energy."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

from recbole_showcase.encoders.store import MODALITIES, FeatureStore, digest_of_file
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.files.plain import read_json

_PACKAGES = (
    *("recbole-showcase", "recbole", "torch", "transformers", "tokenizers", "open-clip-torch"),
    *("numpy", "scipy", "pandas", "scikit-learn", "sacrebleu", "nltk"),
)


def versions() -> dict[str, str]:
    """The version of Python and of each package that moves figures and is installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(ModuleNotFoundError):
            found[package] = version(package)
    return found


def commit() -> str:
    """The commit of the checkout that the package lies in, with a ``+`` where files differ.

    Returns:
        "" for an installed package, and where git cannot tell.
    """
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return ""
    git = ["git", "--no-optional-locks", "-C", str(checkout)]
    try:
        found, changed = (
            subprocess.run([*git, *words], capture_output=True, check=True, text=True).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.strip() + ("+" if changed.strip() else "")


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
    """What a run with these settings computes on, as ``cpu x86_64, 2 threads``."""
    import torch

    if str(settings.get("device", "cpu")).startswith("cuda") and torch.cuda.is_available():
        return f"cuda {torch.cuda.get_device_name()}"
    return f"cpu {platform.machine()}, {torch.get_num_threads()} threads"


def data_digests(folder: Path, dataset: str, encoder: str | None) -> dict[str, str]:
    """SHA-256 of every file of a data set and of its features, by the name below its folder.

    Args:
        folder: ``DATA/NAME``.
        dataset: NAME.
        encoder: Whose features are read; None where none are.

    Returns:
        ``sha256:...`` by name. Those of features are what their store says, whose digests are
        compared with its files by whoever verifies it; else they are computed.
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
        found[str(path.relative_to(folder))] = known.get(path.name) or digest_of_file(path)
    return found


def _digests_in(store: Path) -> Mapping[str, str]:
    try:
        digests = read_json(store / "meta.json").get("digests")
    except (OSError, ValueError, AttributeError):
        return {}
    return digests if isinstance(digests, dict) else {}


class Energy:
    """The energy that the machine takes for what is done within, where codecarbon is installed.

    Attributes:
        kwh: Of the processors, the memory and GPUs, known or estimated by codecarbon; None
            without it. It stands for the whole machine, whatever else it does.
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
        # Offline: the other tracker asks the network where this is. The country, for which there is
        # no default, decides what the energy emits, which is not kept.
        self._tracker = OfflineEmissionsTracker(
            country_iso_code="USA", save_to_file=False, log_level="critical",
            allow_multiple_runs=True,
        )  # fmt: skip
        self._tracker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End to measure."""
        if self._tracker is not None:
            self._tracker.stop()
            self.kwh = float(self._tracker.final_emissions_data.energy_consumed)

"""What a task leaves behind: a folder with its configuration, its log and one record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.spec import Tuning
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.files.replace import replace_text
from recbole_showcase.files.yaml_files import read_yaml, write_yaml
from recbole_showcase.settings import stored_as

FORMAT = "recbole_showcase benchmark 1"
TASK, RECORD, LOG, CONFIG = "task.yaml", "record.json", "log.txt", "config.yaml"
USER_SUMS = "user_sums.npz"
CHECKLIST, REFUSED = "checklist.yaml", "refused.txt"


@dataclass(frozen=True)
class Record:
    """How a task ended.

    Attributes:
        status: ``done`` or ``failed``.
        seed: Its seed.
        result: Test figures of a run by RecBole's names; empty for a search.
        valid: Figures of the validation that chose the epoch, or the setting.
        smaller: Names of the figures of which less is better.
        rests_on: On how many rows the test figures rest: ``rows``, those ``explained``, and
            ``texts_unused`` for want of photos.
        chosen: The setting that a search has found.
        error: What went wrong, empty if nothing did.
        seconds: Time of training and test, without imports.
        cpu_seconds: CPU time of the same span, which other work on the machine changes less.
        peak_memory_mb: The most memory that the process held.
        energy_kwh: What the machine took meanwhile; None unless codecarbon is installed.
        date: When it ended, in UTC, as 2025-12-31.
        device: What was computed on, empty for a search.
        commit: Of the checkout that the package ran from; None where it is installed.
        changed: Whether the code was another than that of the commit; None without one.
        data: SHA-256 of each file of the data set and its features, empty for a search.
        versions: Of Python and the packages that matter.
    """

    status: Literal["done", "failed"]
    seed: int
    result: Mapping[str, float] = field(default_factory=dict)
    valid: Mapping[str, float] = field(default_factory=dict)
    smaller: tuple[str, ...] = ()
    rests_on: Mapping[str, int] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    energy_kwh: float | None = None
    date: str = ""
    device: str = ""
    commit: str | None = None
    changed: bool | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


class TaskFolder:
    """The folder of one task."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.path = path

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.path / LOG

    @property
    def user_sums(self) -> Path:
        """What each user added to the figures; runs of several processes leave none."""
        return self.path / USER_SUMS

    def prepare(self, task: Task) -> None:
        """Make the folder and write what the process is to do."""
        self.path.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {
            "model": task.model,
            "dataset": task.dataset,
            "keep": task.keep,
            "specification": str(task.specification),
            "imports": list(task.imports),
        }
        if task.tune is not None:
            content["tune"] = task.tune.model_dump()
        write_yaml(self.path / TASK, content)
        write_yaml(self.path / CONFIG, task.settings)

    def task(self) -> Task:
        """What :meth:`prepare` wrote."""
        content = read_yaml(self.path / TASK)
        if "tune" in content:
            content["tune"] = Tuning(**content["tune"])
        content["specification"] = Path(content["specification"])
        return Task(**content, settings=read_yaml(self.path / CONFIG))

    def record(self) -> Record | None:
        """How the task ended, or None as long as it has not.

        Raises:
            DataError: If the file is not a record.
        """
        path = self.path / RECORD
        try:
            text = path.read_bytes()
            if (found := stored_as(dict[str, Any], text).get("format")) != FORMAT:
                raise ValueError(f"its format is {found!r}, not '{FORMAT}'")
            record: Record = stored_as(Record, text)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read: {error}; delete it to run again") from error
        return record

    def write(self, record: Record) -> None:
        """Keep how the task ended, whole or not at all."""
        content = {"format": FORMAT, **asdict(record)}
        replace_text(self.path / RECORD, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def forget(self) -> None:
        """Let the task run again."""
        (self.path / RECORD).unlink(missing_ok=True)


@dataclass(frozen=True)
class Checklist:
    """What to look at before the first run, in the folder of the tasks to check.

    Attributes:
        specification: The file that asks for it.
        columns: Those of its tables and plot.
        pending: Names of the folders of tasks of which something is left to run.
    """

    specification: str
    columns: list[str]
    pending: list[str]

    def write(self, folder: Path) -> None:
        """Keep it for :meth:`read`."""
        write_yaml(folder / CHECKLIST, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Checklist:
        """What :meth:`write` wrote."""
        return cls(**read_yaml(folder / CHECKLIST))

    def require(self, figures: Iterable[str]) -> None:
        """Refuse columns that no run would fill.

        Args:
            figures: What the runs compute, in lower case.

        Raises:
            SettingsError: Naming the column and the figures there are.
        """
        known = sorted(figures)
        for column in self.columns:
            key = column.lower()
            alike = [name for name in known if key in (name, name.partition("@")[0])]
            if key == "seconds" or key in known or len(alike) == 1:
                continue
            said = "which may be any of" if alike else "which no run computes; allowed:"
            raise SettingsError(
                f"{self.specification}: column '{column}', {said} "
                f"{', '.join(alike or ['seconds', *known])}"
            )

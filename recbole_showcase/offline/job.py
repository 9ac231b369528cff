"""The work itself: batch after batch explained, part after part written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from filelock import FileLock, Timeout

from recbole_showcase.arguments import check_count, check_device, check_file, check_out
from recbole_showcase.composed.growing import Known, check_known
from recbole_showcase.console import progress_bar, working
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.engines import Crew, Engine
from recbole_showcase.errors import CheckpointError, DataError, SettingsError
from recbole_showcase.integration.checkpoint import paths_to_follow
from recbole_showcase.integration.outside import code_of_others
from recbole_showcase.offline.answers import Answers, Batch, Explaining, Facts
from recbole_showcase.offline.asked import Asked
from recbole_showcase.offline.folder import LOCK, Progress, ShowcaseFolder, Unknown
from recbole_showcase.parts import imported_modules
from recbole_showcase.resources import __version__

FORMS = ("parquet", "jsonl")


@dataclass(frozen=True)
class OfflineOptions:
    """How showcases are written.

    Attributes:
        top_k: Recommendations of a user; of no matter where pairs are given.
        form: Of the parts, ``parquet`` or ``jsonl``.
        batch: Users or given pairs that are explained together.
        part_rows: A part ends with the batch that brings it to so many rows.
        known: What users are explained by, as in :func:`load_explainer`.
    """

    top_k: int = 5
    form: Literal["parquet", "jsonl"] = "parquet"
    batch: int = 128
    part_rows: int = 10_000
    known: Known = "training"

    def __post_init__(self) -> None:
        """Check the values."""
        check_count(DataError, top_k=self.top_k, batch=self.batch, part_rows=self.part_rows)
        if self.form not in FORMS:
            raise DataError(f"format is {self.form!r}; allowed: {', '.join(FORMS)}")
        check_known(self.known)


@dataclass(frozen=True)
class Account:
    """What a run found and did.

    Attributes:
        folder: Where the showcases are.
        progress: What is there now.
        began_with: Rows that were there before.
        was_complete: Whether there was nothing to do.
        data_folder: The data set that was explained from.
    """

    folder: Path
    progress: Progress
    began_with: int
    was_complete: bool
    data_folder: Path


def write_showcases(
    checkpoint: str | Path,
    out: str | Path,
    users: str | Path | None = None,
    pairs: str | Path | None = None,
    options: OfflineOptions | None = None,
    *,
    device: str | None = None,
    photo_folder: str | Path | None = None,
    data_path: str | Path | None = None,
    allow_paths: Sequence[str | Path] = (),
    imports: Sequence[str] = (),
    engine: Engine | None = None,
    progress: bool = True,
) -> Account:
    """Write the showcases of all users, of some, or of given pairs, and resume where it was left.

    Memory does not grow with their number. Ids that the data set has not are counted in the
    manifest, and the others are answered.

    Args:
        checkpoint: The file that training saved.
        out: The folder to write to, which is made; or that of a run to be continued.
        users: A file of users, see :class:`Asked`; without it and ``pairs``, all users.
        pairs: A file of pairs.
        options: How they are written.
        device: As in :func:`load_explainer`, as the following are.
        photo_folder: Where the photos are.
        data_path: The folder that holds the data set's.
        allow_paths: What else the checkpoint may lead to outside the working directory.
        imports: Modules of parts and recommenders of others.
        engine: Where the work is done, by default here. It may be another when a run is continued.
        progress: Whether to show a progress bar.

    Raises:
        DataError: If a file or option is of another kind, the folder holds something else, another
            run is at work on it, or it was begun with other options, data or another checkpoint.
        CheckpointError: As in :func:`load_explainer`.
        SettingsError: If a cluster cannot be joined, or the device is none of this machine's.
        LostWorker: If a process that shares the work is gone; what is written is kept.
    """
    if users is not None and pairs is not None:
        raise DataError("users and pairs are both given; allowed: one of them, or none")
    check_file(CheckpointError, "checkpoint", checkpoint)
    engine, options = engine or Engine(), options or OfflineOptions()
    if device is not None and engine.kind != "ray":  # whose machines have others
        check_device(SettingsError, device)
    with working(f"Reading {users or pairs or checkpoint}", shown=progress):
        wanted = _asked(users, pairs)
        settings = _settings_before(checkpoint, wanted, options)
    if engine.kind != "local":  # who shares the work need not be able to tell whose file it is
        allow_paths = paths_to_follow(checkpoint, data_path, allow_paths)
    start = Explaining(
        Path(checkpoint),
        device,
        photo_folder,
        (*imported_modules(), *imports),
        data_path,
        tuple(allow_paths),
        options.top_k,
        tuple(code_of_others()),
        options.known,
    )
    out = Path(out)
    check_out(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0), ExitStack() as at_work:
            folder = ShowcaseFolder(out)
            folder.agree(settings)  # before the model is loaded, which takes long
            with working("Loading the model and its data", shown=progress):
                crew = at_work.enter_context(engine.crew(start, device))
                (facts,) = crew.map(Answers.facts, [wanted is None])
            return _Job(crew, folder, wanted, options, progress).run(settings, facts)
    except Timeout as error:
        raise DataError(f"{out}: another run is at work on it") from error


def _asked(users: str | Path | None, pairs: str | Path | None) -> Asked | None:
    if pairs is not None:
        return Asked.of_file(Path(pairs), ("user", "item"))
    return None if users is None else Asked.of_file(Path(users), ("user",))


def _settings_before(
    checkpoint: str | Path, asked: Asked | None, options: OfflineOptions
) -> dict[str, Any]:
    """What two runs must have in common to be one, as far as it is known before loading."""
    of_pairs = asked is not None and "item" in asked.columns
    kind = "all users" if asked is None else "pairs" if of_pairs else "users"
    given = asdict(options) | ({"top_k": None} if of_pairs else {})
    digest = None if asked is None else asked.digest
    return {
        "package_version": __version__,
        "asked": {"kind": kind, "digest": digest},
        "options": given,
        "checkpoint": digest_of_file(Path(checkpoint)),
    }


@dataclass(frozen=True)
class _Job:
    """One run on a folder."""

    crew: Crew[Answers]
    folder: ShowcaseFolder
    asked: Asked | None
    options: OfflineOptions
    shown: bool

    def run(self, settings: dict[str, Any], facts: Facts) -> Account:
        """Do what is left."""
        done = self.folder.progress
        was_complete, began_with = done.complete, done.rows
        settings = settings | facts.settings
        self.folder.agree(settings)
        if not was_complete:
            self.folder.begin(settings)
            self._explain(facts)
        return Account(self.folder.path, done, began_with, was_complete, Path(facts.data_folder))

    def _explain(self, facts: Facts) -> None:
        asked, form = self.folder.progress.asked, self.options.form
        tables: list[pa.Table] = []
        unknown: dict[str, Unknown] = {}
        answers = self.crew.map(Answers.of, self._batches(facts.users, skip=asked))
        with self._bar(asked, facts.users) as bar, closing(answers):
            for answer in answers:
                self._check(answer.by)
                if answer.rows is not None:
                    tables.append(answer.rows)
                for kind, found in answer.unknown.items():
                    unknown.setdefault(kind, Unknown()).merge(found)
                asked += answer.asked
                bar.update(answer.asked)
                if sum(map(len, tables)) >= self.options.part_rows:
                    self.folder.add(pa.concat_tables(tables), unknown, asked, form)
                    tables, unknown = [], {}
        if sum(map(len, tables)):
            self.folder.add(pa.concat_tables(tables), unknown, asked, form)
            unknown = {}
        self.folder.finish(unknown, asked)

    def _check(self, by: dict[str, Any]) -> None:
        """Refuse what was explained by anything else than the rest."""
        try:
            self.folder.agree(by)
        except DataError as error:
            error.add_note("so has one of those who share the work, who all need the same files")
            raise

    def _bar(self, begun: int, users: list[str]) -> Any:
        total = len(users) if self.asked is None else self.asked.rows
        pairs = self.asked is not None and "item" in self.asked.columns
        unit = "pair" if pairs else "user"
        return progress_bar(
            total=total, initial=begun, desc="explaining", unit=unit, shown=self.shown
        )

    def _batches(self, users: list[str], skip: int) -> Iterator[Batch]:
        """What is asked for, as lists: a slice of a table would be pickled with all of it."""
        size = self.options.batch
        if self.asked is not None:
            return (batch.to_pydict() for batch in self.asked.batches(size, skip))
        return ({"user": users[n : n + size]} for n in range(skip, len(users), size))

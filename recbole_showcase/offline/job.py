"""The work itself: batch after batch explained, part after part written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from filelock import FileLock, Timeout
from tqdm import tqdm

from recbole_showcase.arguments import check_count, check_file
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import CheckpointError, DataError
from recbole_showcase.offline.answers import Answers
from recbole_showcase.offline.asked import Asked, in_batches
from recbole_showcase.offline.fingerprints import data_record, fingerprint
from recbole_showcase.offline.folder import LOCK, Progress, ShowcaseFolder, Unknown
from recbole_showcase.recommender import ShowcaseRecommender, load_explainer
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
    """

    top_k: int = 5
    form: Literal["parquet", "jsonl"] = "parquet"
    batch: int = 128
    part_rows: int = 10_000

    def __post_init__(self) -> None:
        """Check the values."""
        check_count(DataError, top_k=self.top_k, batch=self.batch, part_rows=self.part_rows)
        if self.form not in FORMS:
            raise DataError(f"format is {self.form!r}; allowed: {', '.join(FORMS)}")


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
    imports: Sequence[str] = (),
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
        imports: Modules of parts and recommenders of others.
        progress: Whether to show a progress bar.

    Raises:
        DataError: If a file or option is of another kind, the folder holds something else, another
            run is at work on it, or it was begun with other options, data or another checkpoint.
        CheckpointError: As in :func:`load_explainer`.
    """
    if users is not None and pairs is not None:
        raise DataError("users and pairs are both given; allowed: one of them, or none")
    check_file(CheckpointError, "checkpoint", checkpoint)
    options = options or OfflineOptions()
    wanted = _asked(users, pairs)
    settings = _settings_before(checkpoint, wanted, options)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0):
            folder = ShowcaseFolder(out)
            folder.agree(settings)  # before the model is loaded, which takes long
            recommender = load_explainer(checkpoint, device, photo_folder, imports, data_path)
            return _Job(recommender, folder, wanted, options, progress).run(settings)
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

    recommender: ShowcaseRecommender
    folder: ShowcaseFolder
    asked: Asked | None
    options: OfflineOptions
    shown: bool

    def run(self, settings: dict[str, Any]) -> Account:
        """Do what is left."""
        recommender, done = self.recommender, self.folder.progress
        data, photos = data_record(recommender), recommender.photo_folder
        model = f"{recommender.model_name} {settings['checkpoint']}"
        print_of_data = fingerprint(recommender.dataset_name, data)
        settings = settings | {
            "model": model,
            "data": data,
            "data_fingerprint": print_of_data,
            "device": str(recommender.model.device),
            "photo_folder": None if photos is None else str(photos.root.resolve()),
        }
        was_complete, began_with = done.complete, done.rows
        self.folder.agree(settings)
        if not was_complete:
            self.folder.begin(settings)
            self._explain(Answers(recommender, self.options.top_k, model, print_of_data))
        return Account(self.folder.path, done, began_with, was_complete, recommender.data_folder)

    def _explain(self, answers: Answers) -> None:
        asked, form = self.folder.progress.asked, self.options.form
        tables: list[pa.Table] = []
        unknown: dict[str, Unknown] = {}
        with self._bar(asked) as bar:
            for batch in self._batches(skip=asked):
                if (found := answers.of(batch, unknown)) is not None:
                    tables.append(found)
                asked += len(batch)
                bar.update(len(batch))
                if sum(map(len, tables)) >= self.options.part_rows:
                    self.folder.add(pa.concat_tables(tables), unknown, asked, form)
                    tables, unknown = [], {}
        if sum(map(len, tables)):
            self.folder.add(pa.concat_tables(tables), unknown, asked, form)
            unknown = {}
        self.folder.finish(unknown, asked)

    def _bar(self, begun: int) -> tqdm:
        total = len(self.recommender.users) if self.asked is None else self.asked.rows
        pairs = self.asked is not None and "item" in self.asked.columns
        unit = "pair" if pairs else "user"
        return tqdm(
            total=total, initial=begun, desc="explaining", unit=unit, disable=not self.shown
        )

    def _batches(self, skip: int) -> Iterator[pa.Table]:
        if self.asked is not None:
            return self.asked.batches(self.options.batch, skip)
        users = pa.array(self.recommender.users, pa.string())
        everybody = pa.RecordBatch.from_arrays([users], names=["user"])
        return in_batches([everybody], self.options.batch, skip)

"""Reads what is to be judged: files of pairs, and folders that offline explaining wrote."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recbole_showcase.arguments import check_file
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import DataError
from recbole_showcase.judging.dataset import JoinedReviews, Shown
from recbole_showcase.judging.pairs import Pair, Results
from recbole_showcase.settings import stored_as

ENDINGS = (".jsonl", ".parquet")
_MANIFEST = "manifest.json"  # of a folder of showcases


def read_all(paths: Sequence[Path], dataset: Path | None = None) -> list[Results]:
    """Read the results of several systems, named by their files or, if these are alike, by paths.

    Args:
        paths: Files of pairs, or folders that offline explaining wrote.
        dataset: The data set's folder, which such a folder needs.

    Raises:
        DataError: A file is missing, damaged or of another kind, or holds no pair.
    """
    names = [Path(os.path.realpath(path)).stem for path in paths]
    found = [
        read_results(path, dataset, str(path) if names.count(name) > 1 else name)
        for path, name in zip(paths, names, strict=True)
    ]
    if len({result.name for result in found}) < len(found):
        raise DataError("the same results are given twice; allowed: each once")
    return found


def read_results(path: Path, dataset: Path | None = None, name: str | None = None) -> Results:
    """Read the results of one system; see :func:`read_all`."""
    name = name or Path(os.path.realpath(path)).stem
    if path.is_dir():
        pairs, digest = _of_showcases(path, dataset), digest_of_file(path / _MANIFEST)
    else:
        check_file(DataError, "file of pairs", path)
        if path.suffix not in ENDINGS:
            raise DataError(
                f"'{path}' ends with '{path.suffix}'; allowed: {', '.join(ENDINGS)}, or a folder "
                "of showcases"
            )
        pairs, digest = tuple(_of_file(path)), digest_of_file(path)
    if not pairs:
        raise DataError(f"{path} holds no pair to judge")
    return Results(name, path, digest, pairs)


def _of_showcases(folder: Path, dataset: Path | None) -> tuple[Pair, ...]:
    """The pairs of a folder of showcases, joined with the reviews of their data set."""
    # Whose room loads models, which nothing else here needs.
    from recbole_showcase.offline.folder import ShowcaseFolder

    if not (folder / _MANIFEST).is_file():
        _refuse_benchmark(folder)
        raise DataError(f"{folder} holds no {_MANIFEST}: it is no folder of showcases")
    if dataset is None:
        raise DataError(
            f"{folder} has the ids of reviews and not their texts; name the folder of the data set "
            "with --dataset"
        )
    showcases = ShowcaseFolder(folder)
    if not showcases.progress.complete:
        raise DataError(f"{folder} is not complete: run 'explain' on it again, which goes on")
    rows = [row for part in showcases.progress.parts for _, row in _rows(folder / part.file)]
    return tuple(JoinedReviews(dataset).complete(stored_as(Shown, row) for row in rows))


def _refuse_benchmark(folder: Path) -> None:
    """Say which steps lead from a benchmark's folder, or that of a run of it, to pairs.

    Raises:
        DataError: It is one.
    """
    runs = [folder] if (folder / "record.json").is_file() else sorted((folder / "runs").glob("*"))
    if not any((run / "record.json").is_file() for run in runs):
        return
    kept = [run / "checkpoint.pth" for run in runs if (run / "checkpoint.pth").is_file()]
    if not kept:
        raise DataError(
            f"{folder} is of a benchmark that kept no checkpoint: run it with keep: true, then "
            "'judge pairs' writes the pairs of each"
        )
    command = shlex.join(["judge", "pairs", str(kept[0]), "--out", "NAME.jsonl"])
    raise DataError(
        f"{folder} is of a benchmark: write the pairs of each of its {len(kept)} checkpoint(s) to "
        f"a file, and judge these files: recbole-showcase {command}"
    )


def _of_file(path: Path) -> Iterator[Pair]:
    for place, row in _rows(path):
        try:
            yield stored_as(Pair, row)
        except ValueError as error:
            raise DataError(f"{path}, {place}: {error}") from error


def _rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """The rows of a file as JSON, and where they are."""
    try:
        if path.suffix == ".parquet":
            for number, row in enumerate(pq.read_table(path).to_pylist(), 1):
                yield f"row {number}", _json(row)
        else:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    yield f"line {number}", line
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())[:300]}") from error


def _json(row: dict[str, Any]) -> bytes:
    """A row of a table; a null stands for what is not there."""
    there = {name: value for name, value in row.items() if value is not None}
    if isinstance(there.get("metrics"), list):  # a map, as Arrow gives it
        there["metrics"] = dict(there["metrics"])
    return json.dumps(there, default=str).encode()

"""Convert the pickles of the research on explanations in natural language (NLG4RS).

``reviews.pickle`` of NETE, PETER, PEPLER and others (Li, Zhang, Chen, CIKM 2020 and ACL 2021): for
each review a user, an item, a rating, and of its text one sentence with the feature that it speaks
of. Beside it stand folders ``1`` to ``5``, each a split of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.atomic.conversion import conversion
from recbole_showcase.atomic.engine import (
    TOO_LONG,
    Selection,
    clean_ids,
    too_long,
    write_query,
)
from recbole_showcase.atomic.folds import PARTS, read_fold
from recbole_showcase.atomic.nlg4rs_items import (
    fates_of_items,
    fill_meta,
    items_file,
    read_nlg4rs_items,
)
from recbole_showcase.atomic.options import NLG4RSOptions
from recbole_showcase.atomic.schema import INTER, REVIEW, Field
from recbole_showcase.atomic.sql import literal
from recbole_showcase.errors import DataError
from recbole_showcase.files.plain_pickle import read_plain_pickle

if TYPE_CHECKING:
    import duckdb
    import numpy as np

REASONS = (
    "row of another form",
    "no user",
    "no item",
    "no rating",
    "no explanation",
    "in no part of the split",
    TOO_LONG,
)
FEATURE = Field("feature", "token_seq")
_BLOCK = 1 << 17  # rows that go to DuckDB at once
_MOST_REPEATED = 100  # characters of texts for each byte of the pickle
_NOTES = {
    "time": "NLG4RS tells no times: .inter has no timestamp, its order is that of the source.",
    "text": "Sentences stand in .review as text and as explanation, since there is no other text; "
    "there are no photos: set showcase_min_photos: 0.",
}
_Row = tuple[str | None, str | None, float | None, str | None, str | None, int | None]


def convert_nlg4rs(
    reviews: str | Path,
    out: str | Path,
    options: NLG4RSOptions | None = None,
    split: str | Path | None = None,
    items: str | Path | None = None,
) -> Account:
    """Turn ``reviews.pickle`` into atomic files, with the split of one of its folders.

    Args:
        reviews: The pickle: a list of mappings with ``user``, ``item``, ``rating`` and
            ``template``, which is (feature, opinion, sentence, sentiment).
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep.
        split: A folder with ``train.index``, ``validation.index`` and ``test.index``, the numbers
            of the rows from 0; ``None``: one ``.inter`` file.
        items: What items are called, a list of mappings with ``item``; ``None``: ``item.json``
            beside the pickle, if there is one.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: A file is missing or unreadable, holds more than plain data or rows of another
            form alone, a number of a row stands in two parts or is none of a row, nothing is left,
            or ``out`` is there and not ours to replace.
    """
    options = options or NLG4RSOptions()
    source, out = Path(reviews), Path(out)
    told = items_file(source, items)
    lines, rows = read_nlg4rs_items(told), _read(source)
    fold = None if split is None else read_fold(Path(split), len(rows))
    with conversion(out, options) as run:
        _fill(
            run.connection,
            source,
            islice(rows, options.limit),
            None if fold is None else fold.parts,
        )
        clean_ids(run.connection)
        _number_repeats(run.connection)
        read = fill_meta(run.connection, lines, run.scratch)
        selection = Selection(run.connection, REASONS)
        selection.keep_core(options.k_core)
        selection.settle()
        parts = _write_interactions(run.connection, run.stem, fold is not None)
        notes = [_NOTES["time"], _NOTES["text"]]
        if fold is not None:
            features = _write_lexicon(run.connection, Path(f"{run.stem}.lexicon"))
            notes += _split_notes(run.connection, out / f"{out.name}.lexicon", features)
        return run.finish(
            "nlg4rs",
            selection,
            [source, *(fold.files if fold else ()), *([told] if told else ())],
            parts=parts,
            notes=tuple(notes),
            reviews=_write_reviews,
            others=lambda: fates_of_items(run.connection, read),
        )


def _read(path: Path) -> list[Any]:
    """The rows of the pickle.

    Raises:
        DataError: It cannot be read, or holds no list.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    try:
        rows = read_plain_pickle(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if type(rows) is not list:
        raise DataError(f"{path} holds a {type(rows).__name__}; a list of reviews is meant")
    return rows


@dataclass
class _Told:
    """Reads what rows tell, and counts the characters, of which a small pickle may make many."""

    path: Path
    characters: int = 0

    def of(self, row: Any) -> _Row:
        """User, item, rating, sentence, feature, and 0 if it is no mapping."""
        if type(row) is not dict:
            return None, None, None, None, None, 0
        told = row.get("template")
        template = told if isinstance(told, tuple | list) and len(told) > 2 else (None, None, None)
        texts = map(self._text, (row.get("user"), row.get("item"), template[2], template[0]))
        user, item, sentence, feature = texts
        return user, item, _number(row.get("rating")), sentence, feature, None

    def _text(self, value: Any) -> str | None:
        if type(value) is int and abs(value) < 1 << 63:
            return str(value)
        if type(value) is not str:
            return None
        self.characters += len(value)
        return value if value.isascii() else clean_value(value)

    def require_bounded(self) -> None:
        """Refuse a file whose rows repeat each other to more than it holds.

        Raises:
            DataError: They do.
        """
        if self.characters > _MOST_REPEATED * self.path.stat().st_size:
            raise DataError(
                f"{self.path}: its rows repeat each other to more than {_MOST_REPEATED} times what "
                "the file holds"
            )


def _number(value: Any) -> float | None:
    return (
        float(value) if type(value) is float or (type(value) is int and abs(value) < 1e9) else None
    )


def _fill(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    rows: Iterator[Any],
    parts: np.ndarray | None,
) -> None:
    """Make ``rows`` of what the pickle holds; ``reason`` counts through ``REASONS``."""
    import pandas as pd

    connection.execute(
        """CREATE TABLE rows (user_id VARCHAR, item_id VARCHAR, rating DOUBLE, text VARCHAR,
        feature VARCHAR, part VARCHAR, u UBIGINT, i UBIGINT, time BIGINT, photo_urls VARCHAR[],
        reason INTEGER)"""
    )
    names = ", ".join(map(literal, PARTS))
    told, start = _Told(source), 0
    columns = ["user_id", "item_id", "rating", "text", "feature", "form"]
    while block := list(islice(rows, _BLOCK)):
        frame = pd.DataFrame([told.of(row) for row in block], columns=columns, dtype=object)
        frame = frame.astype({"rating": float, "form": float})
        told.require_bounded()
        frame["place"] = 0 if parts is None else parts[start : start + len(block)]
        connection.register("block", frame)
        connection.execute(
            f"""INSERT INTO rows
            SELECT user_id, item_id, finite(rating), text, feature,
                   ([{names}])[place + 1], hash(user_id), hash(item_id), NULL, NULL,
                   CASE WHEN form = 0 THEN 0
                        WHEN blank(user_id) THEN 1
                        WHEN blank(item_id) THEN 2
                        WHEN finite(rating) IS NULL THEN 3
                        WHEN blank(text) THEN 4
                        WHEN place < 0 THEN 5
                        WHEN {too_long("user_id", "item_id")} THEN 6 END
            FROM block"""
        )
        connection.unregister("block")
        start += len(block)


def _number_repeats(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the second row of a pair and those behind it a number, of which their ids are made.

    A split counts every row, so that none is dropped for having its user and item again.
    """
    connection.execute(
        """
        CREATE TEMP TABLE again AS
        SELECT rowid AS rid, row_number() OVER (PARTITION BY u, i ORDER BY rowid) - 1 AS n
        FROM rows WHERE reason IS NULL QUALIFY n > 0;
        UPDATE rows SET time = n FROM again WHERE rows.rowid = rid;
        DROP TABLE again
        """
    )


def _write_interactions(
    connection: duckdb.DuckDBPyConnection, stem: Path, split: bool
) -> dict[str, int]:
    """Write ``.inter`` or its three parts; return the rows of each part."""
    query = f"SELECT user_id, item_id, rating, {tables.REVIEW_ID} FROM rows"
    head = tables.headers(INTER.without("timestamp"))
    if not split:
        write_query(connection, Path(f"{stem}.inter"), head, query)
        return {}
    return {
        part: write_query(
            connection, Path(f"{stem}.{part}.inter"), head, f"{query} WHERE part = '{part}'"
        )
        for part in PARTS
    }


def _write_reviews(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write ``.review``, the sentence as text and as explanation, with the feature it speaks of."""
    query = f"SELECT {tables.REVIEW_ID}, clean(text), clean(text), clean(feature) FROM rows"
    return write_query(connection, path, tables.headers(REVIEW.also(FEATURE)), query)


def _write_lexicon(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the features of training rows, those of most rows first; return how many."""
    found = connection.execute(
        """SELECT clean(feature) AS f FROM rows WHERE part = 'train' AND NOT blank(feature)
        GROUP BY f ORDER BY count(*) DESC, f"""
    ).fetchall()
    if found:
        path.write_text("".join(f"{feature}\n" for (feature,) in found), encoding="utf-8")
    return len(found)


def _split_notes(connection: duckdb.DuckDBPyConnection, lexicon: Path, features: int) -> list[str]:
    """What a user of a data set with a split has to know."""
    both = connection.execute(
        """SELECT count(*) FROM rows WHERE part <> 'train' AND (u, i) IN
        (SELECT (u, i) FROM rows WHERE part = 'train')"""
    ).fetchall()[0][0]
    notes = [
        "The split is kept as RecBole benchmark files: set "
        "benchmark_filename: [train, valid, test] in RecBole's configuration.",
    ]
    if features:
        notes.append(
            f"{features:,} features of training rows are a lexicon: set showcase_lexicon: {lexicon}"
        )
    if both:
        notes.append(f"{both:,} held-out rows have a user and an item of a training row.")
    return notes

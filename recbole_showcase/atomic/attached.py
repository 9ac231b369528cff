"""Which rows of two tables join a data set's interactions, and why the others do not.

``pairs`` has a row for each interaction: its file and number there, user and item as they stand,
the time in milliseconds, and the review's id. ``texts`` and ``shown`` are what joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.options import AttachOptions
from recbole_showcase.atomic.photos import PhotoFolder
from recbole_showcase.atomic.reader import query_as_written, read_fields
from recbole_showcase.atomic.schema import LONGEST_ID
from recbole_showcase.atomic.sql import identifier
from recbole_showcase.atomic.table_files import TIME, read_table_file
from recbole_showcase.atomic.tables import REVIEW_ID
from recbole_showcase.atomic.told import Told
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

    Joined = tuple[dict[str, int], list[str]]

_OF_NONE = "of no interaction"
# What PhotoFolder refuses, and what cleaning would change so that no file is called so any more.
_NOT_ALLOWED = r"regexp_matches(path, '^/|\\|^.:|(^|/)\.\.(/|$)') OR path <> clean(path)"


def read_interactions(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], options: AttachOptions
) -> None:
    """Make ``inter_0`` and so on, a table of texts for each file, and ``pairs``.

    Raises:
        DataError: A file is damaged or lacks a column, or a review's id is there twice.
    """
    connection.execute(
        """CREATE TABLE pairs (n BIGINT, file INTEGER, row BIGINT, user_id VARCHAR,
        item_id VARCHAR, cu VARCHAR, ci VARCHAR, time BIGINT, review_id VARCHAR)"""
    )
    for number, path in enumerate(paths):
        names = [field.name for field in read_fields(path)]
        for name in (options.user_field, options.item_field):
            if name not in names:
                raise DataError(f"{path} has no column {name!r}; it has {', '.join(names)}")
        table = f"inter_{number}"
        connection.execute(f"CREATE TABLE {table} AS {query_as_written(path)}")
        if "review_id" not in names:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN review_id VARCHAR")
        user, item = identifier(options.user_field), identifier(options.item_field)
        time = identifier(options.time_field) if options.time_field in names else "NULL"
        connection.execute(
            f"""INSERT INTO pairs SELECT {number << 40} + rowid, {number}, rowid, {user}, {item},
            clean({user}), clean({item}), {_milliseconds(time)}, nullif(review_id, '')
            FROM {table}"""
        )
    twice = connection.execute(
        """SELECT review_id FROM pairs WHERE review_id IS NOT NULL
        GROUP BY review_id HAVING count(*) > 1 LIMIT 1"""
    ).fetchall()
    if twice:
        raise DataError(f"review_id {twice[0][0]!r} is in two rows of .inter; ids must be unique")


def attach_reviews(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    options: AttachOptions,
    folder: PhotoFolder | None,
) -> Joined:
    """Make ``texts`` of the reviews that join, and give their interactions the ids they tell.

    Raises:
        DataError: The file is damaged or lacks a column, or none joins.
    """
    optional = ["review_id", "user_id", "item_id", TIME]
    there = read_table_file(connection, "told", path, ["text"], optional, options.delimiter)
    named = bool(connection.execute("SELECT 1 FROM pairs WHERE review_id <> '' LIMIT 1").fetchall())
    by_id = named and "review_id" in there
    if not by_id and not {"user_id", "item_id"} <= there:
        need = "user_id and item_id" + (", or review_id" if named else "")
        raise DataError(f"{path} has no columns {need}; it has {', '.join(sorted(there))}")
    by_time = _prepare(connection, there)
    told = Told(connection)
    if not by_id:
        told.drop("no user", "cu = '' OR cu IS NULL")
        told.drop("no item", "ci = '' OR ci IS NULL")
    if "review_id" in there:
        told.drop("no review id", f"blank(review_id) OR strlen(review_id) > {LONGEST_ID}")
    if by_time and not by_id:
        told.drop("no time", "time IS NULL")
    told.drop("no text", "blank(text)")
    told.drop_repeats("review id listed before", "review_id")
    _match(connection, "review_id = id" if by_id else _key(by_time))
    told.drop(_OF_NONE, "n IS NULL")
    told.drop("of several interactions, which a timestamp would tell apart", "several")
    told.drop_repeats("another review of the interaction", "n")
    fates = told.finish(path, "reviews")
    connection.execute(
        """
        CREATE TABLE texts AS SELECT n, review_id AS id, clean(text) AS said FROM told
        WHERE fate IS NULL;
        UPDATE pairs SET review_id = id FROM texts
        WHERE pairs.n = texts.n AND pairs.review_id IS NULL AND id IS NOT NULL;
        DROP TABLE told
        """
    )
    return fates, []


def attach_photos(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    options: AttachOptions,
    folder: PhotoFolder | None,
) -> Joined:
    """Make ``shown`` of the photos of items that there are, with their interactions where known.

    Raises:
        DataError: The file is damaged or lacks a column, or none joins.
    """
    optional = [
        "path", "url", "image_id", "review_id", "user_id", TIME, "caption", "label",
    ]  # fmt: skip
    there = read_table_file(connection, "told", path, ["item_id"], optional, options.delimiter)
    if not {"path", "url"} & there:
        raise DataError(f"{path} has neither a column 'path' nor 'url'; it has {sorted(there)}")
    by_time = _prepare(connection, there)
    connection.execute(
        r"""
        UPDATE told SET path = nullif(path, ''), image_id = clean(nullif(image_id, '')),
            url = CASE WHEN regexp_full_match(url, '(?i)https?://[^\s"/]\S*') AND url = clean(url)
                       THEN url END;
        UPDATE told SET image_id = coalesce(nullif(image_id, ''), md5(coalesce(path, url)));
        UPDATE told SET path = image_id || '.jpg' WHERE path IS NULL AND url IS NOT NULL
        """
    )
    told = Told(connection)
    told.drop("no item", "ci = '' OR ci IS NULL")
    told.drop("neither path nor URL", "path IS NULL")
    told.drop("path that is not allowed", _NOT_ALLOWED)
    told.drop("of no item of the interactions", "ci NOT IN (SELECT ci FROM pairs)")
    told.drop_repeats("listed before", "image_id")
    if folder is not None:
        _drop_gone(connection, told, folder)
    fates = told.finish(path, "photos")
    by = "review_id = id AND ci = pairs_ci" if "review_id" in there else _key(by_time)
    _match(connection, by if {"review_id", "user_id"} & there else "false")
    connection.execute(
        """
        CREATE TABLE shown AS
        SELECT told.rowid AS place, image_id, spelled AS item_id,
               CASE WHEN NOT several THEN n END AS n, path, clean(caption) AS caption,
               clean(label) AS label, url
        FROM told JOIN (SELECT ci, min(item_id) AS spelled FROM pairs GROUP BY ci) USING (ci)
        WHERE fate IS NULL;
        DROP TABLE told
        """
    )
    alone = connection.execute("SELECT count(*) FROM shown WHERE n IS NULL").fetchall()[0][0]
    if not alone:
        return fates, []
    return fates, [f"{alone:,} photos belong to an item and to no interaction that is told."]


def attach_item_photos(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Make ``shown`` of one row for each item, of a photo that is not there."""
    connection.execute(
        """CREATE TABLE shown AS
        SELECT min(n) AS place, 'item-' || ci AS image_id, min(item_id) AS item_id,
               NULL::BIGINT AS n, md5(ci) || '.jpg' AS path, NULL::VARCHAR AS caption,
               NULL::VARCHAR AS label, NULL::VARCHAR AS url
        FROM pairs WHERE ci <> '' GROUP BY ci"""
    )
    return [
        "Each item has one row of .image, which stands for features of the item: there are no "
        "photos to show. Import the features with: import-features."
    ]


def name_interactions(connection: duckdb.DuckDBPyConnection) -> None:
    """Give an id to each interaction with a text or photo, and put all ids where they belong."""
    connection.execute(
        f"""
        CREATE TABLE IF NOT EXISTS texts (n BIGINT, id VARCHAR, said VARCHAR);
        CREATE TABLE IF NOT EXISTS shown (place BIGINT, image_id VARCHAR, item_id VARCHAR, n BIGINT,
            path VARCHAR, caption VARCHAR, label VARCHAR, url VARCHAR);
        UPDATE pairs SET review_id = {REVIEW_ID}
        WHERE review_id IS NULL AND (n IN (SELECT n FROM texts) OR n IN (SELECT n FROM shown))
        """
    )
    (files,) = connection.execute("SELECT max(file) + 1 FROM pairs").fetchall()[0]
    for number in range(files or 0):
        connection.execute(
            f"""UPDATE inter_{number} AS inter SET review_id = pairs.review_id FROM pairs
            WHERE file = {number} AND row = inter.rowid AND pairs.review_id IS NOT NULL"""
        )


def _prepare(connection: duckdb.DuckDBPyConnection, there: frozenset[str]) -> bool:
    """Give ``told`` clean keys and the columns of a match; say whether times tell rows apart."""
    users, items = ("user_id" in there), ("item_id" in there)
    connection.execute(
        f"""
        CREATE TABLE told_next AS
        SELECT * EXCLUDE (review_id, "{TIME}"), {"clean(user_id)" if users else "NULL"} AS cu,
               {"clean(item_id)" if items else "NULL"} AS ci, clean(review_id) AS review_id,
               {_milliseconds(identifier(TIME))} AS time, NULL::BIGINT AS n, false AS several
        FROM told;
        DROP TABLE told;
        ALTER TABLE told_next RENAME TO told
        """
    )
    timed = connection.execute("SELECT 1 FROM pairs WHERE time IS NOT NULL LIMIT 1").fetchall()
    return TIME in there and bool(timed)


def _milliseconds(column: str) -> str:
    """Seconds, as text, as whole milliseconds; null where they are none."""
    return f"TRY_CAST(round(TRY_CAST({column} AS DOUBLE) * 1000) AS BIGINT)"


def _key(by_time: bool) -> str:
    same = "cu = pairs_cu AND ci = pairs_ci"
    return f"{same} AND time = pairs_time" if by_time else same


def _match(connection: duckdb.DuckDBPyConnection, condition: str) -> None:
    """Tell each row that is left its interaction; of repeated ones with one time the first."""
    connection.execute(
        f"""
        UPDATE told SET n = first, several = times > 1 FROM (
            SELECT told.rowid AS r, min(p.n) AS first,
                   count(DISTINCT coalesce(pairs_time, p.n)) AS times
            FROM told JOIN (SELECT n, cu AS pairs_cu, ci AS pairs_ci, time AS pairs_time,
                                   review_id AS id FROM pairs) AS p ON {condition}
            WHERE fate IS NULL GROUP BY told.rowid)
        WHERE told.rowid = r
        """
    )


def _drop_gone(connection: duckdb.DuckDBPyConnection, told: Told, folder: PhotoFolder) -> None:
    """Drop photos that the folder does not have."""
    import pandas as pd

    files = pd.DataFrame({"file": [path for _, path in folder.files()]}, dtype=object)
    connection.register("photo_files", files.astype(str))
    told.drop("not in the photo folder", "path NOT IN (SELECT file FROM photo_files)")
    connection.unregister("photo_files")

"""Write what survived as atomic files: reviews, photos and items from the tables of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.engine import write_query
from recbole_showcase.atomic.photos import PhotoFolder
from recbole_showcase.atomic.schema import IMAGE, ITEM, REVIEW, AtomicFile

if TYPE_CHECKING:
    import duckdb


def headers(file: AtomicFile) -> list[str]:
    """The columns' heads of an atomic file."""
    return [field.header for field in file.fields]


def find_photos(connection: duckdb.DuckDBPyConnection, folder: PhotoFolder | None) -> None:
    """Make ``photos`` (rid, place, image_id, path) from ``rows.photo_ids``.

    ``path`` is null where the folder has no such photo; without a folder it is ``<id>.jpg``.
    """
    connection.execute(
        """
        CREATE TABLE listed AS
        SELECT rid, place, clean(id) AS image_id FROM (
            SELECT rowid AS rid, unnest(photo_ids) AS id,
                   generate_subscripts(photo_ids, 1) AS place
            FROM rows WHERE reason IS NULL AND photo_ids IS NOT NULL
        ) WHERE NOT blank(id)
        """
    )
    if folder is None:
        connection.execute(
            "CREATE TABLE photos AS SELECT *, image_id || '.jpg' AS path FROM listed"
        )
    else:
        import pandas as pd

        files = pd.DataFrame(folder.files(), columns=["id", "path"], dtype=object)
        files = files.drop_duplicates("id").astype(str)
        connection.register("photo_files", files)
        connection.execute(
            """
            CREATE TABLE photos AS
            SELECT listed.*, path FROM listed LEFT JOIN photo_files ON image_id = id
            AND path = clean(path)
            """
        )
        connection.unregister("photo_files")
    connection.execute("DROP TABLE listed")


def make_final(connection: duckdb.DuckDBPyConnection, user: str, item: str) -> None:
    """Make ``final`` (rid, time, review_id) of the kept rows.

    A review's id is the first 20 hex digits of the MD5 of user, item and time, so it is the
    same under other options.
    """
    connection.execute(
        f"""
        CREATE TABLE final AS
        SELECT rid, rows.time, substr(md5(concat_ws(chr(9), {user}, {item}, rows.time)), 1, 20)
               AS review_id
        FROM kept JOIN rows ON rows.rowid = rid
        """
    )


@dataclass(frozen=True)
class Counts:
    """What the files beside ``.inter`` hold."""

    users: int
    items: int
    reviews_with_text: int
    photos: int
    photos_gone: int


def write_siblings(connection: duckdb.DuckDBPyConnection, stem: Path, item: str) -> Counts:
    """Write ``.review``, ``.image`` and ``.item`` of the rows in ``final``.

    Args:
        connection: A DuckDB with the tables ``rows``, ``kept``, ``final``, ``photos``, ``meta``.
        stem: The files are ``<stem>.review`` and so on.
        item: The column of ``rows`` with the item.
    """
    with_text = _write_reviews(connection, Path(f"{stem}.review"))
    photos, gone = _write_images(connection, Path(f"{stem}.image"), item)
    items = _write_items(connection, Path(f"{stem}.item"), item)
    users = int(connection.execute("SELECT count(DISTINCT u) FROM kept").fetchall()[0][0])
    return Counts(users, items, with_text, photos, gone)


def _write_reviews(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the ``.review`` file: the kept reviews with text, in the order of ``.inter``."""
    return write_query(
        connection,
        path,
        headers(REVIEW),
        """SELECT review_id, clean(text), NULL FROM final JOIN rows ON rows.rowid = rid
        WHERE text IS NOT NULL ORDER BY final.time, rid""",
    )


def _write_images(connection: duckdb.DuckDBPyConnection, path: Path, item: str) -> tuple[int, int]:
    """Write the ``.image`` file; return how many photos it has and how many are gone.

    A photo that several reviews show belongs to the first of them.
    """
    connection.execute(
        """
        CREATE TABLE shown AS
        SELECT image_id, path, rid, place, time, review_id FROM photos JOIN final USING (rid)
        QUALIFY row_number() OVER (PARTITION BY image_id ORDER BY time, rid, place) = 1
        """
    )
    gone = connection.execute("SELECT count(*) FROM shown WHERE path IS NULL").fetchall()[0][0]
    written = write_query(
        connection,
        path,
        headers(IMAGE),
        f"""SELECT image_id, {item}, review_id, path
        FROM shown JOIN rows ON rows.rowid = rid WHERE path IS NOT NULL
        ORDER BY shown.time, rid, place""",
    )
    return written, int(gone)


def _write_items(connection: duckdb.DuckDBPyConnection, path: Path, item: str) -> int:
    """Write the ``.item`` file: every kept item, with its row of ``meta`` if there is one."""
    return write_query(
        connection,
        path,
        headers(ITEM),
        f"""SELECT id, clean(name), join_tokens(category), latitude, longitude, price,
                   avg_rating, num_reviews
        FROM (SELECT DISTINCT {item} AS id FROM kept JOIN rows ON rows.rowid = rid)
        LEFT JOIN meta USING (id) ORDER BY id""",
    )

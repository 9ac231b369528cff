"""Write what survived as atomic files: reviews, photos and items from the tables of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from recbole_showcase.atomic.engine import count_rows, on_a_cursor, write_query
from recbole_showcase.atomic.photos import PHOTO_SUFFIXES, PhotoFolder
from recbole_showcase.atomic.schema import IMAGE, IMAGE_EXTRAS, ITEM, REVIEW, AtomicFile

if TYPE_CHECKING:
    import duckdb

PhotoFinder: TypeAlias = "Callable[[duckdb.DuckDBPyConnection, PhotoFolder | None], None]"

# 80 bits of the MD5 of user, item and time, so it is the same under other options and under every
# version of DuckDB. A clean id holds no tab.
REVIEW_ID = "substr(md5(concat(user_id, chr(9), item_id, chr(9), time)), 1, 20)"

# Each photo of the reviews that may stay, as the source names it.
LISTED = f"""SELECT rowid AS rid, item_id, {REVIEW_ID} AS review_id, unnest(photo_urls) AS url,
    generate_subscripts(photo_urls, 1) AS place
    FROM rows WHERE reason IS NULL AND photo_urls IS NOT NULL"""
_ROWS_AT_ONCE = 1 << 25
# What may be asked for: no server takes a longer one.
_URL = """CASE WHEN regexp_matches(url, '^https?://', 'i') AND strlen(url) <= 8192
         THEN clean(url) END"""


def headers(file: AtomicFile) -> list[str]:
    """The columns' heads of an atomic file."""
    return [field.header for field in file.fields]


def find_photos(connection: duckdb.DuckDBPyConnection, folder: PhotoFolder | None) -> None:
    """Make ``photos`` of the rows without a reason to be dropped.

    Its columns are rid, place (in the review), item_id, review_id, url, image_id and path.
    A photo's id is the last part of its URL up to ``=`` or ``?`` and without the suffix of a photo,
    or the bare id. ``path`` is null where the folder has no such photo; without a folder it is
    ``<id>.jpg``. ``url`` is null where a photo is listed by no URL.
    """
    suffix = f"({'|'.join(PHOTO_SUFFIXES)})$".replace(".", r"\.")
    place_photos(
        connection,
        folder,
        f"""
        SELECT rid, place, item_id, review_id,
               {_URL} AS url,
               CASE WHEN contains(name, '.') THEN regexp_replace(name, '{suffix}', '', 'i')
                    ELSE name END AS image_id
        FROM (SELECT *, clean(split_part(split_part(split_part(
                         url, '/', -1), '=', 1), '?', 1)) AS name
              FROM ({LISTED}))
        WHERE image_id <> ''
        """,
    )


def find_photos_by_url(connection: duckdb.DuckDBPyConnection, folder: PhotoFolder | None) -> None:
    """The same of URLs whose last parts are no ids: the MD5 of a photo's URL is its id."""
    query = f"""SELECT * REPLACE ({_URL} AS url), md5(url) AS image_id FROM ({LISTED})
        WHERE url IS NOT NULL"""
    place_photos(connection, folder, query)


def place_photos(
    connection: duckdb.DuckDBPyConnection, folder: PhotoFolder | None, listed: str
) -> None:
    """Make ``photos`` of a query for photos with an ``image_id``, by their paths in the folder."""
    if folder is None:
        query = f"SELECT *, image_id || '.jpg' AS path FROM ({listed})"
        connection.execute(f"CREATE OR REPLACE TABLE photos AS {query}")
        return
    import pandas as pd

    files = pd.DataFrame(folder.files(), columns=["id", "path"], dtype=object)
    connection.register("photo_files", files.drop_duplicates("id").astype(str))
    connection.execute(
        f"""CREATE OR REPLACE TABLE photos AS
        SELECT listed.*, path FROM ({listed}) AS listed
        LEFT JOIN photo_files ON image_id = id AND path = clean(path)"""
    )
    connection.unregister("photo_files")


def write_reviews(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the ``.review`` file: the reviews with text, in the order of the sources."""
    return write_query(
        connection,
        path,
        headers(REVIEW),
        f"SELECT {REVIEW_ID}, clean(text), NULL FROM rows WHERE text IS NOT NULL",
    )


@dataclass(frozen=True)
class Counts:
    """What the files beside ``.inter`` hold."""

    users: int
    items: int
    reviews_with_text: int
    photos: int
    photos_gone: int


@dataclass(frozen=True)
class Siblings:
    """How the files beside ``.inter`` come about.

    Attributes:
        reviews: What writes ``.review``.
        photos: What makes the table ``photos``.
        beside: What else is done meanwhile.
    """

    reviews: Callable[[duckdb.DuckDBPyConnection, Path], int] = write_reviews
    photos: PhotoFinder = find_photos
    beside: Sequence[Callable[[duckdb.DuckDBPyConnection], None]] = ()


def write_siblings(
    connection: duckdb.DuckDBPyConnection,
    stem: Path,
    folder: PhotoFolder | None,
    siblings: Siblings = Siblings(),
) -> Counts:
    """Write ``.review``, ``.image`` and ``.item`` of what is left in ``rows``.

    At once where there are few rows, else one after another: each holds memory that cannot spill.

    Args:
        connection: A DuckDB with the tables ``rows``, ``kept`` and ``meta``.
        stem: The files are ``<stem>.review`` and so on.
        folder: The photos, if they are on this machine.
        siblings: How they come about.
    """

    def images(own: duckdb.DuckDBPyConnection) -> tuple[int, int]:
        siblings.photos(own, folder)
        return _write_images(own, Path(f"{stem}.image"))

    def items(own: duckdb.DuckDBPyConnection) -> tuple[int, int]:
        users = own.execute("SELECT count(DISTINCT u) FROM kept").fetchall()[0][0]
        return int(users), _write_items(own, Path(f"{stem}.item"))

    def texts(own: duckdb.DuckDBPyConnection) -> int:
        return siblings.reviews(own, Path(f"{stem}.review"))

    few = count_rows(connection, "true") <= _ROWS_AT_ONCE
    with ThreadPoolExecutor(max_workers=None if few else 1) as pool:
        others = [on_a_cursor(pool, connection, task) for task in siblings.beside]
        text = on_a_cursor(pool, connection, texts)
        shown = on_a_cursor(pool, connection, images)
        known = on_a_cursor(pool, connection, items)
        for other in others:
            other.result()
        return Counts(*known.result(), text.result(), *shown.result())


def _write_images(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[int, int]:
    """Write the ``.image`` file; return how many photos it has and how many are gone.

    A photo that several reviews show belongs to the first of them. There is a column of URLs if one
    photo has one.
    """
    connection.execute(
        """
        CREATE TABLE again AS SELECT rid, place FROM photos
        WHERE image_id IN (SELECT image_id FROM photos GROUP BY image_id HAVING count(*) > 1)
        QUALIFY row_number() OVER (PARTITION BY image_id ORDER BY rid, place) > 1
        """
    )
    gone = connection.execute(
        "SELECT count(*) FROM photos ANTI JOIN again USING (rid, place) WHERE path IS NULL"
    ).fetchall()[0][0]
    listed = "photos ANTI JOIN again USING (rid, place) WHERE path IS NOT NULL"
    told = {column for (column, *_) in connection.execute("DESCRIBE photos").fetchall()}
    more = [
        field
        for field in IMAGE_EXTRAS
        if field.name in told and _any(connection, f"{listed} AND {field.name} <> ''")
    ]
    columns = ", ".join(["image_id, item_id, review_id, path", *(field.name for field in more)])
    written = write_query(
        connection,
        path,
        headers(IMAGE.also(*more)),
        f"SELECT {columns} FROM {listed} ORDER BY rid, place",
    )
    return written, int(gone)


def _any(connection: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """Whether there are some rows."""
    return bool(connection.execute(f"SELECT 1 FROM {rows} LIMIT 1").fetchall())


def _write_items(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the ``.item`` file: every kept item, with its row of ``meta`` if there is one."""
    return write_query(
        connection,
        path,
        headers(ITEM),
        """SELECT id, clean(name), join_tokens(category), finite(latitude), finite(longitude),
                   finite(price), finite(avg_rating), finite(num_reviews)
        FROM (SELECT DISTINCT item_id AS id FROM rows) LEFT JOIN meta USING (id) ORDER BY id""",
    )

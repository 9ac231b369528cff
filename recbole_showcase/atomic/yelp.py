"""Convert the Yelp Open Dataset: reviews, businesses and photos of businesses as JSON lines.

Its photos belong to a business, and nobody says with which review they were posted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.beside import AGAIN, Fates, read_beside
from recbole_showcase.atomic.conversion import Run
from recbole_showcase.atomic.engine import Selection
from recbole_showcase.atomic.items import ItemSource
from recbole_showcase.atomic.options import YelpOptions
from recbole_showcase.atomic.photos import PhotoFolder
from recbole_showcase.atomic.reviews import Photos, ReviewSource, convert_reviews
from recbole_showcase.atomic.sources import expand, first_row
from recbole_showcase.atomic.sql import literal
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import duckdb

_LONGEST_NAME = 200  # bytes of a photo's id, which is to be a file's name
# Releases before 2018 tell the day only.
_MOMENT = "try_strptime(date, ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d'])"
_SOURCE = ReviewSource(
    converter="yelp",
    fields={
        "user_id": "VARCHAR",
        "business_id": "VARCHAR",
        "stars": "DOUBLE",
        "text": "VARCHAR",
        "date": "VARCHAR",
    },
    columns=f"""user_id, business_id AS item_id, stars AS rating, text AS said,
        epoch_ms(CASE WHEN isfinite({_MOMENT}) THEN {_MOMENT} END) AS time,
        NULL::VARCHAR[] AS photo_urls""",
    item="business",
    items=ItemSource(
        what="business",
        plural="businesses",
        fields={
            "business_id": "VARCHAR",
            "name": "VARCHAR",
            "city": "VARCHAR",
            "state": "VARCHAR",
            "latitude": "DOUBLE",
            "longitude": "DOUBLE",
            "stars": "DOUBLE",
            "review_count": "DOUBLE",
            "attributes": "JSON",
            "categories": "JSON",
        },
        key="business_id",
        columns="""name, latitude, longitude, stars AS avg_rating, review_count AS num_reviews,
            TRY_CAST(attributes->>'$.RestaurantsPriceRange2' AS DOUBLE) AS price, city, state,
            [trim(c) FOR c IN CASE json_type(categories)
                WHEN 'VARCHAR' THEN string_split(categories->>'$', ',')
                WHEN 'ARRAY' THEN categories->>'$[*]' END] AS category""",
    ),
)
_PHOTO = dict.fromkeys(("photo_id", "business_id", "caption", "label"), "VARCHAR")
_PHOTO_REASONS = {
    "no photo id": "blank(photo_id)",
    "no business": "blank(business_id)",
    "id that no file can have": rf"""regexp_matches(photo_id, '[/\\:]|^\.+$')
        OR strlen(photo_id) > {_LONGEST_NAME} OR photo_id <> clean(photo_id)""",
}


def convert_yelp(
    reviews: Sequence[str | Path],
    businesses: Sequence[str | Path],
    photo_list: str | Path | None,
    out: str | Path,
    options: YelpOptions | None = None,
) -> Account:
    """Turn the Yelp Open Dataset into atomic files.

    Args:
        reviews: ``yelp_academic_dataset_review.json``, gz or plain; may be several.
        businesses: ``yelp_academic_dataset_business.json``, likewise; may be none.
        photo_list: ``photos.json`` of the photos; ``None``: the data set has none.
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: A file or folder is missing or unreadable, an option makes no sense,
            nothing is left, or ``out`` is there and not ours to replace.
    """
    options = options or YelpOptions()
    if options.with_photos and photo_list is None:
        raise DataError("with-photos needs the list of photos, photos.json")
    listed = [] if photo_list is None else expand([photo_list], "photo list")
    for path in listed:
        keys = first_row(path).keys()
        if keys and "photo_id" not in keys:
            raise DataError(
                f"{path} is given as the list of photos, and its first line has no 'photo_id'; it "
                f"has {', '.join(keys)}"
            )
    conditions = (
        (
            "other category",
            options.categories,
            "list_bool_or([lower(c) IN ({0}) FOR c IN category])",
        ),
        ("other state", options.states, "lower(state) IN ({0})"),
        ("other city", options.cities, "lower(city) IN ({0})"),
    )
    tests = [
        (reason, test.format(", ".join(f"lower({literal(name)})" for name in names)))
        for reason, names, test in conditions
        if names
    ]

    def photos(run: Run) -> Photos:
        return _photos(run, listed)

    files = (reviews, businesses)
    return convert_reviews(_SOURCE, files, Path(out), options, tests, photos, listed)


def _photos(run: Run, files: Sequence[Path]) -> Photos:
    """Read the list of photos into the table ``shots``, each photo once."""
    read = read_beside(
        run.connection, "told", "photo list", files, run.scratch, _PHOTO, _PHOTO_REASONS
    )
    run.connection.execute(
        """
        CREATE TABLE shots AS
        SELECT row_number() OVER (ORDER BY told.rowid) AS rid, 1 AS place, photo_id AS image_id,
               clean(business_id) AS item_id, NULL::VARCHAR AS review_id,
               clean(caption) AS caption, clean(label) AS label
        FROM told QUALIFY row_number() OVER (PARTITION BY photo_id ORDER BY told.rowid) = 1;
        DROP TABLE told
        """
    )

    def fates(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
        return _fates(connection, read) if files else {}

    return Photos(_find_photos, _keep_photographed, fates, read.notes)


def _find_photos(connection: duckdb.DuckDBPyConnection, folder: PhotoFolder | None) -> None:
    """Make ``photos`` of the photos of businesses whose reviews may stay."""
    kept = "SELECT item_id FROM rows WHERE reason IS NULL"
    tables.place_photos(connection, folder, f"SELECT * FROM shots WHERE item_id IN ({kept})")


def _keep_photographed(selection: Selection) -> None:
    shown = "SELECT hash(item_id) FROM photos WHERE path IS NOT NULL"
    selection.keep("no photo of the business", f"FROM kept WHERE i IN ({shown})")


def _fates(connection: duckdb.DuckDBPyConnection, read: Fates) -> dict[str, dict[str, int]]:
    """What became of each line of the list of photos."""
    different, wanted, gone = connection.execute(
        """SELECT (SELECT count(*) FROM shots), count(*), count(*) FILTER (path IS NULL)
        FROM photos"""
    ).fetchall()[0]
    return {
        "photos": read.counts
        | {
            AGAIN: read.left - different,
            "of no business kept": different - wanted,
            "not in the photo folder": gone,
            "kept": wanted - gone,
        }
    }

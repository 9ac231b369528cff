"""Convert Amazon Reviews 2023: reviews and metadata of items as JSON lines, one file a category."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic import tables
from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.conversion import Run
from recbole_showcase.atomic.items import ItemSource
from recbole_showcase.atomic.markup import define_plain
from recbole_showcase.atomic.options import AmazonOptions
from recbole_showcase.atomic.reviews import Photos, ReviewSource, convert_reviews, of_milliseconds

if TYPE_CHECKING:
    import duckdb

_LONGEST_URL = 8192
_SIZES = ("large_image_url", "medium_image_url", "small_image_url")
_LARGEST = ", ".join(f"nullif(p->>'$.{size}', '')" for size in _SIZES)
# An image without a usable URL stays in the list, as null, to be counted.
_URLS = rf"""[CASE WHEN regexp_full_match(url, '(?i)https?://[^\s"/]\S*') AND url = clean(url)
        AND strlen(url) <= {_LONGEST_URL} THEN url END FOR url IN
    [CASE WHEN coalesce(p->>'$.attachment_type', 'IMAGE') = 'IMAGE' THEN coalesce({_LARGEST}) END
     FOR p IN CASE json_type(images) WHEN 'ARRAY' THEN images->'$[*]' END]]"""
_TITLED = r"""concat(title, CASE WHEN blank(title) OR blank(text) THEN ''
    WHEN regexp_matches(title, '[.!?…。！？]\s*$') THEN ' ' ELSE '. ' END, text)"""
_PRICE = r"""coalesce(TRY_CAST(price AS DOUBLE),
    TRY_CAST(replace(regexp_extract(price, '^\s*\$\s*([0-9,]+(\.[0-9]+)?)\s*$', 1), ',', '')
             AS DOUBLE))"""


def convert_amazon(
    reviews: Sequence[str | Path],
    meta: Sequence[str | Path],
    out: str | Path,
    options: AmazonOptions | None = None,
) -> Account:
    """Turn Amazon Reviews 2023 into atomic files; an item is a ``parent_asin``.

    Args:
        reviews: Review files such as ``All_Beauty.jsonl.gz``, gz or plain, by name or pattern.
        meta: Metadata files such as ``meta_All_Beauty.jsonl.gz``, likewise; may be none.
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: A file or folder is missing or unreadable, an option makes no sense,
            nothing is left, or ``out`` is there and not ours to replace.
    """
    options = options or AmazonOptions()
    return convert_reviews(_source(options), (reviews, meta), Path(out), options, photos=_photos)


def _source(options: AmazonOptions) -> ReviewSource:
    """The layout, with what the options make of a text."""
    said = _TITLED if options.titles else "text"
    plain = "{}" if options.markup else "without_markup({})"
    return ReviewSource(
        converter="amazon",
        fields={
            "user_id": "VARCHAR",
            "parent_asin": "VARCHAR",
            "timestamp": "DOUBLE",
            "rating": "DOUBLE",
            "title": "VARCHAR",
            "text": "VARCHAR",
            "images": "JSON",
        },
        columns=f"""user_id, parent_asin AS item_id, {of_milliseconds("timestamp")}, rating,
            {plain.format(said)} AS said, {_URLS} AS photo_urls""",
        item="item",
        items=ItemSource(
            what="item",
            plural="items",
            fields={
                "parent_asin": "VARCHAR",
                "title": "VARCHAR",
                "main_category": "VARCHAR",
                "categories": "VARCHAR[]",
                "average_rating": "DOUBLE",
                "rating_number": "DOUBLE",
                "price": "VARCHAR",
            },
            key="parent_asin",
            columns=f"""{plain.format("title")} AS name, {_PRICE} AS price,
                average_rating AS avg_rating, rating_number AS num_reviews,
                NULL::DOUBLE AS latitude, NULL::DOUBLE AS longitude,
                CASE WHEN len(categories) > 0 THEN categories ELSE [main_category] END AS category
            """,
        ),
        prepare=define_plain,
    )


def _photos(run: Run) -> Photos:
    return Photos(tables.find_photos_by_url, fates=_fates)


def _fates(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """What became of the images of the reviews kept."""
    images, named, again, gone = connection.execute(
        """SELECT (SELECT coalesce(sum(len(photo_urls)), 0) FROM rows), count(*),
            (SELECT count(*) FROM again),
            count(*) FILTER (path IS NULL AND (rid, place) NOT IN (SELECT (rid, place) FROM again))
        FROM photos"""
    ).fetchall()[0]
    return {
        "images": {
            "read": int(images),
            "without a URL": int(images) - named,
            "shown before": again,
            "not in the photo folder": gone,
            "kept": named - again - gone,
        }
    }

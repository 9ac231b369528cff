"""What ``item.json`` beside the pickles of NLG4RS tells of items, as the table ``meta``.

The file is one list of mappings, an item each, which ``item`` names as the reviews do. What else is
there is of where the reviews are from: Amazon's metadata of 2014 with ``title``, ``price`` and
lists of ``categories``, or Yelp's businesses with ``name``, ``categories`` between commas, place
and stars.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_showcase.atomic.beside import Fates
from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.atomic.items import ItemSource, item_fates, read_items
from recbole_showcase.errors import DataError
from recbole_showcase.files.plain import read_json

if TYPE_CHECKING:
    import duckdb

_LARGEST = 1 << 28  # bytes, of which some ten times as many are memory
_NUMBERS = ("latitude", "longitude", "price", "stars", "review_count")
_SOURCE = ItemSource(
    what="item",
    plural="items",
    fields={
        "item": "VARCHAR",
        "name": "VARCHAR",
        "category": "VARCHAR[]",
        **dict.fromkeys(_NUMBERS, "DOUBLE"),
    },
    key="item",
    columns="""name, category, latitude, longitude, price, stars AS avg_rating,
        review_count AS num_reviews""",
)


def items_file(reviews: Path, given: str | Path | None) -> Path | None:
    """The file of items: the one given, else ``item.json`` beside the reviews, if there is one.

    Raises:
        DataError: There is no file of the name given.
    """
    path = reviews.with_name("item.json") if given is None else Path(given)
    if path.is_file():
        return path
    if given is not None:
        raise DataError(f"there is no file {path}")
    return None


def read_nlg4rs_items(path: Path | None) -> list[str]:
    """Lines of JSON, an item each, with what ``.item`` has a column for.

    Args:
        path: ``item.json``; None: nothing is known.

    Raises:
        DataError: It cannot be read, is too large, or is no list.
    """
    if path is None:
        return []
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST:,} bytes")
        entries = read_json(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if type(entries) is not list:
        raise DataError(f"{path} holds a {type(entries).__name__}; a list of items is meant")
    return [json.dumps(_told(entry)) for entry in entries]


def fill_meta(connection: duckdb.DuckDBPyConnection, lines: list[str], scratch: Path) -> Fates:
    """Make ``meta`` of the items that are reviewed.

    Args:
        connection: A DuckDB with the table ``rows``, whose ids are clean.
        lines: As :func:`read_nlg4rs_items` gives them.
        scratch: Folder for files on the way.
    """
    path = scratch / "items.jsonl"
    if lines:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_items(connection, _SOURCE, [path] if lines else [], scratch)


def fates_of_items(connection: duckdb.DuckDBPyConnection, read: Fates) -> dict[str, dict[str, int]]:
    """What became of each entry of the file, once it is known which items are kept."""
    return item_fates(connection, _SOURCE, read)


def _told(entry: Any) -> dict[str, Any]:
    """What an entry tells, each value of its column's type or absent; no item if it is none."""
    if type(entry) is not dict:
        return {"item": ""}
    found = {name: _number(entry.get(name)) for name in _NUMBERS}
    attributes = entry.get("attributes")
    if found["price"] is None and type(attributes) is dict:
        said = attributes.get("RestaurantsPriceRange2")
        found["price"] = float(said) if said in ("1", "2", "3", "4") else None
    item = entry.get("item")
    return found | {
        "item": str(item) if type(item) is int and abs(item) < 1 << 63 else _text(item),
        "name": _text(entry.get("title")) or _text(entry.get("name")),
        "category": _categories(entry.get("categories")),
    }


def _categories(value: Any) -> list[str]:
    """Different categories, of a text with commas, a list, or a list of such."""
    if type(value) is str:
        value = value.split(",")
    if type(value) is not list:
        return []
    inside = [part for own in value for part in (own if type(own) is list else [own])]
    return list(dict.fromkeys(text for part in inside if (text := _text(part).strip())))


def _text(value: Any) -> str:
    return clean_value(value) if type(value) is str else ""


def _number(value: Any) -> float | None:
    is_number = type(value) in (int, float) and abs(value) < 1e9  # neither NaN nor infinite
    return float(value) if is_number else None

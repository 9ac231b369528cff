"""Convert Google Local 2021 (reviews and metadata as JSON lines, one file a state)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.items import ItemSource
from recbole_showcase.atomic.options import GoogleLocalOptions
from recbole_showcase.atomic.regions import STATES, state_codes
from recbole_showcase.atomic.reviews import ReviewSource, convert_reviews, of_milliseconds
from recbole_showcase.atomic.sql import literal

RESTAURANTS = (
    r"\b(restaurant|cafe|café|coffee shop|diner|bistro|brasserie|pizza|pizzeria|steak house"
    r"|bar & grill|gastropub|pub|deli|sandwich shop|bakery|bagel shop|ice cream shop"
    r"|dessert shop|food court|food truck|tea house|creperie|chophouse)\b"
)
_REVIEW = {
    "user_id": "VARCHAR",
    "gmap_id": "VARCHAR",
    "time": "DOUBLE",
    "rating": "DOUBLE",
    "text": "VARCHAR",
    "pics": "JSON",
}
_META = {
    "gmap_id": "VARCHAR",
    "name": "VARCHAR",
    "category": "VARCHAR[]",
    "latitude": "DOUBLE",
    "longitude": "DOUBLE",
    "price": "VARCHAR",
    "avg_rating": "DOUBLE",
    "num_of_reviews": "DOUBLE",
    "address": "VARCHAR",
}


def _source(english: bool) -> ReviewSource:
    """The layout; ``english``: of a translated review the translation is read."""
    return ReviewSource(
        converter="google-local",
        fields=_REVIEW,
        columns=f"""user_id, gmap_id AS item_id, {of_milliseconds("time")}, rating,
            {"english(text)" if english else "text"} AS said, photo_urls(pics) AS photo_urls""",
        item="business",
        items=ItemSource(
            what="business",
            plural="businesses",
            fields=_META,
            key="gmap_id",
            columns="""name, category, latitude, longitude, length(price)::DOUBLE AS price,
                avg_rating, num_of_reviews AS num_reviews, address""",
        ),
    )


def convert_google_local(
    reviews: Sequence[str | Path],
    meta: Sequence[str | Path],
    out: str | Path,
    options: GoogleLocalOptions | None = None,
) -> Account:
    """Turn reviews and metadata of Google Local 2021 into atomic files.

    Args:
        reviews: Review files, gz or plain, by name or pattern.
        meta: Metadata files, likewise; may be none.
        out: The data set's folder, ``DATA/NAME``.
        options: What to keep.

    Returns:
        The account, also written as ``conversion.json``.

    Raises:
        DataError: A file or folder is missing or unreadable, an option makes no sense,
            nothing is left, or ``out`` is there and not ours to replace.
    """
    options = options or GoogleLocalOptions()
    tests = []
    if options.categories:
        tests.append(("other category", _of_category(options.categories)))
    if options.states:
        tests.append(("other state", _in_state(options.states)))
    return convert_reviews(_source(options.english), (reviews, meta), Path(out), options, tests)


def _of_category(categories: Sequence[str]) -> str:
    wanted = [c.casefold() for c in categories if c.casefold() != "restaurants"]
    names = ", ".join(map(literal, wanted))
    tests = [f"lower(c) IN ({names})"] if wanted else []
    if len(wanted) < len(categories):
        tests.append(f"regexp_matches(lower(c), {literal(RESTAURANTS)})")
    return f"list_bool_or([{' OR '.join(tests)} FOR c IN category])"


def _in_state(states: Sequence[str]) -> str:
    codes = state_codes(states)
    short = rf"(^|,| )({'|'.join(codes)})( \d{{5}}(-\d{{4}})?)?"
    # Behind a bare space the name may be the end of a longer one: West Virginia.
    long = rf"(^|, ?)({'|'.join(STATES[code] for code in codes)})"
    return f"regexp_matches(address, {literal(rf'({short}|{long})(, (USA|United States))?$')})"

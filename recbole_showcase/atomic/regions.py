"""The states of the USA as addresses and people write them."""

from __future__ import annotations

from collections.abc import Sequence

from recbole_showcase.errors import DataError

STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico",
}  # fmt: skip


def state_codes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the two-letter codes of states given by name or code.

    >>> state_codes(["vermont", "NY"])
    ('VT', 'NY')

    Raises:
        DataError: There is no such state.
    """
    by_name = {name.casefold(): code for code, name in STATES.items()}
    codes = []
    for name in names:
        code = name.upper() if name.upper() in STATES else by_name.get(name.strip().casefold())
        if code is None:
            raise DataError(f"{name!r} is no state of the USA; expected such as VT or Vermont")
        codes.append(code)
    return tuple(codes)

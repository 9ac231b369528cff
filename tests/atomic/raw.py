"""Small raw files in the released layouts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

URL = "https://lh5.googleusercontent.com/p/{}=w150-h150-k-no-p"


def review(
    user: str | None, item: str | None, time: int | None = 1_600_000_000_000, **more: Any
) -> dict[str, Any]:
    """One row of a Google Local review file."""
    photos: Sequence[str] = more.pop("photos", ())
    row = {
        "user_id": user, "name": "N", "time": time, "rating": 5, "text": "Good.",
        "pics": [{"url": [URL.format(photo)]} for photo in photos] or None,
        "resp": None, "gmap_id": item,
    }  # fmt: skip
    return row | more


def business(item: str, **more: Any) -> dict[str, Any]:
    """One row of a Google Local metadata file."""
    row = {
        "name": f"Place {item}", "address": f"Place {item}, 1 Main St, Barre, VT 05641",
        "gmap_id": item, "description": None, "latitude": 44.5, "longitude": -72.5,
        "category": ["Restaurant"], "avg_rating": 4, "num_of_reviews": 8, "price": "$$",
        "hours": [["Monday", "8AM–5PM"]], "MISC": {"Crowd": ["Groups"]}, "state": "Open",
        "relative_results": None, "url": "https://example.org",
    }  # fmt: skip
    return row | more


def lines(path: Path, rows: Iterable[dict[str, Any] | str]) -> Path:
    """Write JSON lines (texts as they are), compressed if the name says so."""
    text = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode("utf-8")))
    else:
        path.write_text(text, encoding="utf-8")
    return path

"""Time of converting Yelp and Amazon files, against decompressing their reviews alone.

The generated reviews of ``generate_reviews.py`` are written again in the layouts of the Yelp Open
Dataset and of Amazon Reviews 2023, a seventh of Amazon's texts with markup. Each round times
``zcat`` and a conversion, in this process.

    python -m benchmarks.sources --rows 300000 --rounds 3
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.convert import decompress
from benchmarks.generate_reviews import generate
from recbole_showcase.atomic import Account, convert_amazon, convert_yelp


def yelp(row: dict, number: int) -> dict:
    """A review of Google Local as Yelp would write it."""
    moment = datetime.fromtimestamp(row["time"] / 1000, UTC)
    return {
        "review_id": f"{number:022d}", "user_id": row["user_id"], "business_id": row["gmap_id"],
        "stars": row["rating"], "useful": 0, "funny": 0, "cool": 0, "text": row["text"],
        "date": f"{moment:%Y-%m-%d %H:%M:%S}",
    }  # fmt: skip


def amazon(row: dict, number: int) -> dict:
    """A review of Google Local as Amazon would write it."""
    urls = [f"https://m.media-amazon.com/images/I/{p['url'][0][-60:-20]}._SL1600_.jpg"
            for p in row["pics"] or ()]  # fmt: skip
    text = row["text"] or ""
    return {
        "rating": row["rating"], "title": text[:30], "user_id": row["user_id"],
        "text": text.replace(" ", "<br />", 1) + " &#34;so&#34;" if number % 7 == 0 else text,
        "images": [{"small_image_url": url, "medium_image_url": url, "large_image_url": url,
                    "attachment_type": "IMAGE"} for url in urls],
        "asin": row["gmap_id"], "parent_asin": row["gmap_id"], "timestamp": row["time"],
        "helpful_vote": 0, "verified_purchase": True,
    }  # fmt: skip


def rewrite(source: Path, target: Path, layout: Callable[[dict, int], dict]) -> None:
    """Write the whole lines of a file again in another layout."""
    with gzip.open(source, "rt") as lines, gzip.open(target, "wt", compresslevel=6) as file:
        for number, line in enumerate(lines):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            file.write(json.dumps(layout(row, number)) + "\n")


def convert_one(name: str, reviews: Path, out: Path) -> Account:
    """Convert a file, without metadata."""
    if name == "yelp":
        return convert_yelp([reviews], [], None, out)
    return convert_amazon([reviews], [], out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        google, _ = generate(options.rows, Path(scratch, "google"))
        for name, layout in (("yelp", yelp), ("amazon", amazon)):
            reviews = Path(scratch, f"{name}.json.gz")
            rewrite(google, reviews, layout)
            for turn in range(options.rounds):
                plain = decompress([reviews])["seconds"]
                start = time.perf_counter()
                account = convert_one(name, reviews, Path(scratch, f"{name}-{turn}"))
                seconds = time.perf_counter() - start
                print(
                    f"{name}: {account.rows_read:,} rows in {seconds:.2f} s, "
                    f"{account.rows_read / seconds:,.0f} rows/s, zcat {plain:.2f} s, "
                    f"ratio {seconds / plain:.2f}"
                )


if __name__ == "__main__":
    main()

"""Write reviews and metadata in the layout of Google Local 2021, as many as asked for.

Popularity follows a power law, four in ten reviews have no text, one in twelve has photos,
texts are drawn word by word from a skewed vocabulary (about 27 words a text), and there is
the dirt of real files: partner reviews without a user, repeated rows, lines cut off, and in a
third of the texts quotes, line feeds, spaces in a row or letters other than ASCII.

    python -m benchmarks.generate_reviews --rows 1000000 --out reviews
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from isal import igzip

BASE64 = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
CATEGORIES = ("Restaurant", "Cafe", "Fine dining restaurant", "Hardware store", "Park", "Bar")
CHUNK = 50_000
# What a third of real texts have somewhere, in place of a space.
UNCLEAN = (' "', '" ', "\n", "  ", "\n\n", " é", " – ", " \U0001f60a ")
URL = "https://lh5.googleusercontent.com/p/AF1Qip{}=w150-h150-k-no-p"


def generate(
    rows: int, out: Path, seed: int = 0, level: int = 6, unclean: float = 1 / 3
) -> tuple[Path, Path]:
    """Write ``review-Generated.json.gz`` and ``meta-Generated.json.gz``.

    Args:
        rows: Lines of the review file.
        out: Folder, made if it is not there.
        seed: Seed of everything drawn.
        level: Level of compression.
        unclean: Share of the texts that have what has to be cleaned, or other than ASCII.

    Returns:
        The two files.
    """
    out.mkdir(parents=True, exist_ok=True)
    items = [f"0x{0x89E0000000000000 + 7919 * i:016x}:0x{(i * 2654435761) & (2**64 - 1):016x}"
             for i in range(max(rows // 40, 10))]  # fmt: skip
    meta = out / "meta-Generated.json.gz"
    with gzip.open(meta, "wt", encoding="utf-8", compresslevel=level) as file:
        file.writelines(_meta_line(i, item) for i, item in enumerate(items))
    reviews = out / "review-Generated.json.gz"
    with gzip.open(reviews, "wt", encoding="utf-8", compresslevel=level) as file:
        for line in _review_lines(rows, items, np.random.default_rng(seed), unclean):
            file.write(line)
    return reviews, meta


def copy_as_states(source: Path, out: Path, states: int) -> None:
    """Write the same reviews for other users and places, as the release has a file for each state.

    Args:
        source: Folder that :func:`generate` wrote.
        out: Folder, made if it is not there.
        states: How many copies of each file.
    """
    out.mkdir(parents=True, exist_ok=True)
    for state in range(states):
        # What the ids of users and of places begin with.
        ids = {b"10000000": b"1%03d0000" % state, b"0x89e": b"0x%03x" % (0x800 + state)}
        for kind in ("review", "meta"):
            copy = out / f"{kind}-State{state:02d}.json.gz"
            with (
                igzip.open(source / f"{kind}-Generated.json.gz", "rb") as lines,
                igzip.open(copy, "wb", compresslevel=1) as file,
            ):
                for line in lines:
                    for old, new in ids.items():
                        line = line.replace(old, new)
                    file.write(line)


def _meta_line(index: int, item: str) -> str:
    return json.dumps({
        "name": f"Place {index}",
        "address": f"Place {index}, {index} Main St, Springfield, VT 05{index % 1000:03d}",
        "gmap_id": item, "description": None,
        "latitude": 43 + index % 997 / 1000, "longitude": -72 - index % 991 / 1000,
        "category": [CATEGORIES[index % len(CATEGORIES)]],
        "avg_rating": 4.2, "num_of_reviews": 8 + index % 90, "price": "$" * (index % 4) or None,
        "hours": [["Monday", "10AM–3PM"]], "MISC": {"Service options": ["Takeout", "Dine-in"]},
        "state": "Open now", "relative_results": None,
        "url": f"https://www.google.com/maps/place//data=!4m2!3m1!1s{item}",
    }) + "\n"  # fmt: skip


def vocabulary(rng: np.random.Generator, size: int = 20_000) -> np.ndarray:
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    lengths = rng.integers(2, 9, size)
    return np.array(["".join(rng.choice(letters, length)) for length in lengths], dtype=object)


def _review_lines(
    rows: int, items: list[str], rng: np.random.Generator, unclean: float
) -> Iterator[str]:
    words = vocabulary(rng)
    own = np.random.default_rng(1)  # whatever the share, everything else is drawn alike
    users = max(rows // 6, 10)
    previous = ""
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        who = (users * rng.random(count) ** 3).astype(np.int64)
        where = (len(items) * rng.random(count) ** 2.2).astype(np.int64)
        times = rng.integers(1_262_304_000_000, 1_631_000_000_000, count)
        ratings = rng.choice(5, count, p=[0.07, 0.04, 0.09, 0.2, 0.6]) + 1
        lengths = np.where(rng.random(count) < 0.4, 0, rng.geometric(1 / 27, count))
        drawn = words[(len(words) * rng.random(int(lengths.sum())) ** 5).astype(np.int64)]
        ends = np.cumsum(lengths)
        photos = np.where(rng.random(count) < 1 / 12, rng.geometric(0.5, count), 0)
        keys = BASE64[rng.integers(0, 64, (int(photos.sum()), 38))]
        key_ends = np.cumsum(photos)
        dirt = rng.random(count)
        marks = np.where(own.random(count) < unclean, own.integers(len(UNCLEAN), size=count), -1)
        for i in range(count):
            text = " ".join(drawn[ends[i] - lengths[i] : ends[i]]) if lengths[i] else None
            if text and marks[i] >= 0:
                text = text.replace(" ", UNCLEAN[marks[i]], 1) + UNCLEAN[marks[i]]
            pics = [{"url": [URL.format("".join(key))]}
                    for key in keys[key_ends[i] - photos[i] : key_ends[i]]]  # fmt: skip
            partner = dirt[i] < 0.002
            user = str(100_000_000_000_000_000_000 + 7919 * int(who[i]))
            line = json.dumps({
                "user_id": None if partner else user,
                "name": f"Guide {who[i]}", "time": int(times[i]),
                "rating": None if partner else int(ratings[i]), "text": text,
                "pics": pics or None, "resp": None, "gmap_id": items[where[i]],
            }, ensure_ascii=False)  # fmt: skip
            if 0.002 <= dirt[i] < 0.007 and previous:
                line = previous
            elif dirt[i] > 0.99999:
                line = line[: len(line) // 2]
            else:
                previous = line
            yield line + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for path in generate(arguments.rows, arguments.out, arguments.seed):
        print(f"{path}  {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()

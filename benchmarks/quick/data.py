"""The data sets that the small tables are of: drawings, and files of others that ``--data`` names.

What is given lies in a folder for each source, in the layout that it was released in, and is
converted anew by the code that is measured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.quick.processes import Call

# Seeds that no weight and no setting has seen.
WORLD, GENERIC, OTHERS = "world-601", "world-602", ("world-603", "world-604")
XREC, COMPOSITE = "xrec-google", "composite"
_SMALL = {"n_users": 120, "n_items": 30}
# As generic as real reviews are: docs/demo-world.md.
_GENERIC = {"share_generic_reviews": 0.5, "share_generic_sentences": 0.1}
DRAWN: Mapping[str, Mapping[str, Any]] = {
    WORLD: _SMALL,
    GENERIC: {**_SMALL, **_GENERIC},
    **dict.fromkeys(OTHERS, _SMALL),
}
IMAGENET = "imagenet"  # the feature store that is given with the photos
# What the converter called a review before commit 8bb5820, as the ids of that store still do.
_EARLIER_ID = "to_hex(hash(hash(user_id), hash(item_id), ms)) || to_hex(ms & 65535)"


def draw(work: Path, name: str) -> None:
    """Draw a world and encode it, the first with what other encoders would see."""
    from benchmarks import claims, relevance

    seed = int(name.rpartition("-")[2])
    world = claims.draw(work, seed, sentences=name != GENERIC, **DRAWN[name])
    if name == WORLD:
        relevance.demo_encoders(world)


def _make_xrec(files: Path, out: Path) -> None:
    from recbole_showcase.atomic import ExplainedPairsOptions, convert_explained_pairs
    from recbole_showcase.encoders import embed_dataset

    options = ExplainedPairsOptions(train=1000, valid=100, test=100, overwrite=True)
    pairs = files / "explanations.jsonl"
    convert_explained_pairs(files / "interactions.csv.gz", pairs, out, options)
    embed_dataset(out, progress=False)


def _make_composite(files: Path, out: Path) -> None:
    from recbole_showcase.atomic import GoogleLocalOptions, convert_google_local
    from recbole_showcase.encoders import embed_dataset
    from recbole_showcase.encoders.foreign import FeatureFile
    from recbole_showcase.encoders.importing import import_features

    options = GoogleLocalOptions(photos=files / "images", overwrite=True)
    reviews, meta = ([files / f"{kind}-*.json.gz"] for kind in ("review", "meta"))
    convert_google_local(reviews, meta, out, options)
    embed_dataset(out, progress=False)
    store = files / "features" / IMAGENET
    ids = out.with_name(f"{out.name}-{IMAGENET}-review.ids")
    given = (store / "review.ids").read_text(encoding="utf-8").split("\n")
    ids.write_text("\n".join(ids_of_today(out, given)), encoding="utf-8")
    import_features(
        out,
        IMAGENET,
        FeatureFile(store / "image.npy", store / "image.ids"),
        FeatureFile(store / "review.npy", ids),
        overwrite=True,
    )


def ids_of_today(dataset: Path, given: Iterable[str]) -> list[str]:
    """Ids of reviews as the converter gives them, for those that it gave earlier.

    Args:
        dataset: ``DATA/NAME`` of the conversion of the same files.
        given: Ids of reviews; what is no earlier one stays.
    """
    import duckdb

    from recbole_showcase.atomic import read_atomic

    columns = ["user_id", "item_id", "timestamp", "review_id"]
    rows = read_atomic(dataset / f"{dataset.name}.inter", columns)
    rows["ms"] = (1000 * rows["timestamp"]).round().astype("int64")
    pairs = duckdb.from_df(rows).project(f"{_EARLIER_ID}, review_id").fetchall()
    now = {earlier: review for earlier, review in pairs if review}
    return [now.get(one, one) for one in given]


@dataclass(frozen=True)
class Given:
    """A data set that is made from files which are not in the checkout.

    Attributes:
        folder: Of its files, in the folder that ``--data`` names.
        files: What lies there, as patterns.
        make: Converts and encodes: that folder, and ``DATA/NAME`` to write.
    """

    folder: str
    files: tuple[str, ...]
    make: Callable[[Path, Path], None]


GIVEN: Mapping[str, Given] = {
    XREC: Given("xrec-google", ("interactions.csv.gz", "explanations.jsonl"), _make_xrec),
    COMPOSITE: Given(
        "google-local-composite",
        ("review-*.json.gz", "meta-*.json.gz", "images", f"features/{IMAGENET}/*"),
        _make_composite,
    ),
}


@dataclass(frozen=True)
class Place:
    """Where the small version lies.

    Attributes:
        work: Folder of the runs of this code.
        given: The folder that ``--data`` names, or None.
    """

    work: Path
    given: Path | None = None

    def dataset(self, name: str) -> Path:
        """``DATA/NAME`` of a data set."""
        return self.work / "data" / name

    def lacks(self, name: str) -> str:
        """What of a data set's files is not there, "" for a drawing."""
        if name not in GIVEN:
            return ""
        source = GIVEN[name]
        folder = Path("DATA" if self.given is None else self.given, source.folder)
        lacking = [
            pattern
            for pattern in source.files
            if self.given is None or not any(folder.glob(pattern))
        ]
        return f"{folder} with {', '.join(lacking)}" if lacking else ""

    def of(self, name: str) -> Place:
        """Where the runs of a data set lie; those of given files by what these are."""
        if name not in GIVEN or self.given is None:
            return self
        found, source = hashlib.sha256(), GIVEN[name]
        folder = self.given / source.folder
        for path in sorted(path for pattern in source.files for path in folder.glob(pattern)):
            seen = path.stat()
            found.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
        return replace(self, work=self.work / f"{name}-{found.hexdigest()[:12]}")

    def made(self, name: str) -> Call:
        """The call that draws or converts a data set."""
        kept = self.work / f"call-data-{name}.json"
        if name in DRAWN:
            return Call(kept, draw, (self.work, name))
        assert self.given is not None
        source = GIVEN[name]
        return Call(kept, source.make, (self.given / source.folder, self.dataset(name)))

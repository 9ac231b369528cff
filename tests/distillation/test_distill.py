from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.atomic import read_atomic
from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.distillation import (
    Counts,
    PhotoReviews,
    SimilarityScorer,
    distill_dataset,
    similarity_scorer,
)
from recbole_showcase.distillation import distill as module
from recbole_showcase.distillation.reviews import read_rows
from recbole_showcase.encoders import ClipEncoder, FeatureStore, embed_dataset
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.text.sentences import split_sentences


def review_file(dataset: Path) -> Path:
    return dataset / f"{dataset.name}.review"


def change(dataset: Path, edit: Callable[[list[bytes]], None]) -> Path:
    path = review_file(dataset)
    lines = path.read_bytes().splitlines(keepends=True)
    edit(lines)
    path.write_bytes(b"".join(lines))
    return path


def everything_else(path: Path) -> list[tuple[bytes, bytes]]:
    rows = [line.split(b"\t") for line in path.read_bytes().splitlines()]
    return [(row[0], row[1]) for row in rows]


def literal(dataset: Path, scorer: SimilarityScorer, limit: float) -> dict[str, str]:
    """Review by review, sentence by sentence, photo by photo."""
    store = FeatureStore.open(dataset, "showcase-tiny", "image")
    encoder = ClipEncoder.of_store(store)
    stem = dataset / dataset.name
    image, found = read_atomic(f"{stem}.image"), {}
    for review, text in read_atomic(f"{stem}.review", ["review_id", "text"]).to_numpy():
        photos = image[image["review_id"] == review]["image_id"]
        kept = []
        for sentence in split_sentences([text])[0] if len(photos) else []:
            said = encoder.encode_texts([sentence])[0].numpy()
            shown = store.matrix[store.rows(photos)].astype(np.float32)
            if max((float(said @ v) - scorer.mean) / scorer.spread for v in shown) >= limit:
                kept.append(sentence)
        found[review] = " ".join(kept)
    return found


@pytest.mark.parametrize("block", [7, 256])
def test_equal_to_a_literal_version(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    scorer = SimilarityScorer(mean=0.07, spread=0.23, pairs=9)
    before = everything_else(review_file(dataset))
    earlier = read_atomic(review_file(dataset), ["explanation"])["explanation"]
    counts = distill_dataset(PhotoReviews(dataset), scorer, threshold=1.7, progress=False)
    expected = literal(dataset, scorer, 1.7)
    table = read_atomic(review_file(dataset))
    assert dict(zip(table["review_id"], table["explanation"], strict=True)) == expected
    assert everything_else(review_file(dataset)) == before
    photographed = set(read_atomic(dataset / f"{dataset.name}.image")["review_id"])
    shown = table[table["review_id"].isin(photographed)]
    n_sentences = len(split_sentences(shown["text"].tolist())[0])
    n_kept = len(split_sentences(list(expected.values()))[0])
    assert 0 < n_kept < n_sentences
    assert counts == Counts(
        reviews=len(table),
        with_photos=len(shown),
        sentences=n_sentences,
        kept=n_kept,
        left_without=int((shown["explanation"] == "").sum()),
        replaced=int(((earlier != "") & (earlier != table["explanation"])).sum()),
    )
    assert len(shown) < len(table)


def test_a_second_run_and_an_embedding_change_nothing(dataset: Path) -> None:
    reviews = PhotoReviews(dataset)
    first = distill_dataset(reviews, similarity_scorer(reviews), progress=False)
    once = review_file(dataset).read_bytes()
    again = PhotoReviews(dataset)
    second = distill_dataset(again, similarity_scorer(again), progress=False)
    assert review_file(dataset).read_bytes() == once
    assert (second.kept, second.replaced) == (first.kept, 0)
    report = embed_dataset(dataset, photo_folder=dataset / "photos", progress=False)
    assert report.encoded == {"image": 0, "review": 0}
    assert sorted(path.name for path in dataset.iterdir() if path.name.startswith(".")) == []


def test_a_dry_run_only_counts(dataset: Path) -> None:
    reviews, before = PhotoReviews(dataset), review_file(dataset).read_bytes()
    scorer = similarity_scorer(reviews)
    dry = distill_dataset(reviews, scorer, dry_run=True, progress=False)
    assert review_file(dataset).read_bytes() == before
    assert distill_dataset(reviews, scorer, progress=False) == dry


def test_endings_columns_and_quotes_survive(dataset: Path) -> None:
    """Other columns in another order, Windows line ends, no end of the last line."""
    image = read_atomic(dataset / f"{dataset.name}.image")["review_id"]
    path = review_file(dataset)
    path.write_bytes(
        b"explanation:token_seq\tstars:float\treview_id:token\ttext:token_seq\r\n"
        b"old\t4.0\t" + image[0].encode() + b'\tSo so. "Great" they said! caf\xc3\xa9?\r\n'
        b"\t\tr-none\tNobody photographed this.\r\n"
        b"\t\t" + image[1].encode() + b"\t"
    )
    scorer = SimilarityScorer(mean=0.0, spread=1.0, pairs=1)
    counts = distill_dataset(PhotoReviews(dataset), scorer, threshold=-1, progress=False)
    assert path.read_bytes() == (
        b"explanation:token_seq\tstars:float\treview_id:token\ttext:token_seq\r\n"
        b'So so. "Great" they said! caf\xc3\xa9?\t4.0\t' + image[0].encode() +
        b'\tSo so. "Great" they said! caf\xc3\xa9?\r\n'
        b"\t\tr-none\tNobody photographed this.\r\n"
        b"\t\t" + image[1].encode() + b"\t"
    )  # fmt: skip
    assert (counts.reviews, counts.with_photos, counts.sentences) == (3, 1, 3)


@dataclass(frozen=True)
class Picky:
    """Keeps the second pair of a block; fails at its third block if asked to."""

    fails: bool = False
    blocks: list[int] = field(default_factory=list)
    threshold: float = 0.5
    title: str = "picky"

    def confidence(self, sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
        self.blocks.append(len(sentences))
        if self.fails and len(self.blocks) == 3:
            raise FeatureStoreError("the disk is gone")
        return (np.arange(len(sentences)) == 1).astype(np.float32)


def test_an_explanation_that_begins_with_a_quote_is_cleaned(dataset: Path) -> None:
    image = read_atomic(dataset / f"{dataset.name}.image")["review_id"]
    once = image[~image.duplicated(keep=False)].iat[0]
    path = review_file(dataset)
    line = f'{once}\tSo so. "Great" they said.\t\n'
    path.write_text("review_id:token\ttext:token_seq\texplanation:token_seq\n" + line)
    distill_dataset(PhotoReviews(dataset), Picky(), progress=False)
    (explanation,) = read_atomic(path)["explanation"]
    assert explanation == clean_value('"Great" they said.') == '“Great" they said.'


def test_whole_or_not_at_all(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 50)
    before = review_file(dataset).read_bytes()
    with pytest.raises(FeatureStoreError, match="the disk is gone"):
        distill_dataset(PhotoReviews(dataset), Picky(fails=True), progress=False)
    assert review_file(dataset).read_bytes() == before

    def cut(lines: list[bytes]) -> None:
        lines[60] = b"r\tno explanation\n"

    damaged = change(dataset, cut)
    with pytest.raises(DataError, match=r"small\.review, line 61: 2 values; the header has 3"):
        distill_dataset(PhotoReviews(dataset), Picky(), progress=False)
    assert damaged.read_bytes() != before
    assert damaged.read_bytes().splitlines()[1] == before.splitlines()[1]
    assert not [path for path in dataset.iterdir() if "partial" in path.name]


def test_damage_is_named(dataset: Path) -> None:
    def no_utf8(lines: list[bytes]) -> None:
        lines[3] = b"r\t\xff\xff\t\n"

    path = change(dataset, no_utf8)
    with pytest.raises(DataError, match="line 4: 'utf-8' codec can't decode"):
        list(read_rows(path))
    path.write_text("review_id:token\ttext:token_seq\n")
    with pytest.raises(DataError, match=r"has no column 'explanation'; it has review_id, text"):
        PhotoReviews(dataset)
    path.unlink()
    with pytest.raises(DataError, match="there is no file"):
        PhotoReviews(dataset)

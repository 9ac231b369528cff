"""Explanation distillation of a whole data set: which sentences describe the review's photos.

After Yan et al., "Personalized Showcases: Generating Multi-Modal Explanations for
Recommendations", SIGIR 2023; our reading of it.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass, fields

import numpy as np
import torch

from recbole_showcase.atomic.cleaning import clean_value
from recbole_showcase.console import progress_bar
from recbole_showcase.distillation.pairs import encode_sentences
from recbole_showcase.distillation.reviews import (
    PhotoReviews,
    ReviewRow,
    in_blocks,
    read_rows,
    rewritten,
)
from recbole_showcase.distillation.scorers import Scorer, SimilarityScorer
from recbole_showcase.encoders.prefetch import on_every_core, prefetch
from recbole_showcase.errors import SettingsError
from recbole_showcase.text.sentences import split_sentences

_BLOCK = 256  # reviews scored at once by a thread
_SAMPLE = 1000  # reviews whose sentences are held against the photos of others


@dataclass
class Counts:
    """What a distillation read and kept.

    Attributes:
        reviews: Rows of ``.review``.
        with_photos: Of these, those with a text and at least one photo that has features.
        sentences: Sentences of the reviews with photos.
        kept: Of these, those that went into an explanation.
        left_without: Reviews with photos none of whose sentences was kept.
        replaced: Reviews that had another explanation before, not an empty one.
    """

    reviews: int = 0
    with_photos: int = 0
    sentences: int = 0
    kept: int = 0
    left_without: int = 0
    replaced: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of another part of the reviews."""
        for entry in fields(self):
            name = entry.name
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Done:
    """A block of reviews, distilled.

    Attributes:
        lines: Their new lines.
        size: How many bytes they had before.
        counts: What was read and kept.
    """

    lines: list[bytes]
    size: int
    counts: Counts


def distill_dataset(
    reviews: PhotoReviews,
    scorer: Scorer,
    threshold: float | None = None,
    *,
    dry_run: bool = False,
    progress: bool = True,
) -> Counts:
    """Fill the explanation column of ``.review``.

    The explanation of a review is its sentences whose confidence with at least one of its photos
    reaches the threshold, in their order; it is empty where there is none, and where there are no
    photos. All other columns stay as they are, byte for byte. The file is written beside its
    place and moved there as a whole. A second run gives the same file.

    Args:
        reviews: The reviews of a data set, with their photos.
        scorer: Tells how well a sentence describes a photo.
        threshold: From which confidence on a sentence is kept; by default the scorer's own.
        dry_run: Only count.
        progress: Whether to show a bar.

    Raises:
        DataError: ``.review`` is damaged; names the line.
        SettingsError: No confidence of the scorer's can be at the threshold; nothing is written.
        FeatureStoreError: The encoder gives values that are no numbers.
    """
    limit = threshold_for(scorer, threshold)
    counts = Counts()

    def work(rows: list[ReviewRow]) -> Done:
        return _distill_block(reviews, scorer, limit, rows)

    size = reviews.path.stat().st_size  # bytes, since nobody has counted the reviews
    bar = progress_bar(total=size, desc="distilling", unit="B", unit_scale=True, shown=progress)
    blocks = in_blocks(read_rows(reviews.path), _BLOCK)
    if reviews.encoder.device.type == "cpu":
        results_of = on_every_core(work, blocks, torch.get_num_threads())
    else:
        results_of = prefetch(work, blocks, workers=1)
    target = nullcontext() if dry_run else rewritten(reviews.path)
    with bar, target as file, closing(results_of) as results:
        for done in results:
            counts.add(done.counts)
            if file is not None:
                file.writelines(done.lines)
            bar.update(done.size)
    return counts


def threshold_for(scorer: Scorer, threshold: float | None) -> float:
    """From which confidence on a sentence is kept.

    Args:
        scorer: Tells how well a sentence describes a photo.
        threshold: What was asked for; None for the scorer's own.

    Raises:
        SettingsError: It is beyond what the scorer can say, so all sentences or none would be kept.
    """
    if threshold is None:
        return scorer.threshold
    least, greatest = scorer.bounds
    if not least <= threshold <= greatest:
        raise SettingsError(
            f"threshold is {threshold:g}; allowed: {least:.4g} to {greatest:.4g}, which are the "
            f"bounds of this scorer ({scorer.title}); nothing was written"
        )
    return threshold


def similarity_scorer(reviews: PhotoReviews, seed: int = 0) -> SimilarityScorer:
    """The scorer without labels, from sentences and photos of different reviews of a data set.

    Each sentence of up to a thousand reviews is held against one photo of another review.

    Args:
        reviews: The reviews of a data set, with their photos.
        seed: Seed of which reviews and photos are taken.

    Raises:
        DataError: There are too few reviews with photos.
    """
    random = np.random.default_rng(seed)
    rows = reviews.sample(_SAMPLE, random)
    sentences, owners = split_sentences([row.text for row in rows])
    own, photos = reviews.numbers_of(rows)[owners], reviews.photos  # (S,)
    first, count = photos.offsets[own], photos.lengths(own)
    others = len(photos.values) - count
    there = others > 0
    # A draw among the photos of others: those from the sentence's own review on are jumped over.
    drawn = random.integers(0, np.maximum(others, 1))
    drawn = np.where(drawn >= first, drawn + count, drawn)[there]
    features = encode_sentences(reviews.encoder, sentences)[there]
    return SimilarityScorer.fit(features, reviews.features(photos.values[drawn]))


def _distill_block(
    reviews: PhotoReviews, scorer: Scorer, limit: float, rows: list[ReviewRow]
) -> Done:
    """Choose the sentences of some reviews."""
    numbers = reviews.numbers_of(rows)
    shown = np.flatnonzero(numbers >= 0)  # (B,)
    sentences, owners = split_sentences([rows[k].text for k in shown])
    best = _best_confidence(reviews, scorer, sentences, numbers[shown][owners])  # (S,)
    explanations: dict[int, list[str]] = {int(k): [] for k in shown}
    for place in np.flatnonzero(best >= limit):
        explanations[int(shown[owners[place]])].append(sentences[place])
    texts = [clean_value(" ".join(explanations.get(k, ()))) for k in range(len(rows))]
    both = list(zip(rows, texts, strict=True))
    counts = Counts(
        reviews=len(rows),
        with_photos=len(shown),
        sentences=len(sentences),
        kept=int((best >= limit).sum()),
        left_without=sum(not kept for kept in explanations.values()),
        replaced=sum(row.explanation not in ("", text) for row, text in both),
    )
    return Done([row.line(text) for row, text in both], sum(row.size for row in rows), counts)


def _best_confidence(
    reviews: PhotoReviews, scorer: Scorer, sentences: list[str], numbers: np.ndarray
) -> np.ndarray:
    """Confidence (S,) of each sentence with the photo that it describes best.

    Args:
        reviews: The reviews of a data set, with their photos.
        scorer: Tells how well a sentence describes a photo.
        sentences: S of them.
        numbers: The review (S,) that each is from, as a key of ``reviews.photos``.
    """
    if not sentences:
        return np.empty(0, dtype=np.float32)
    counts = reviews.photos.lengths(numbers)  # (S,), each at least 1
    starts = np.cumsum(counts) - counts
    sentence = np.repeat(np.arange(len(sentences)), counts)  # (P,)
    place = np.arange(len(sentence)) + np.repeat(reviews.photos.offsets[numbers] - starts, counts)
    features = encode_sentences(reviews.encoder, sentences)[sentence]  # (P, D)
    photos = reviews.features(reviews.photos.values[place])  # (P, D)
    return np.maximum.reduceat(scorer.confidence(features, photos), starts)

"""What features of a world's photos and reviews are worth, measured against its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from demo_world.drawing import World

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class WorldFeatures:
    """Unit vectors of everything in a world that can be encoded.

    Attributes:
        image: (P, D) one row a row of ``world.image``.
        review: (R, D) one row a row of ``world.review``.
        explanation: (R, D) of the explanations; rows of empty ones mean nothing.
    """

    image: Floats
    review: Floats
    explanation: Floats


def zero_shot_accuracy(image: Floats, prompts: Floats, truth: NDArray[np.int64]) -> float:
    """Return the share of photos whose nearest prompt is the right one.

    Args:
        image: (P, D) unit vectors.
        prompts: (C, D) unit vectors, one a class.
        truth: (P,) class of each photo.
    """
    return float(((image @ prompts.T).argmax(axis=1) == truth).mean())


def retrieval_figures(world: World, features: WorldFeatures) -> dict[str, float]:
    """Rank each item's photos by each of its explanations.

    Returns:
        ``own``: share of explanations whose best photo was posted with them; ``subject``:
        share whose best photo shows what one of their own photos shows; ``own_random`` and
        ``subject_random``: the same of a photo drawn blindly.
    """
    labels = world.photo_truth["label"].to_numpy()
    owner = world.image["review_id"].to_numpy()
    of_item = world.image.groupby("item_id").indices
    item_of = dict(zip(world.image["review_id"], world.image["item_id"], strict=True))
    rows = []
    for k, review in enumerate(world.review["review_id"]):
        if review not in item_of:
            continue
        photos = of_item[item_of[review]]
        own = owner[photos] == review
        subject = np.isin(labels[photos], labels[photos][own])
        best = int((features.image[photos] @ features.explanation[k]).argmax())
        rows.append((own[best], subject[best], own.mean(), subject.mean()))
    names = ("own", "subject", "own_random", "subject_random")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def held_out_reviews(inter: pd.DataFrame, share: float) -> tuple[set[str], set[str]]:
    """Return the review ids of the last share of each user's reviews, and those of the first.

    Between them lies as large a share for validation, as in RecBole's ratio split by time.
    """
    last: set[str] = set()
    first: set[str] = set()
    for _, group in inter.sort_values("timestamp").groupby("user_id"):
        ids = group["review_id"].to_numpy()
        n = max(1, int(share * len(ids)))
        last.update(ids[-n:])
        first.update(ids[: -2 * n])
    return last, first


def selection_f1(
    world: World, features: WorldFeatures, share: float = 0.1, k: int = 3
) -> dict[str, float]:
    """Select k of an item's photos for held-out reviews with photos, in several ways.

    Args:
        world: The drawing.
        features: Of its photos and reviews.
        share: How much of each user's reviews is held out for testing.
        k: How many photos are selected.

    Returns:
        Mean F1 at k of ``random`` (its expectation), ``photos`` (cosine with the mean of the
        user's training photos), ``reviews`` (with the mean of their training reviews), ``both``
        (with the sum of the two means), ``subjects`` (blind choice among photos that show the
        right subjects: the best that the truth about subjects allows), and ``n``, the number
        of held-out reviews. A user without history selects blindly.
    """
    last, first = held_out_reviews(world.inter, share)
    owner = world.image["review_id"].to_numpy()
    labels = world.photo_truth["label"].to_numpy()
    of_item = world.image.groupby("item_id").indices
    user_of = dict(zip(world.inter["review_id"], world.inter["user_id"], strict=True))
    item_of = dict(zip(world.inter["review_id"], world.inter["item_id"], strict=True))
    seen = _profiles(owner, features.image, user_of, first)
    said = _profiles(world.review["review_id"].to_numpy(), features.review, user_of, first)
    scores: list[dict[str, float]] = []
    for review in sorted(last & set(owner)):
        user, photos = user_of[review], of_item[item_of[review]]
        own = owner[photos] == review
        vectors = features.image[photos]
        blind = np.zeros(len(photos))
        by_photos = vectors @ seen[user] if user in seen else blind
        by_reviews = vectors @ said[user] if user in said else blind
        right = np.isin(labels[photos], labels[photos][own]).astype(float)
        ways = {"random": blind, "photos": by_photos, "reviews": by_reviews,
                "both": by_photos + by_reviews, "subjects": right}  # fmt: skip
        scores.append({way: expected_f1(score, own, k) for way, score in ways.items()})
    means = {way: float(np.mean([row[way] for row in scores])) for way in scores[0]}
    return means | {"n": float(len(scores))}


def _profiles(
    reviews: NDArray[np.object_], vectors: Floats, user_of: dict[str, str], allowed: set[str]
) -> dict[str, Floats]:
    """Return the normalised mean vector of each user's rows of allowed reviews."""
    rows: dict[str, list[int]] = {}
    for row, review in enumerate(reviews):
        if review in allowed:
            rows.setdefault(user_of[review], []).append(row)
    means = {user: vectors[chosen].mean(axis=0) for user, chosen in rows.items()}
    return {user: mean / np.linalg.norm(mean) for user, mean in means.items()}


def expected_f1(scores: Floats, own: NDArray[np.bool_], k: int) -> float:
    """Return the expected F1 at k of the best scored photos, ties being broken at random.

    >>> float(expected_f1(np.array([3.0, 1.0, 1.0]), np.array([True, True, False]), 2))
    0.75
    """
    k = min(k, len(scores))
    threshold = np.sort(scores)[-k]
    above, tied = scores > threshold, scores == threshold
    hits = own[above].sum() + (k - above.sum()) * own[tied].mean()
    return 2 * float(hits) / (k + int(own.sum()))


def encode_world(
    world: World,
    encode_jpegs: Callable[[list[bytes]], Floats],
    encode_texts: Callable[[list[str]], Floats],
) -> WorldFeatures:
    """Paint and encode a whole world.

    Args:
        world: The drawing.
        encode_jpegs: Turns photos into (n, D) unit vectors.
        encode_texts: Turns texts into (n, D) unit vectors.
    """
    from demo_world.writing import paint_one

    return WorldFeatures(
        image=encode_jpegs([paint_one(world, row) for row in range(len(world.image))]),
        review=encode_texts(world.review["text"].tolist()),
        explanation=encode_texts(world.review["explanation"].tolist()),
    )

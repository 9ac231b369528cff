"""Photos and the words that belong to them, drawn from worlds, for training a small CLIP."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo_world.drawing import World, draw_world
from demo_world.settings import WorldSettings
from demo_world.truth import DishFinder, describes, dish_forms
from demo_world.writing import paint_one
from recbole_showcase.console import progress_bar
from recbole_showcase.text.sentences import split_sentences


@dataclass(frozen=True)
class ClipPairs:
    """Photos with words.

    Attributes:
        pixels: (P, 3, S, S) uint8.
        sentences: Of each photo, the sentences of its review that name what it shows.
        reviews: Of each photo, its whole review.
        labels: Of each photo, what it shows; for figures, not for training.
    """

    pixels: NDArray[np.uint8]
    sentences: list[tuple[str, ...]]
    reviews: list[str]
    labels: list[str]


def talkative(seed: int, n_users: int = 240) -> WorldSettings:
    """Return settings of a world in which every review has text and most have photos.

    The tastes are spelled out, so that the pairs stay the same when the defaults move.
    """
    return WorldSettings(
        seed=seed,
        n_users=n_users,
        n_items=84,
        reviews_min=5,
        reviews_mean=9.0,
        share_without_text=0.0,
        share_with_photos=0.9,
        cuisine_focus=0.12,
        dish_focus=0.8,
        choice_sharpness=7.0,
        menu_focus=0.1,
        order_sharpness=2.0,
        posting_evenness=1.6,
        image_size=96,
    )


def shrink(jpeg: bytes, side: int) -> NDArray[np.uint8]:
    """Decode a photo to (3, side, side), as open_clip's preprocessing resizes it."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    small = image.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(small).transpose(2, 0, 1)


def draw_pairs(seeds: Sequence[int], side: int, n_users: int = 240) -> ClipPairs:
    """Draw and paint worlds and pair their photos with words.

    Args:
        seeds: One world a seed.
        side: Side of the pixels wanted.
        n_users: Users of each world; each brings about fifteen photos.
    """
    pixels, sentences, reviews, labels = [], [], [], []
    for seed in seeds:
        world = draw_world(talkative(seed, n_users))
        texts = dict(zip(world.review["review_id"], world.review["text"], strict=True))
        rows = [k for k, r in enumerate(world.image["review_id"]) if r in texts]
        for row in progress_bar(rows, desc=f"painting world {seed}", unit="photo"):
            text, label = texts[world.image["review_id"].iat[row]], _label(world, row)
            pixels.append(shrink(paint_one(world, row), side))
            sentences.append(sentences_about(text, label))
            reviews.append(text)
            labels.append(label)
    return ClipPairs(np.stack(pixels), sentences, reviews, labels)


def _label(world: World, row: int) -> str:
    return str(world.photo_truth["label"].iat[row])


_FINDER = DishFinder(dish_forms())


def sentences_about(text: str, label: str) -> tuple[str, ...]:
    """Return the sentences of a review that name a dish or describe a room."""
    sentences, _ = split_sentences([text])
    return tuple(s for s in sentences if describes(s, label, _FINDER))

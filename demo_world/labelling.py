"""Label sentence–photo pairs of a drawing by its truth, to train explanation distillation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from demo_world.catalogue import AMBIENCES
from demo_world.truth import Label, WorldTruth
from recbole_showcase.atomic import read_atomic
from recbole_showcase.text.sentences import split_sentences

_ROOMS = {ambience.name: ambience.phrases for ambience in AMBIENCES}


def label_pairs(dataset_dir: Path, seed: int = 0) -> pd.DataFrame:
    """Label the sentences of every review with its own photos, and with another review's.

    The reviews with text and photos are put together two by two at random. Every sentence of
    the two is paired with every photo of the two, and labelled 1 if it names what the photo
    shows. So most negatives are the other sentences of the same review, or those of another
    one, and no review is used by more than one partner.

    Args:
        dataset_dir: ``DATA/NAME``, a drawing of the world.
        seed: Seed of who is put together.

    Returns:
        review_id, sentence, image_id, label (0 or 1); one row a pair.

    Raises:
        DataError: The data set is no drawing of the world.
    """
    truth = WorldTruth.load(dataset_dir)
    stem = dataset_dir / dataset_dir.resolve().name
    review = read_atomic(f"{stem}.review", ["review_id", "text"])
    image = read_atomic(f"{stem}.image", ["image_id", "review_id"])
    texts = dict(zip(review["review_id"], review["text"], strict=True))
    labels = dict(zip(image["image_id"], truth.label_of(image["image_id"]), strict=True))
    photos = {str(name): list(ids) for name, ids in image.groupby("review_id")["image_id"]}
    shown = sorted(name for name in photos if texts.get(name))
    order = np.random.default_rng(seed).permutation(len(shown))
    rows = []
    for start in range(0, len(order), 2):
        both = [shown[k] for k in order[start : start + 2]]
        beside = [photo for name in both for photo in photos[name]]
        for name in both:
            for sentence in split_sentences([texts[name]])[0]:
                rows += [
                    (name, sentence, photo, float(describes(truth, sentence, labels[photo])))
                    for photo in beside
                ]
    return pd.DataFrame(rows, columns=["review_id", "sentence", "image_id", "label"])


def describes(truth: WorldTruth, sentence: str, label: Label) -> bool:
    """Whether a sentence names what a photo shows: its dish, or its kind of room."""
    if label.kind == "dish":
        return label.name in truth.dishes_named_in(sentence)
    return any(phrase in sentence.lower() for phrase in _ROOMS[label.name])

"""Figures of a trained CLIP on a drawing of the world."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image

from demo_world.catalogue import AMBIENCE_NAMES, DISH_NAMES
from demo_world.drawing import draw_world
from demo_world.figures import (
    Floats,
    encode_world,
    retrieval_figures,
    selection_f1,
    zero_shot_accuracy,
)
from demo_world.settings import HELD_OUT_SEED, WorldSettings

_BATCH = 256


class FolderClip:
    """A CLIP in a folder, as open_clip loads it.

    Args:
        folder: Holds ``open_clip_config.json``, weights and tokenizer.
    """

    def __init__(self, folder: Path) -> None:
        name = f"local-dir:{folder}"
        model, _, self._preprocess = open_clip.create_model_and_transforms(name)
        self._model = model.eval()
        self._tokenizer = open_clip.get_tokenizer(name)

    @torch.inference_mode()
    def encode_jpegs(self, photos: list[bytes]) -> Floats:
        """Return (n, D) unit vectors of photos."""
        rows = []
        for start in range(0, len(photos), _BATCH):
            images = (Image.open(io.BytesIO(p)) for p in photos[start : start + _BATCH])
            batch = torch.stack([self._preprocess(image) for image in images])
            rows.append(self._model.encode_image(batch, normalize=True))
        return torch.cat(rows).numpy()

    @torch.inference_mode()
    def encode_texts(self, texts: list[str]) -> Floats:
        """Return (n, D) unit vectors of texts."""
        rows = [
            self._model.encode_text(self._tokenizer(texts[start : start + _BATCH]), normalize=True)
            for start in range(0, len(texts), _BATCH)
        ]
        return torch.cat(rows).numpy()


def measure_clip(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Measure a model on the held-out drawing and on the shipped one; see ``clip_figures``."""
    return {
        "held-out drawing": clip_figures(folder, replace(WorldSettings(), seed=HELD_OUT_SEED)),
        "shipped drawing": clip_figures(folder, WorldSettings()),
    }


def clip_figures(folder: Path, settings: WorldSettings) -> dict[str, dict[str, float]]:
    """Measure a model on one drawing.

    Args:
        folder: The model.
        settings: The drawing; not one that the model was trained on.

    Returns:
        ``zero_shot`` accuracy of dish photos among all dishes and of room photos among all
        ambiences, ``retrieval`` (see ``retrieval_figures``) and ``selection_f1_at_3``.
    """
    clip, world = FolderClip(folder), draw_world(settings)
    features = encode_world(world, clip.encode_jpegs, clip.encode_texts)
    labels = world.photo_truth["label"].to_numpy()
    is_dish = (world.photo_truth["kind"] == "dish").to_numpy()
    zero_shot = {}
    for kind, names, rows in (
        ("dish", DISH_NAMES, is_dish),
        ("ambience", AMBIENCE_NAMES, ~is_dish),
    ):
        prompts = clip.encode_texts([f"a photo of {name}" for name in names])
        truth = np.array([names.index(label) for label in labels[rows]])
        zero_shot[kind] = zero_shot_accuracy(features.image[rows], prompts, truth)
    figures = {
        "zero_shot": zero_shot,
        "retrieval": retrieval_figures(world, features),
        "selection_f1_at_3": selection_f1(world, features),
    }
    return {part: {k: round(v, 4) for k, v in row.items()} for part, row in figures.items()}

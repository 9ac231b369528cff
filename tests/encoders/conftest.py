"""A tiny encoder of random weights, and data sets with photos to encode."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recbole_showcase.atomic import IMAGE, REVIEW, write_atomic

MICRO = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1},
}


def write_encoder(folder: Path, seed: int = 0) -> str:
    """Write an encoder folder as open_clip reads it; returns its name for ClipEncoder.load."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    config = {"model_cfg": MICRO, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.25] * 3}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return f"local-dir:{folder}"


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "micro")


def paint(path: Path, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(coarse).resize((60, 48), Image.Resampling.BICUBIC).save(path, quality=90)


@dataclass
class Photographed:
    """A data set on disk that tests change and write again."""

    folder: Path
    photos: dict[str, str]
    texts: dict[str, str]

    def write(self) -> Photographed:
        name = self.folder.name
        self.folder.mkdir(parents=True, exist_ok=True)
        images = [
            {"image_id": token, "item_id": "i", "review_id": "", "path": path}
            for token, path in self.photos.items()
        ]
        reviews = [
            {"review_id": token, "text": text, "explanation": ""}
            for token, text in self.texts.items()
        ]
        write_atomic(self.folder / f"{name}.image", IMAGE, images)
        write_atomic(self.folder / f"{name}.review", REVIEW, reviews)
        return self

    def store(self, encoder: str = "micro") -> Path:
        return self.folder / f"{self.folder.name}.features" / encoder


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Photographed]:
    def make(photos: int = 7, reviews: int = 5, name: str = "set") -> Photographed:
        folder = tmp_path / name
        paths = {f"p{n}": f"{n % 2}/p{n}.jpg" for n in range(photos)}
        for n, path in enumerate(paths.values()):
            paint(folder / "photos" / path, n)
        texts = {f"r{n}": "" if n == 1 else f"dish number {n}" for n in range(reviews)}
        return Photographed(folder, paths, texts).write()

    return make

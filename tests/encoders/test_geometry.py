"""Resizing must give what open_clip's own transform gives, to within one of 255."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision.transforms import Compose

from recbole_showcase.encoders import ClipEncoder
from recbole_showcase.encoders.geometry import Geometry
from recbole_showcase.files.photos import PhotoError, read_photo


def noise(width: int, height: int, grain: int = 1) -> Image.Image:
    shape = (max(height // grain, 1), max(width // grain, 1), 3)
    pixels = np.random.default_rng(width).integers(0, 256, shape, dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)


def open_clips_own(preprocessing: dict, photo: Image.Image) -> np.ndarray:
    steps = image_transform_v2(PreprocessCfg(**preprocessing), is_train=False).transforms[:-2]
    return np.asarray(Compose(steps)(photo))


@pytest.mark.parametrize("size", [(150, 150), (64, 64), (64, 200), (301, 97), (20, 33), (65, 63)])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_pixels_equal_open_clips_own(size: tuple[int, int], mode: str, interpolation: str) -> None:
    preprocessing = {"size": 64, "resize_mode": mode, "interpolation": interpolation}
    photo = noise(*size, grain=4)
    ours = Geometry.of(preprocessing)(np.array(photo)).astype(int)
    own = open_clips_own(preprocessing, photo).astype(int)
    assert ours.shape == (64, 64, 3)
    assert np.abs(ours - own).max() <= 1
    assert (ours != own).mean() < 0.02


@pytest.mark.parametrize("mode", ["shortest", "squash"])
def test_target_that_is_no_square(mode: str) -> None:
    preprocessing = {"size": (48, 64), "resize_mode": mode, "interpolation": "bicubic"}
    photo = noise(150, 120, grain=4)
    geometry = Geometry.of(preprocessing)
    assert geometry.size == (48, 64)
    ours = geometry(np.array(photo)).astype(int)
    assert np.abs(ours - open_clips_own(preprocessing, photo)).max() <= 1


def vectors(encoder: ClipEncoder, pixels: list[np.ndarray]) -> torch.Tensor:
    return encoder.encode_images(encoder.normalise(torch.from_numpy(np.stack(pixels))))


@pytest.mark.parametrize(
    ("size", "least"), [((150, 150), 0.9999), ((300, 380), 0.9999), ((1600, 1200), 0.999)]
)
def test_features_of_a_file_equal_those_of_open_clips_transform(
    tmp_path: Path, size: tuple[int, int], least: float
) -> None:
    encoder = ClipEncoder.load()
    preprocessing = encoder.provenance()["preprocessing"]["image"]
    ours, own = [], []
    for number in range(4):
        content = io.BytesIO()
        noise(size[0], size[1] + number, grain=7).save(content, "JPEG", quality=88)
        (tmp_path / "a.jpg").write_bytes(content.getvalue())
        ours.append(encoder.pixels(read_photo(tmp_path / "a.jpg", encoder.image_size)))
        own.append(open_clips_own(preprocessing, Image.open(content)))
    cosine = (vectors(encoder, ours) * vectors(encoder, own)).sum(dim=-1)
    assert cosine.min() >= least


def test_pixels_in_another_order_in_memory_are_normalised_too() -> None:
    encoder = ClipEncoder.load()
    pixels = torch.from_numpy(np.array(noise(*encoder.image_size)))[None]
    turned = pixels.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert not turned.is_contiguous()
    torch.testing.assert_close(encoder.normalise(turned), encoder.normalise(pixels))


def test_a_thin_photo_is_refused_where_open_clip_resizes() -> None:
    geometry = Geometry.of({"size": (224, 160), "resize_mode": "shortest"})
    assert geometry.rare is not None
    with pytest.raises(PhotoError, match="too thin: 2000000×1 pixels"):
        geometry(np.zeros((1, 2_000_000, 3), dtype=np.uint8))

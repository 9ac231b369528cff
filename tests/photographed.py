"""A tiny world with photos on the disk, encoded by the CLIP that ships with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from recbole_showcase.encoders import embed_dataset
from tests.tiny import TinyWorld

COLOURS = ((200, 60, 40), (240, 200, 60), (60, 170, 70), (120, 70, 40))  # by topic
SIDE = 48


def painted(topic: int, seed: int) -> Image.Image:
    """A photo of a topic: its colour, with a bar whose place tells photos apart."""
    pixels = np.tile(np.array(COLOURS[topic], dtype=np.uint8), (SIDE, SIDE, 1))
    place = seed * 5 % (SIDE - 8)
    pixels[place : place + 8] = 255 - pixels[place : place + 8]
    return Image.fromarray(pixels)


def photographed_world(data_path: Path, n_users: int = 12, n_items: int = 10) -> TinyWorld:
    """Write the world, its photos and their features."""
    world = TinyWorld.write(data_path, "served", n_users=n_users, n_items=n_items)
    shutil.rmtree(world.folder / "served.features")
    photos = world.folder / "photos"
    photos.mkdir()
    for number, (photo, topic) in enumerate(world.topic_of_photo.items()):
        painted(topic, number).save(photos / f"{photo}.jpg", quality=95)
    embed_dataset(world.folder, progress=False)
    return world


def settings(world: TinyWorld, work: Path, **changes: object) -> dict[str, object]:
    """Settings for a short run on the world."""
    return world.config(work, epochs=1, showcase_encoder="showcase-tiny", **changes)


def past_of(world: TinyWorld, user: str) -> pd.DataFrame:
    """Rows of ``.inter`` of a user with their texts, the latest first."""
    tables = {}
    for kind in ("inter", "review"):
        table = pd.read_csv(world.folder / f"served.{kind}", sep="\t")
        tables[kind] = table.rename(columns=lambda name: name.partition(":")[0])
    rows = tables["inter"].merge(tables["review"], on="review_id")
    return rows[rows["user_id"] == user].sort_values("timestamp", ascending=False)

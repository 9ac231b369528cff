from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo_world import World, WorldSettings, draw_world, write_world
from demo_world import writing as writing_module
from demo_world.writing import paint_one
from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, PhotoFolder, read_atomic
from recbole_showcase.errors import DataError

from .conftest import SMALL


def files_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_the_same_seed_writes_the_same_bytes(small_dir: Path, tmp_path: Path) -> None:
    again = tmp_path / "small"
    write_world(draw_world(SMALL), again)
    first, second = files_of(small_dir), files_of(again)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_tables_and_photos_fit_together(small_world: World, small_dir: Path) -> None:
    inter = read_atomic(small_dir / "small.inter")
    image = read_atomic(small_dir / "small.image")
    assert list(inter.columns) == list(INTER.names)
    assert list(image.columns) == list(IMAGE.names)
    assert list(read_atomic(small_dir / "small.item").columns) == list(ITEM.names)
    assert list(read_atomic(small_dir / "small.review").columns) == list(REVIEW.names)
    assert len(inter) == len(small_world.inter)
    photos = PhotoFolder(small_dir / "photos")
    assert {path for _, path in photos.files()} == set(image["path"])
    with Image.open(photos.resolve(image["path"].iloc[0])) as photo:
        assert photo.format == "JPEG"
        assert photo.size == (96, 96)


def test_account_adds_up_and_draws_the_world_again(small_dir: Path) -> None:
    account = json.loads((small_dir / "conversion.json").read_text())
    assert account["rows_read"] == account["rows_kept"] + sum(account["dropped"].values())
    assert WorldSettings.from_dict(account["settings"]) == SMALL


def test_what_is_not_ours_is_left_alone(small_world: World, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="not a drawing of the world"):
        write_world(small_world, out)
    assert files_of(tmp_path) == {"mine/thesis.txt": b"years of work"}
    with pytest.raises(DataError, match="is a file"):
        write_world(small_world, out / "thesis.txt")


def test_an_interrupted_write_leaves_the_old_world(
    small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "small"
    write_world(small_world, out)
    before = files_of(tmp_path)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing_module, "_paint", fail)
    with pytest.raises(KeyboardInterrupt):
        write_world(small_world, out)
    assert files_of(tmp_path) == before
    assert os.listdir(tmp_path) == ["small"]


def test_an_earlier_drawing_is_replaced(small_world: World, tmp_path: Path) -> None:
    out = tmp_path / "small"
    write_world(draw_world(WorldSettings(seed=6, n_users=4, n_items=12)), out)
    write_world(small_world, out)
    assert len(read_atomic(out / "small.inter")) == len(small_world.inter)
    assert len(list((out / "photos").iterdir())) == len(small_world.image)


def test_the_shipped_drawing_is_what_its_settings_draw(demo_dir: Path, tmp_path: Path) -> None:
    account = json.loads((demo_dir / "conversion.json").read_text())
    world = draw_world(WorldSettings.from_dict(account["settings"]))
    out = tmp_path / demo_dir.name
    out.mkdir()
    writing_module._write_tables(world, out, out.name)
    writing_module._write_truth(world, out / f"{out.name}.truth")
    drawn, shipped = files_of(out), files_of(demo_dir)
    assert [name for name in drawn if drawn[name] != shipped.get(name)] == []
    assert WorldSettings.from_dict(account["settings"]) == WorldSettings()
    # Another release of Pillow may round otherwise, so pixels are compared, not bytes.
    for row in range(0, len(world.image), 80):
        painted = np.asarray(Image.open(io.BytesIO(paint_one(world, row))), dtype=float)
        name = world.image["path"].iat[row]
        kept = np.asarray(Image.open(demo_dir / "photos" / name), dtype=float)
        assert np.abs(painted - kept).mean() < 3, name


def test_the_shipped_drawing_is_small(demo_dir: Path) -> None:
    sizes = [p.stat().st_size for p in demo_dir.rglob("*") if p.is_file()]
    assert sum(sizes) <= 8_000_000
    assert sum(-(-size // 4096) * 4096 for size in sizes) <= 8_000_000
    assert len(sizes) <= 1_750


def test_recboles_own_reader_would_see_every_row(demo_dir: Path) -> None:
    """RecBole reads with pandas' Python engine, quoting on."""
    import pandas as pd

    for suffix in ("inter", "item"):
        path = demo_dir / f"showcase-demo.{suffix}"
        frame = pd.read_csv(path, delimiter="\t", engine="python", encoding="utf-8")
        assert len(frame) == len(path.read_text().splitlines()) - 1
        assert not frame.isna().any().any()

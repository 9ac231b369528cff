"""Write a world to disk: atomic files, photos, an account, and the truth apart from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from demo_world.catalogue import AMBIENCE_NAMES
from demo_world.drawing import World
from demo_world.truth import dish_forms
from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, write_atomic
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced_folder

if TYPE_CHECKING:
    import pandas as pd

ACCOUNT_FILE = "conversion.json"
SOURCE = "world"
PHOTO_STREAM = 0x70686F74  # keeps the photos' randomness apart from everything else drawn


def write_world(world: World, out_dir: Path, progress: bool = False) -> None:
    """Write a data set that RecBole and this package read.

    Args:
        world: The drawing.
        out_dir: ``DATA/NAME``; the files are ``DATA/NAME/NAME.inter`` and so on. It appears
            whole or not at all; an earlier drawing there is replaced.
        progress: Whether to show a bar while the photos are painted.

    Raises:
        DataError: If something that is not a drawing of the world is there already.
    """
    out_dir = Path(out_dir)
    _check_ours(out_dir)
    with replaced_folder(out_dir) as partial:
        (partial / "photos").mkdir()
        _write_tables(world, partial, out_dir.name)
        _write_truth(world, partial / f"{out_dir.name}.truth")
        _write_json(partial / ACCOUNT_FILE, account_of(world))
        _paint(world, partial / "photos", progress)


def _check_ours(out_dir: Path) -> None:
    if not out_dir.exists():
        return
    if not out_dir.is_dir():
        raise DataError(f"{out_dir} is a file; a world needs a folder")
    if not any(out_dir.iterdir()):
        return
    try:
        source = json.loads((out_dir / ACCOUNT_FILE).read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        source = None
    if source != SOURCE:
        raise DataError(
            f"{out_dir} holds something that is not a drawing of the world; choose another folder"
        )


def account_of(world: World) -> dict[str, Any]:
    """Return what was drawn, in numbers, and the settings that draw it again."""
    return {
        "source": SOURCE,
        "settings": world.settings.to_dict(),
        "rows_read": len(world.inter),
        "rows_kept": len(world.inter),
        "dropped": {},
        "users": int(world.inter["user_id"].nunique()),
        "items": int(world.inter["item_id"].nunique()),
        "reviews_with_text": len(world.review),
        "photos": len(world.image),
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _write_tables(world: World, folder: Path, name: str) -> None:
    write_atomic(folder / f"{name}.inter", INTER, world.inter)
    write_atomic(folder / f"{name}.item", ITEM, world.item)
    write_atomic(folder / f"{name}.review", REVIEW, world.review)
    write_atomic(folder / f"{name}.image", IMAGE, world.image)


def _write_truth(world: World, folder: Path) -> None:
    folder.mkdir()
    tables: dict[str, pd.DataFrame] = {
        "photos": world.photo_truth,
        "named_dishes": world.review_truth,
        "menus": world.menu_truth,
        "places": world.place_truth,
        "tastes": world.taste_truth,
    }
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.tsv", sep="\t", index=False, lineterminator="\n")
    forms = dish_forms()
    _write_json(folder / "dish_forms.json", forms)
    # A lexicon for the feature metrics, as showcase_lexicon reads it.
    (folder / "dishes.txt").write_text("".join(f"{form}\n" for form in forms), encoding="utf-8")


def paint_one(world: World, row: int) -> bytes:
    """Paint one photo of a world.

    Args:
        world: The drawing.
        row: Row of ``world.image``.

    Returns:
        The JPEG.
    """
    from demo_world.paint import paint_photo

    return paint_photo(
        subject=str(world.photo_truth["label"].iat[row]),
        ambience=AMBIENCE_NAMES[world.photo_place[row]],
        camera=world.photo_camera[row],
        side=world.settings.image_size,
        rng=np.random.default_rng([world.settings.seed, PHOTO_STREAM, row]),
    )


def _paint(world: World, folder: Path, progress: bool) -> None:
    from recbole_showcase.console import progress_bar

    rows = range(len(world.image))
    for row in progress_bar(rows, desc="painting", unit="photo", shown=progress):
        (folder / str(world.image["path"].iat[row])).write_bytes(paint_one(world, row))

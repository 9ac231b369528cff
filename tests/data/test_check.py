"""What ``recbole-showcase check`` finds: a fault at a time in a data set that is else fine."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.data.check import Report, check_dataset
from recbole_showcase.encoders.store import FILE_ENDINGS, digest_of_file
from recbole_showcase.files.photos import content_mark
from tests.tiny import TinyWorld

Row = dict[str, str]


class Written(TinyWorld):
    """A tiny world with photos and whole features, that tests change."""

    @property
    def store(self) -> Path:
        return self.folder / f"{self.name}.features" / "topics"

    def path(self, suffix: str) -> Path:
        return self.folder / f"{self.name}.{suffix}"

    def edit(self, suffix: str, change: Callable[[int, Row], Row | None]) -> None:
        """Change the rows of a file; those that become None are left out."""
        header, *lines = self.path(suffix).read_text().splitlines()
        names = [head.partition(":")[0] for head in header.split("\t")]
        rows = [
            change(n, dict(zip(names, line.split("\t"), strict=True)))
            for n, line in enumerate(lines)
        ]
        kept = ["\t".join(row.values()) for row in rows if row is not None]
        self.path(suffix).write_text("".join(f"{line}\n" for line in [header, *kept]))

    def check(self, **options: object) -> Report:
        return check_dataset(self.folder, **options)


@pytest.fixture
def world(tmp_path: Path) -> Written:
    tiny = TinyWorld.write(tmp_path, n_users=12, n_items=8)
    world = Written(tiny.data_path, tiny.name, tiny.topic_of_photo)
    photos = world.folder / "photos"
    photos.mkdir()
    for number, token in enumerate(tiny.topic_of_photo):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(photos / f"{token}.jpg", format="PNG")
    seal(world)
    return world


def seal(world: Written) -> None:
    """Write what rows were made from, and the digests."""
    import pandas as pd

    texts = [line.split("\t") for line in world.path("review").read_text().splitlines()[1:]]
    marks = [
        content_mark(world.folder / "photos" / f"{token}.jpg") for token in world.topic_of_photo
    ]
    hashes = pd.util.hash_array(np.array([row[1] for row in texts], object), categorize=False)
    np.save(world.store / "image.sources.npy", np.array(marks, np.uint64))
    np.save(world.store / "review.sources.npy", hashes)
    names = [f"{modality}{ending}" for modality in ("image", "review") for ending in FILE_ENDINGS]
    meta = json.loads((world.store / "meta.json").read_text())
    meta["digests"] = {name: digest_of_file(world.store / name) for name in names}
    (world.store / "meta.json").write_text(json.dumps(meta))


def one(lines: list[str], pattern: str) -> str:
    """The only line, which matches."""
    assert len(lines) == 1 and re.search(pattern, lines[0]), lines
    return lines[0]


def test_a_data_set_that_is_as_it_should_be(world: Written) -> None:
    report = world.check()
    assert (report.warnings, report.errors) == ([], [])
    assert "tiny.inter: 84 rows" in report.facts
    assert any("features 'topics': made by showcase-tiny" in fact for fact in report.facts)
    assert "pairs: 84; with a text 84, with photos 84, with both 84" in report.facts


def test_status_and_words_of_the_command(world: Written) -> None:
    command = ["check", str(world.folder), "--encoder", "topics"]
    fine = CliRunner().invoke(app, command)
    assert fine.exit_code == 0 and fine.stdout.endswith(f"{world.folder} can be trained on\n")
    world.edit("inter", lambda n, row: row | {"timestamp": f"{1.5e12 + n}"})
    warned = CliRunner().invoke(app, command)
    assert warned.exit_code == 0 and "\nwarning: every timestamp looks like milli" in warned.stdout
    world.path("review").unlink()
    stopped = CliRunner().invoke(app, command)
    assert stopped.exit_code == 1
    assert f"\nerror: there is no file {world.path('review')}\n" in stopped.stdout
    assert "can be trained on" not in stopped.stdout


def test_neither_torch_nor_recbole_is_loaded(world: Written) -> None:
    code = (
        "import sys; from recbole_showcase.data.check import check_dataset;"
        "from pathlib import Path; check_dataset(Path(sys.argv[1]));"
        "sys.exit(bool({'torch', 'open_clip', 'recbole'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(world.folder)]).returncode == 0


def test_files_and_columns_that_are_missing(world: Written) -> None:
    for suffix, column in (("inter", "review_id"), ("review", "explanation"), ("image", "path")):
        content = world.path(suffix).read_text()
        world.path(suffix).write_text(content.replace(f"{column}:", f"no_{column}:", 1))
        said = " ".join(world.check().errors)
        assert f"tiny.{suffix} has no column {column}; it has " in said
        world.path(suffix).write_text(content)
    content = world.path("inter").read_text()
    world.path("inter").write_text(content.replace("review_id:token", "review_id:float"))
    assert "column review_id is of the type float; allowed: token" in world.check().errors[0]
    world.path("inter").write_text(content)
    world.path("inter").rename(world.path("train.inter"))
    assert world.check().errors == []
    world.path("train.inter").unlink()
    assert "there is no file" in world.check().errors[0]


def test_a_row_that_is_too_short_is_named(world: Written) -> None:
    with world.path("image").open("a") as file:
        file.write("p\n")
    assert "tiny.image, line 86: 1 values" in world.check().errors[0]


@pytest.mark.parametrize(
    ("suffix", "column", "said"),
    [
        ("image", "review_id", r"3 of 84 review_id of .image are not in .inter, such as 'x0'"),
        ("image", "item_id", r"1 of \d+ item_id of .image are not in .inter, such as 'x"),
        ("item", "item_id", r"\d of 8 item_id of .inter are not in .item, such as 'i"),
    ],
)
def test_ids_that_do_not_join_are_counted(
    world: Written, suffix: str, column: str, said: str
) -> None:
    own = "x{}" if column == "review_id" else "x"
    world.edit(suffix, lambda n, row: row | {column: own.format(n)} if n < 3 else row)
    if suffix == "item":
        world.edit("item", lambda n, row: None if n in (1, 2) else row)
    report = world.check()
    one(report.warnings, said)
    assert report.errors == []


@pytest.mark.parametrize(
    ("id_of", "pandas_id", "why"),
    [
        ("1{:03}", "1{:03}.0", "one was written as a float"),
        ("0{:03}", "{}", "one has lost its leading zeros"),
    ],
)
def test_ids_that_pandas_has_changed_are_recognized(
    world: Written, id_of: str, pandas_id: str, why: str
) -> None:
    number = {f"r{u}-i{i}": n for n, (u, i) in enumerate([(0, 0)])}
    for suffix, pattern in (("inter", id_of), ("review", id_of), ("image", pandas_id)):
        world.edit(
            suffix,
            lambda _, row, pattern=pattern: (
                row
                | {"review_id": pattern.format(number.setdefault(row["review_id"], len(number)))}
            ),
        )
    (said,) = [line for line in world.check().warnings if "review_id of .image" in line]
    assert "would join as numbers" in said and f": {why}; read ids with dtype=str" in said
    assert f"'{pandas_id.format(1)}' as '{id_of.format(1)}'" in said


def test_ids_that_are_floats_everywhere(world: Written) -> None:
    for suffix in ("inter", "image", "item"):
        world.edit(suffix, lambda _, row: row | {"item_id": row["item_id"][1:] + ".0"})
    one(world.check().warnings, r"every item_id of .inter ends in '.0', such as '\d\.0'")


def test_ids_that_are_there_twice(world: Written) -> None:
    for suffix, key in (("inter", "review_id"), ("review", "review_id"), ("image", "image_id")):
        content = world.path(suffix).read_text()
        world.path(suffix).write_text(content + content.splitlines()[5] + "\n")
        assert f"{key} twice or more, such as" in world.check().errors[0]
        world.path(suffix).write_text(content)


@pytest.mark.parametrize(
    ("time_of", "said"),
    [
        (lambda n: 1.6e12 + n, "every timestamp looks like milliseconds"),
        (lambda n: 1.6e12 if n % 4 else 1.6e9, "63 of 84 timestamps look like.*order is wrong"),
        (lambda n: 1.6e6 + n, "every timestamp is of early 1970.*divided by 1,000"),
        (lambda n: "" if n < 2 else 1.6e9, "2 of 84 rows have no time"),
    ],
)
def test_times_in_another_unit(world: Written, time_of: Callable[[int], object], said: str) -> None:
    world.edit("inter", lambda n, row: row | {"timestamp": str(time_of(n))})
    one(world.check().warnings, said)


def test_pairs_that_cannot_be_explained_are_counted(world: Written) -> None:
    world.edit("review", lambda n, row: row | {"text": ""} if n < 10 else row)
    world.edit("image", lambda n, row: row | {"review_id": ""} if 5 <= n < 25 else row)
    facts = world.check().facts
    assert "pairs: 84; with a text 74, with photos 64, with both 59" in facts
    left_out = "pairs with a text that showcase_min_photos leaves out: 1: 15, 2: 74, 3: 74, 4: 74"
    assert left_out in facts


def test_nothing_to_explain_stops(world: Written) -> None:
    world.edit("image", lambda n, row: row | {"review_id": ""})
    one(world.check().errors, "no pair has both a text and showcase_min_photos = 1 photos")
    assert world.check(min_photos=0).errors == []
    world.edit("inter", lambda n, row: row | {"review_id": f"x{n}"})
    assert "no pair has a text" in world.check(min_photos=0).errors[-1]


def test_photos_that_are_gone_or_outside(world: Written) -> None:
    (photo, *_) = sorted((world.folder / "photos").iterdir())
    photo.unlink()
    said = rf"1 of 84 photos are not in .*/photos, such as '{photo.name}'"
    one(world.check().warnings, f"{said}$")
    world.edit("image", lambda n, row: row | {"url": ""})
    header, _, rows = world.path("image").read_text().partition("\n")
    world.path("image").write_text(f"{header}\turl:token\n{rows}")
    one(
        world.check().warnings,
        f"{said}; .* downloaded by: recbole-showcase photos .*/{world.name}$",
    )
    world.edit("image", lambda n, row: row | {"path": "../x.jpg"} if n == 7 else row)
    one(world.check().errors, r"1 path of .image: photo path '../x.jpg' is not allowed")
    one(world.check(photos=world.folder / "none").warnings, "there is no photo folder")


def test_features_that_do_not_fit_what_is_there_now(world: Written) -> None:
    Image.new("RGB", (9, 9)).save(world.folder / "photos" / "pr1-3.jpg", format="PNG")
    first = next(iter(world.topic_of_photo))
    Image.new("RGB", (9, 9)).save(world.folder / "photos" / f"{first}.jpg", format="PNG")
    world.edit("review", lambda n, row: row | {"text": "Other."} if n < 2 else row)
    photo, review = world.check().errors
    assert (
        f"not of 1 photo as they are now, such as '{first}'" in photo or "not of 2 photos" in photo
    )
    assert "not of 2 reviews as they are now, such as 'r0-" in review
    with world.path("image").open("a") as file:
        file.write("new\ti1\t\tnew.jpg\n")
    assert any("have no row of 1 photo, such as 'new'" in line for line in world.check().errors)


@pytest.mark.parametrize("name", ["image.npy", "image.ids", "review.sources.npy"])
def test_damaged_features_are_found_by_name(world: Written, name: str) -> None:
    content = bytearray((world.store / name).read_bytes())
    content[-2] ^= 1
    (world.store / name).write_bytes(content)
    assert any(f"topics/{name}: is not as it was" in line for line in world.check().errors)


def test_features_without_digests_say_so(world: Written) -> None:
    meta = json.loads((world.store / "meta.json").read_text())
    (world.store / "meta.json").write_text(json.dumps(meta | {"digests": {}}))
    one(world.check().warnings, "topics has no digests, so what is in it cannot be compared")


def test_features_that_are_not_there(world: Written) -> None:
    said = one(world.check(encoder="ViT-B-32").errors, r"no features of encoder 'ViT-B-32'")
    assert said.endswith("--encoder ViT-B-32 --weights laion2b_s34b_b79k")
    world.store.rename(world.folder / "elsewhere")
    said = one(world.check().errors, "has no features; make them: recbole-showcase embed")
    assert shlex.split(said.partition("them: ")[2])[2:] == [
        str(world.folder), "--encoder", "ViT-B-32", "--weights", "laion2b_s34b_b79k",
    ]  # fmt: skip


def test_files_of_recboles_are_read_by_its_settings(world: Written, tmp_path: Path) -> None:
    names = {"user_id:": "who:", "item_id:": "what:", "timestamp:": "when:"}
    for suffix in ("inter", "item"):
        text = world.path(suffix).read_text().replace("\t", ";")
        for name, other in names.items():
            text = text.replace(name, other)
        world.path(suffix).write_bytes(text.replace("Place", "Pl\xe2ce").encode("latin-1"))
    said = " ".join(world.check().errors)
    assert "tiny.inter" in said and "give RecBole's settings with --config FILE" in said
    (tmp_path / "names.yaml").write_text("{USER_ID_FIELD: who, ITEM_ID_FIELD: what}")
    (tmp_path / "rest.yaml").write_text(
        "{TIME_FIELD: when, field_separator: ';', encoding: latin-1, showcase_encoder: topics}"
    )
    config = [w for name in ("names", "rest") for w in ("--config", str(tmp_path / f"{name}.yaml"))]
    result = CliRunner().invoke(app, ["check", str(world.folder), *config])
    assert result.exit_code == 0, result.output
    assert "tiny.inter: 84 rows" in result.stdout and "with both 84" in result.stdout
    assert "warning" not in result.stdout and "timestamp" not in result.stdout
    missing = world.check(settings={"field_separator": ";", "ITEM_ID_FIELD": "no"})
    assert "tiny.inter has no column user_id, no, separated by ';'" in missing.errors[0]


def test_an_item_file_may_hold_what_it_likes(world: Written) -> None:
    world.path("item").write_text("item_id:token\tnote:text\ni1\tx\ty\tz\n")
    report = world.check()
    assert report.errors == [] and "of .inter are not in .item" in report.warnings[0]
    world.path("item").write_text("id:token\ni1\n")
    assert "tiny.item has no column item_id" in world.check().warnings[0]

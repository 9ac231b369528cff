"""A wrong path ends every command in one line that names it, before any work."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import typer
from typer.models import OptionInfo

from recbole_showcase import cli, judging
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.offline import OfflineOptions, write_showcases
from tests.benchmark.fake import write_spec
from tests.encoders.conftest import Photographed, make_dataset  # noqa: F401
from tests.offline.conftest import checkpoint  # noqa: F401

FILE = ("none", "none/x", "plain/x", "folder", "loop", "secret")  # where a file is read
FOLDER = ("none", "plain", "plain/x", "loop")  # where a folder is read
OUT = ("plain", "plain/x", "loop", "loop/x")  # where a folder is written
PAGE = ("folder", "none/x", "plain/x", "loop/x")  # where a file is written

# By command and option: the words of a command line with BAD for the path, and what it may not be.
CASES = {
    "benchmark spec": ("benchmark BAD --out out", FILE),
    "benchmark --out": ("benchmark spec.yaml --out BAD", OUT),
    "demo --out": ("demo --out BAD", OUT),
    "check dataset": ("check BAD", FOLDER),
    "check --photos": ("check set --photos BAD", FOLDER),
    "check --config": ("check set --config BAD", FILE),
    "photos dataset": ("photos BAD", FOLDER),
    "convert tripadvisor --folder": ("convert tripadvisor --folder BAD --out out", FOLDER),
    "convert tripadvisor --photos": (
        "convert tripadvisor --folder folder --photos BAD --out out", FOLDER,
    ),
    "convert tripadvisor --out": ("convert tripadvisor --folder folder --out BAD", OUT),
    "judge texts --out": ("judge texts pairs.jsonl --out BAD --local x", PAGE),
    "judge texts --dataset": ("judge texts SHOWCASES --out v.json --local x --dataset BAD", FOLDER),
    "judge sheets --out": ("judge sheets pairs.jsonl --criterion fluency --out BAD", OUT),
    "judge sheets --dataset": ("judge sheets SHOWCASES --out out --dataset BAD", FOLDER),
    "judge agreement ratings": ("judge agreement BAD --key sheets/key.json", FILE),
    "judge agreement --judged": (
        "judge agreement sheets/rater-1.csv --key sheets/key.json --judged BAD", FILE,
    ),
    "judge agreement --out": (
        "judge agreement sheets/rater-1.csv --key sheets/key.json --out BAD", PAGE,
    ),
    "judge texts results": ("judge texts BAD --out v.json --local none", FILE),
    "judge pairs checkpoint": ("judge pairs BAD --out p.jsonl", FILE),
    "judge pairs --out": ("judge pairs CHECKPOINT --out BAD", PAGE),
    "judge pairs --data-path": ("judge pairs CHECKPOINT --out p.jsonl --data-path BAD", FOLDER),
    "judge pairs --allow-path": (
        "judge pairs CHECKPOINT --out p.jsonl --allow-path BAD", ("none", "plain/x", "loop"),
    ),
    "judge sheets results": ("judge sheets BAD --out out", FILE),
    "judge agreement --key": ("judge agreement ratings.csv --key BAD", FILE),
    "photos --photos": ("photos set --photos BAD", FOLDER),
    "embed dataset": ("embed BAD", FOLDER),
    "embed --photos": ("embed set --photos BAD", FOLDER),
    "embed --encoder": ("embed set --encoder local-dir:BAD", FOLDER),
    "embed --weights": ("embed set --encoder ViT-B-32 --weights BAD", ("none", "folder", "loop")),
    "distill dataset": ("distill BAD", FOLDER),
    "distill --labels": ("distill set --labels BAD", FILE),
    "distill --classifier": ("distill set --classifier BAD", FOLDER),
    "explain checkpoint": ("explain BAD --out out", FILE),
    "explain --out": ("explain CHECKPOINT --out BAD", OUT),
    "explain --users": ("explain CHECKPOINT --out out --users BAD", FILE),
    "explain --pairs": ("explain CHECKPOINT --out out --pairs BAD", FILE),
    "explain --data-path": ("explain CHECKPOINT --out out --data-path BAD", FOLDER),
    "explain --allow-path": (
        "explain CHECKPOINT --out out --allow-path BAD", ("none", "plain/x", "loop"),
    ),
    "explain --photos": ("explain CHECKPOINT --out out --photos BAD", FOLDER),
    "gallery checkpoint": ("gallery BAD --out page.html", FILE),
    "gallery --out": ("gallery CHECKPOINT --out BAD", PAGE),
    "gallery --data-path": ("gallery CHECKPOINT --out page.html --data-path BAD", FOLDER),
    "gallery --allow-path": (
        "gallery CHECKPOINT --out page.html --allow-path BAD", ("none", "plain/x", "loop"),
    ),
    "gallery --photos": ("gallery CHECKPOINT --out page.html --photos BAD", FOLDER),
    "serve checkpoint": ("serve BAD --port 0", FILE),
    "serve --data-path": ("serve CHECKPOINT --port 0 --data-path BAD", FOLDER),
    "serve --photos": ("serve CHECKPOINT --port 0 --photos BAD", FOLDER),
    "convert google-local --reviews": ("convert google-local --reviews BAD --out out", FILE),
    "convert google-local --meta": (
        "convert google-local --reviews plain --meta BAD --out out", FILE,
    ),
    "convert google-local --photos": (
        "convert google-local --reviews plain --photos BAD --out out", FOLDER,
    ),
    "convert google-local --out": ("convert google-local --reviews plain --out BAD", OUT),
    "convert gest --file": ("convert gest --file BAD --out out", FILE),
    "convert gest --photos": ("convert gest --file plain --photos BAD --out out", FOLDER),
    "convert gest --out": ("convert gest --file plain --out BAD", OUT),
    "convert explained-pairs --interactions": (
        "convert explained-pairs --interactions BAD --pairs plain --out out", FILE,
    ),
    "convert explained-pairs --pairs": (
        "convert explained-pairs --interactions table --pairs BAD --out out", FILE,
    ),
    "convert explained-pairs --out": (
        "convert explained-pairs --interactions table --pairs plain --out BAD", OUT,
    ),
    "convert yelp --photo-list": ("convert yelp --reviews plain --photo-list BAD --out out", FILE),
    "convert yelp --photos": ("convert yelp --reviews plain --photos BAD --out out", FOLDER),
    "convert yelp --out": ("convert yelp --reviews plain --out BAD", OUT),
    "convert amazon --photos": ("convert amazon --reviews plain --photos BAD --out out", FOLDER),
    "convert amazon --out": ("convert amazon --reviews plain --out BAD", OUT),
    "convert nlg4rs --reviews": ("convert nlg4rs --reviews BAD --out out", FILE),
    "convert nlg4rs --split": (
        "convert nlg4rs --reviews rows.pickle --split BAD --out out", FOLDER,
    ),
    "convert nlg4rs --items": (
        "convert nlg4rs --reviews rows.pickle --items BAD --out out", FILE,
    ),
    "convert nlg4rs --out": ("convert nlg4rs --reviews rows.pickle --out BAD", OUT),
    "attach dataset": ("attach BAD --reviews table --out out", FOLDER),
    "attach --out": ("attach raw --reviews table --out BAD", OUT),
    "attach --reviews": ("attach raw --reviews BAD --out out", FILE),
    "attach --images": ("attach raw --images BAD --out out", FILE),
    "attach --photos": ("attach raw --images table --photos BAD --out out", FOLDER),
    "import-features dataset": (
        "import-features BAD --name x --images x.npy --image-ids plain", FOLDER,
    ),
    "import-features --images": (
        "import-features set --name x --images BAD --image-ids plain", FILE,
    ),
    "import-features --image-ids": (
        "import-features set --name x --images x.npy --image-ids BAD", FILE,
    ),
    "import-features --items": ("import-features set --name x --images x.npy --items BAD", FILE),
    "import-features --reviews": (
        "import-features set --name x --images x.npy --image-ids p0 --reviews BAD --review-ids r0",
        FILE,
    ),
    "import-features --review-ids": (
        "import-features set --name x --images x.npy --image-ids p0 --reviews x.npy "
        "--review-ids BAD", FILE,
    ),
}  # fmt: skip


@pytest.fixture
def place(
    make_dataset: Callable[..., Photographed],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder to be in, with one of each."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("{}\n")
    (tmp_path / "table").write_text("user,item\nu,i\n")
    (tmp_path / "rows.pickle").write_bytes(pickle.dumps([]))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "raw.inter").write_text("user_id:token\titem_id:token\nu\ti\n")
    (tmp_path / "p0").write_text("p0\n")
    pair = {"user": "u", "item": "i", "text": "t", "reference": "r"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair) + "\n")
    (tmp_path / "ratings.csv").write_text("id,overall\n")
    prompt = judging.read_prompt()
    results = judging.read_all([tmp_path / "pairs.jsonl"])
    chosen = prompt.chosen(["fluency"])
    judging.write_sheets(results, prompt, chosen, tmp_path / "sheets", raters=1, pairs=1)
    np.save(tmp_path / "x.npy", np.ones((1, 4), dtype=np.float32))
    (tmp_path / "loop").symlink_to("loop")
    secret = tmp_path / "secret"
    secret.write_text("{}\n")
    secret.chmod(0)
    write_spec(tmp_path / "spec.yaml")
    make_dataset(photos=2, reviews=2)
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_path(
    case: str,
    place: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    line, kinds = CASES[case]
    if "distill set" in line:
        embed_dataset(place / "set", progress=False)
    if "SHOWCASES" in line:
        of, options = request.getfixturevalue("checkpoint"), OfflineOptions(top_k=1, form="jsonl")
        write_showcases(of, place / "shown", options=options, progress=False)
        line = line.replace("SHOWCASES", "shown")
    if "CHECKPOINT" in line:
        line = line.replace("CHECKPOINT", str(request.getfixturevalue("checkpoint")))
    before = listing(place)
    for bad in kinds:
        if os.access(bad, os.R_OK) and bad == "secret":
            continue  # to root nothing is unreadable
        monkeypatch.setattr(sys, "argv", ["x", *line.replace("BAD", bad).split()])
        with pytest.raises(SystemExit) as end:
            cli.main()
        (said,) = capsys.readouterr().err.splitlines()
        assert end.value.code == 2
        assert said.startswith("error: ") and bad in said
    assert listing(place) == before


@pytest.mark.parametrize(
    "line",
    [
        "explain CHECKPOINT --out out",
        "gallery CHECKPOINT --out page.html",
        "serve CHECKPOINT --port 0",
        "judge texts pairs.jsonl --out v.json --local none",
        "judge pairs CHECKPOINT --out p.jsonl",
        "embed set",
    ],
)
def test_a_device_that_is_not_there(
    line: str,
    place: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "CHECKPOINT" in line:
        line = line.replace("CHECKPOINT", str(request.getfixturevalue("checkpoint")))
    before = listing(place)
    for device in ("nosuch", "meta", "cpu:x"):
        monkeypatch.setattr(sys, "argv", ["x", *line.split(), "--device", device])
        with pytest.raises(SystemExit) as end:
            cli.main()
        (said,) = capsys.readouterr().err.splitlines()
        assert end.value.code == 2
        assert said.startswith(f"error: device '{device}' cannot be used: ")
    assert listing(place) == before


def listing(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.parts[-1] not in (".lock", "out")}


def test_every_path_has_its_case() -> None:
    others = {"embed --encoder", "embed --weights", "distill --classifier"}  # a path or a name
    others |= {"convert google-local --reviews", "convert google-local --meta"}  # or a pattern
    # Is written at the end, after what --labels names was read.
    assert set(paths_of(cli.app)) - {"distill --save"} == set(CASES) - others


def paths_of(app: typer.Typer, above: str = "") -> Iterator[str]:
    """Each command and its options and arguments that are paths."""
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from paths_of(group.typer_instance, f"{group.name} ")
    for command in app.registered_commands:
        assert command.callback is not None
        name = above + (command.name or command.callback.__name__)
        for key, hint in get_type_hints(command.callback, include_extras=True).items():
            kind, *info = get_args(hint) or (hint,)
            if Path in (kind, *get_args(kind), *(x for y in get_args(kind) for x in get_args(y))):
                option = isinstance(info[0], OptionInfo)
                yield f"{name} " + ("--" + key.replace("_", "-") if option else key)

"""What errors advise: every command parses as it is typed, and mends what it is advised for."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from recbole_showcase.atomic import LINKED_IMAGE, photo_folder, write_atomic
from recbole_showcase.benchmark.execute import run_benchmark
from recbole_showcase.cli import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.distillation import classifier_for
from recbole_showcase.encoders import ClipEncoder, FeatureStore, embed_dataset
from recbole_showcase.encoders.commands import embed_command, making, shipped_encoder_notes
from recbole_showcase.errors import ShowcaseError
from recbole_showcase.judging.reading import read_results
from tests.benchmark.fake import FakeLauncher, write_spec
from tests.encoders.conftest import Photographed, make_dataset, micro  # noqa: F401

Make = Callable[..., Photographed]
PACKAGE = Path(__file__).parents[1] / "recbole_showcase"
# Where commands are written out; whatever else advises one calls these.
WRITERS = {
    "encoders/commands.py",
    "distillation/classifier.py",
    "atomic/photos.py",
    "judging/reading.py",
}
# These name the package, or the program.
NAMERS = {"evaluation/surroundings.py", "benchmark/tables.py", "cli/help.py"}


def command_in(text: str) -> list[str]:
    """The words of the command that a text ends with, without the program's name."""
    found = re.search(r"recbole-showcase (.*)$", text)
    assert found, text
    return shlex.split(found[1])


def parse(words: list[str]) -> dict[str, object]:
    """What the command line understands; a wrong option or argument is an error."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    given: dict[str, object] = commands[words[0]].make_context(words[0], words[1:]).params
    return given


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(ShowcaseError) as refused:
        action()
    return str(refused.value)


def test_commands_are_written_in_one_place() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        if any(
            isinstance(text.value, str)
            and id(text) not in docs
            and re.match(r"(?:.*\W)?recbole-showcase(?!-)", text.value)
            for text in texts
        ):
            found.add(path.relative_to(PACKAGE).as_posix())
    assert found - NAMERS == WRITERS


def test_checkpoints_of_a_benchmark(tmp_path: Path) -> None:
    run = tmp_path / "a benchmark" / "runs" / "one"
    run.mkdir(parents=True)
    for name in ("record.json", "checkpoint.pth"):
        (run / name).write_text("{}")
    words = command_in(refusal(lambda: read_results(tmp_path / "a benchmark")))
    assert words[:3] == ["judge", "pairs", str(run / "checkpoint.pth")]


def test_photos_that_have_urls(tmp_path: Path) -> None:
    folder = tmp_path / "a set"
    folder.mkdir()
    write_atomic(folder / "a set.image", LINKED_IMAGE, [])
    said = refusal(lambda: photo_folder(folder))
    assert parse(command_in(said))["dataset"] == folder


def test_extras_that_are_advised_are_there() -> None:
    setup = (PACKAGE.parent / "setup.py").read_text(encoding="utf-8")
    extras = set(re.findall(r'^    "(\w+)": \[', setup.partition("EXTRAS = {")[2], re.MULTILINE))
    text = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    advised = set(re.findall(r"recbole_showcase\[(\w+)\]", text))
    assert len(advised) > 3 and advised <= extras


@pytest.mark.parametrize(
    ("architecture", "weights"),
    [
        ("showcase-tiny", "shipped with the package"),
        ("ViT-B-32", "laion2b_s34b_b79k"),
        ("ViT-B-32", "/a folder/weights.pt"),
        ("local-dir:/some/folder with 'quotes'", "/some/folder"),
        ("hf-hub:OWNER/NAME", "OWNER/NAME"),
    ],
)
def test_the_command_of_a_store_asks_for_its_encoder(architecture: str, weights: str) -> None:
    given = parse(command_in(embed_command(Path("my data/set"), architecture, weights)))
    own = architecture.startswith(("showcase", "local", "hf"))
    assert given["dataset"] == Path("my data/set")
    assert (given["encoder"], given["weights"]) == (architecture, None if own else weights)


@pytest.mark.parametrize(
    "store",
    ["showcase-tiny", "ViT-B-32", "ViT-B-32--openai", "ViT-B-32--mine", "OWNER--NAME", "some"],
)
def test_what_makes_a_missing_store_parses(store: str) -> None:
    assert parse(command_in(making(Path("D/N"), store)))["dataset"] == Path("D/N")


def test_the_note_on_the_shipped_encoder_names_another() -> None:
    (note,) = shipped_encoder_notes("showcase-tiny", Path("D/N"))
    assert parse(command_in(note))["encoder"] == "ViT-B-32"


def test_a_missing_or_foreign_classifier_is_trained_for_the_store(tmp_path: Path) -> None:
    meta = ClipEncoder.load().provenance()
    foreign = meta | {"encoder": "ViT-B-32--openai"}
    shipped = classifier_for(meta)
    for action in (lambda: classifier_for(foreign), lambda: shipped.require_encoder(foreign)):
        given = parse(command_in(refusal(action)))
        assert given["encoder"] == "ViT-B-32--openai" and given["labels"] == Path("FILE")
        assert given["save"] == Path("FOLDER")


def test_a_benchmark_names_the_features_that_it_lacks(tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path / "s.yaml",
        settings={"metrics": ["NDCG"], "showcase_encoder": "ViT-B-32--laion2b_s34b_b79k"},
    )
    shutil.rmtree(tmp_path / "data" / "tiny" / "tiny.features")
    said = refusal(lambda: run_benchmark(spec, tmp_path / "out", launcher=FakeLauncher()))
    given = parse(command_in(said))
    assert given["dataset"] == tmp_path / "data" / "tiny"
    assert (given["encoder"], given["weights"]) == ("ViT-B-32", "laion2b_s34b_b79k")


def damage(store: Path) -> None:
    matrix = np.load(store / "image.npy")
    matrix[1] = np.nan
    np.save(store / "image.npy", matrix)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("kind", ["not finite", "a flipped bit", "gone", "a new photo"])
def test_what_is_advised_mends_the_features(
    make_dataset: Make,  # noqa: F811
    micro: str,  # noqa: F811
    dtype: str,
    kind: str,
) -> None:
    data = make_dataset()
    embed_dataset(data.folder, micro, dtype=dtype, progress=False)
    store = data.store()
    whole = {path.name: path.read_bytes() for path in store.iterdir()}

    def opened() -> object:
        found = FeatureStore.open(data.folder, "micro", "image")
        return found.rows(list(data.photos))

    if kind == "not finite":
        damage(store)
        said = refusal(opened)
    elif kind == "a flipped bit":
        content = bytearray((store / "image.npy").read_bytes())
        content[-2] ^= 1
        (store / "image.npy").write_bytes(content)
        (said,) = [e for e in check_dataset(data.folder).errors if "image.npy" in e]
    elif kind == "gone":
        (store / "image.ids").unlink()
        said = refusal(opened)
    else:
        shutil.copy(data.folder / "photos" / "0" / "p0.jpg", data.folder / "photos" / "new.jpg")
        data.photos["new"] = "new.jpg"
        data.write()
        said = refusal(opened)
    result = CliRunner().invoke(app, command_in(said), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    opened()
    if kind == "a new photo":
        assert "1 encoded, 7 reused" in result.output
    else:
        assert {path.name: path.read_bytes() for path in store.iterdir()} == whole
    assert not [e for e in check_dataset(data.folder).errors if "features" in e]


def test_what_is_advised_mends_a_store_whose_description_is_damaged(make_dataset: Make) -> None:  # noqa: F811
    data = make_dataset(photos=2, reviews=2)
    embed_dataset(data.folder, progress=False)
    meta = data.store("showcase-tiny") / "meta.json"
    whole = meta.read_bytes()
    meta.write_bytes(whole[:99])
    said = refusal(lambda: FeatureStore.open(data.folder, "showcase-tiny", "image"))
    assert CliRunner().invoke(app, command_in(said)).exit_code == 0
    assert meta.read_bytes() == whole

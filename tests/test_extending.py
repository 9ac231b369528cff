"""A package of somebody else's, built, installed and used as docs/extending.md says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.processes import ROOT, finish_python, free_port, run_python
from tests.tiny import TinyWorld

SOURCE = ROOT / "examples" / "own_parts"
PARTS = {
    "showcase_explainer": "photo_gru",
    "showcase_relevance": "newest",
    "showcase_selector": "first",
    "metrics": ["Recall", "BLEU1", "MeanWords"],
}
CLI = ("-W", "ignore", "-c", "from recbole_showcase.cli import main; main()")
TRAIN = """
import json, sys
import recbole_showcase
from recbole.quick_start import run_recbole
model, dataset, config = json.loads(sys.argv[1])
sys.argv = sys.argv[:1]
result = run_recbole(model=model, dataset=dataset, config_dict=config)
print("FIGURES", json.dumps({k: float(v) for k, v in result["test_result"].items()}))
"""
LOAD = """
import json, sys
import recbole_showcase
path, imports = json.loads(sys.argv[1])
showcase = recbole_showcase.load_explainer(path, imports=imports).recommend(["u1"], 1)[0][0]
print("TEXT", json.dumps(showcase.text))
"""
# Parts that are registered in a module and in the main program, and a recommender of one's own.
SPAWN = """
import json, sys
import recbole_showcase
import shouting

@recbole_showcase.register("OfMain")
def of_main(evaluation):
    return [len(text) for text in evaluation.texts]

if __name__ == "__main__":
    from my_models import MyBPR
    recbole_showcase.showcase_class(MyBPR)
    from recbole.quick_start import run
    dataset, config, port = json.loads(sys.argv[1])
    sys.argv = sys.argv[:1]
    result = run("ShowcaseMyBPR", dataset, config_dict=config, nproc=2, port=port)
    print("FIGURES", json.dumps({k: float(v) for k, v in result["test_result"].items()}))
"""
SHOUTING = """
import recbole_showcase
from recbole_showcase.explainers import Explainer

@recbole_showcase.register("shout")
class Shout(Explainer):
    loss_names = ("nothing",)
    word = "SHOUT"

    def forward(self, batch, user_vectors, item_vectors):
        return (batch.photo_features.sum() * 0.0,)

    def generate(self, batch, user_vectors, item_vectors):
        return [self.word] * len(batch)

class Whisper(Shout):
    word = "psst"

@recbole_showcase.register("Capitals")
def capitals(evaluation):
    return [float(text.isupper()) for text in evaluation.texts]
"""
MODELS = """
from recbole.model.general_recommender import BPR

class MyBPR(BPR):
    pass
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, built and installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("*.egg-info"))
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    target = folder / "site"
    run_python(*command, "--target", str(target), str(folder / "source"), cwd=folder, cold=True)
    return target


@pytest.fixture
def on_the_path(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed))


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """A folder with modules that no package installs."""
    (tmp_path / "shouting.py").write_text(SHOUTING)
    (tmp_path / "my_models.py").write_text(MODELS)
    return tmp_path


def figures(output: str) -> dict[str, float]:
    return json.loads(output.split("FIGURES")[1].splitlines()[0])


def train(world: TinyWorld, work: Path, model: str = "ShowcaseBPR", **changes: object) -> Path:
    """Train in a fresh process; the checkpoint."""
    (work / "train.py").write_text(TRAIN)
    given = json.dumps([model, world.name, world.config(work, epochs=1, **changes)])
    found = figures(run_python("-W", "ignore", "train.py", given, cwd=work))
    assert any(name in found for name in ("meanwords", "bleu1"))
    (path,) = (work / "saved").glob("*.pth")
    return path


def load(path: Path, work: Path, imports: tuple[str, ...] = (), fails: bool = False) -> str:
    (work / "load.py").write_text(LOAD)
    given = json.dumps([str(path), imports])
    return run_python("-W", "ignore", "load.py", given, cwd=work, fails=fails)


def test_the_page_shows_the_package() -> None:
    page = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    for file in ("own_parts/__init__.py", "pyproject.toml", "tests/test_own_parts.py"):
        assert (SOURCE / file).read_text(encoding="utf-8").strip() in page, file


def test_its_own_tests_pass(on_the_path: None, tmp_path: Path) -> None:
    tests = shutil.copytree(SOURCE / "tests", tmp_path / "tests")
    output = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests), cwd=tmp_path)
    assert "29 passed" in output


def test_an_installed_package_is_found_everywhere(
    on_the_path: None, tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By training, by who loads the checkpoint, and on the command line, named by nobody."""
    path = train(tiny_world, tmp_path, **PARTS, explainer_width=8)
    assert "TEXT" in load(path, tmp_path)
    page = tmp_path / "gallery.html"
    run_python(*CLI, "gallery", str(path), "--out", str(page), cwd=tmp_path)
    assert page.is_file()
    monkeypatch.setenv("PYTHONPATH", "")
    said = load(path, tmp_path, fails=True)
    assert "own_parts:PhotoGRU" in said and "install its package" in said


def test_a_checkpoint_chooses_no_code_of_a_folder(loose: Path, tiny_world: TinyWorld) -> None:
    path = train(
        tiny_world,
        loose,
        showcase_explainer="shouting:Whisper",
        metrics=["Recall", "BLEU1", "shouting:capitals"],
    )
    said = load(path, loose, fails=True)
    assert "chooses no other code" in said and "import shouting" in said
    assert '"psst"' in load(path, loose, imports=("shouting",))


def test_the_command_line_imports_what_it_is_told(loose: Path, tiny_world: TinyWorld) -> None:
    path = train(
        tiny_world, loose, showcase_explainer="shouting:Shout", metrics=["Recall", "BLEU1"]
    )
    gallery = ("gallery", str(path), "--out", "page.html")
    done = finish_python(*CLI, "--import", "shouted", *gallery, cwd=loose)
    assert done.returncode == 2 and "module 'shouted' of parts cannot be imported" in done.stderr
    run_python(*CLI, "--import", "shouting", *gallery, cwd=loose)
    assert "SHOUT" in (loose / "page.html").read_text(encoding="utf-8")


HOSTILE = """
import json, sys, torch
import recbole_showcase
path, changes = json.loads(sys.argv[1])
for change in changes:
    state = torch.load(path, weights_only=True)
    for keys, value in change:
        place = state["config"]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
    torch.save(state, "changed.pth")
    try:
        recommender = recbole_showcase.load_explainer("changed.pth")
        print("TEXT", recommender.recommend(["u1"], 1)[0][0].text)
    except recbole_showcase.ShowcaseError as error:
        print("REFUSED", " ".join(str(error).split()))
"""
PLANTED = "from pathlib import Path\nPath('ran').touch()\nclass Evil:\n    pass\n"


@pytest.fixture(scope="module")
def plain_run(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tiny_world, tmp_path_factory.mktemp("plain"), metrics=["Recall", "BLEU1"])


def code(path: str) -> list[dict[str, object]]:
    return [{"kind": "explainer", "name": "evil", "path": path, "options": {}}]


HOSTILE_CHANGES = [
    [(["external", "showcase_explainer"], "evil_mod:Evil")],
    [(["final", "showcase_explainer"], "evil_mod:Evil")],
    [(["final", "showcase_selector"], "antigravity:x")],
    [(["external", "metrics"], ["Recall", "evil_mod:Evil"])],
    [(["final", "metrics"], ["Recall", "evil_mod:Evil"])],
    [(["final", "metrics"], ["Recall", "os:system"])],
    [(["code"], code("evil_mod:Evil"))],
    [(["code"], code("thop:Evil"))],  # installed, and another of the name in the folder
    [(["code"], code("google.evil_ns:Evil"))],  # of a package without a file
    [(["code"], code("planted_dist:Evil"))],  # beside metadata that says it is installed
    [(["code"], None)],
    [(["code"], [3, "x:y", {}])],
    [(["external", "showcase_explainer"], "unknown_to_all")],  # looks at entry points
]


def test_a_checkpoint_runs_nothing_that_lies_beside_it(plain_run: Path, tmp_path: Path) -> None:
    for name in ("evil_mod", "thop", "planted_dist", "antigravity"):
        (tmp_path / f"{name}.py").write_text(PLANTED)
    (tmp_path / "google").mkdir()
    (tmp_path / "google" / "evil_ns.py").write_text(PLANTED)
    metadata = tmp_path / "planted_dist-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: planted_dist\nVersion: 1.0\n")
    (metadata / "top_level.txt").write_text("planted_dist\n")
    (metadata / "entry_points.txt").write_text("[recbole_showcase]\nx = planted_dist\n")
    (tmp_path / "hostile.py").write_text(HOSTILE)
    given = json.dumps([str(plain_run), HOSTILE_CHANGES])
    output = run_python("-W", "ignore", "hostile.py", given, cwd=tmp_path)
    said = [line.split()[0] for line in output.splitlines() if line[:4] in ("TEXT", "REFU")]
    assert len(said) == len(HOSTILE_CHANGES) and said.count("REFUSED") >= 4
    assert not (tmp_path / "ran").exists()


def test_the_package_itself_may_lie_where_python_was_started(plain_run: Path) -> None:
    """As in a checkout, whose own parts are no stranger's."""
    program = LOAD.replace("json.loads(sys.argv[1])", repr((str(plain_run), [])))
    assert "TEXT" in run_python("-W", "ignore", "-c", program, cwd=ROOT)


def test_a_model_is_asked_without_metrics_that_are_not_known(
    loose: Path, tiny_world: TinyWorld
) -> None:
    (loose / "my_metric.py").write_text("def at(of):\n    return 1.0\n")
    path = train(tiny_world, loose, metrics=["Recall", "BLEU1", "my_metric:at"])
    said = load(path, loose)
    assert "TEXT" in said and "metrics that are not known here are left out" in said


def test_other_processes_know_what_the_parent_knows(loose: Path, tiny_world: TinyWorld) -> None:
    """Parts of a module, under names of another, of the main program, and a recommender."""
    (loose / "naming.py").write_text(
        "import recbole_showcase, shouting, my_metric\n"
        "recbole_showcase.register('aliased', shouting.Whisper)\n"
        "recbole_showcase.register('AliasM', my_metric.at, smaller=True)\n"
    )
    (loose / "my_metric.py").write_text("def at(of):\n    return 0.25\n")
    program = SPAWN.replace("import shouting\n", "import naming\n")
    (loose / "spawn.py").write_text(program)
    config = tiny_world.config(
        loose,
        epochs=1,
        gpu_id="0,1",
        showcase_explainer="aliased",
        metrics=["Recall", "Capitals", "AliasM", "OfMain"],
    )
    given = json.dumps([tiny_world.name, config, str(free_port())])
    found = figures(run_python("-W", "ignore", "spawn.py", given, cwd=loose))
    assert (found["capitals"], found["aliasm"], found["ofmain"]) == (0.0, 0.25, 4.0)
    (path,) = (loose / "saved").glob("*.pth")
    assert "my_models:MyBPR" in load(path, loose, fails=True)
    assert "module 'nothing' of parts" in load(path, loose, imports=("nothing",), fails=True)

"""Checkpoints: plain data in ours, both kinds load, hostile and damaged ones are refused."""

from __future__ import annotations

import errno
import json
import os
import pickle
import resource
import zipfile
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import recbole_showcase
from recbole_showcase.errors import CheckpointError
from recbole_showcase.integration.checkpoint import load_checkpoint
from recbole_showcase.integration.own_files import claimed
from tests.bases import stages_of, write_rich_world
from tests.integration.test_registration import stock_config
from tests.integration.test_training import prepare
from tests.processes import run_python
from tests.tiny import TinyWorld


def train(model: str, name: str, config: dict[str, object]) -> tuple[Path, dict[str, float]]:
    """Run RecBole's quick start; return the checkpoint and the test result."""
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import clean_argv

    with clean_argv():
        result = run_recbole(model=model, dataset=name, config_dict=config)
    (checkpoint,) = Path(str(config["checkpoint_dir"])).glob("*.pth")
    return checkpoint, result["test_result"]


@pytest.fixture(scope="module")
def trained(
    tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, float]]:
    work = tmp_path_factory.mktemp("run")
    return train("ShowcaseBPR", tiny_world.name, tiny_world.config(work, showcase_photos=2))


def test_ours_is_plain_data(trained: tuple[Path, dict[str, float]]) -> None:
    state = torch.load(trained[0], weights_only=True)
    assert state["config"]["external"]["showcase_photos"] == 2
    assert any(key.startswith("showcase.explainer.") for key in state["state_dict"])


def test_no_partial_file_stays(trained: tuple[Path, dict[str, float]]) -> None:
    assert not [p for p in trained[0].parent.iterdir() if "partial" in p.name]


def test_a_fresh_process_loads_ours_without_naming_us_first(
    trained: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    """Same scores, same photos and same texts as the model that training left."""
    code = (
        "import recbole_showcase, numpy as np, json\n"
        "from recbole.quick_start import load_data_and_model\n"
        f"config, model, dataset, train, valid, test = load_data_and_model({str(trained[0])!r})\n"
        "from recbole.utils import get_trainer\n"
        "trainer = get_trainer(config['MODEL_TYPE'], config['model'])(config, model)\n"
        "trainer.eval_collector.data_collect(train)\n"
        "result = trainer.evaluate(test, load_best_model=False)\n"
        "print('FIGURES', json.dumps({k: float(v) for k, v in result.items()}))\n"
    )
    output = run_python("-W", "ignore", "-c", code, cwd=tmp_path)
    figures = json.loads(output.split("FIGURES")[1].splitlines()[0])
    assert figures == {k: float(v) for k, v in trained[1].items()}


def test_changed_defaults_do_not_change_an_old_run(
    trained: tuple[Path, dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole_showcase.integration import config as settings
    from recbole_showcase.integration.checkpoint import restored_config

    defaults = settings.showcase_defaults
    monkeypatch.setattr(
        settings, "showcase_defaults", lambda given: {**defaults(given), "showcase_max_photos": 1}
    )
    import recbole_showcase.integration.registry  # noqa: F401

    config = restored_config(load_checkpoint(trained[0]))
    assert config["showcase_max_photos"] == 4
    assert config["showcase_photos"] == 2


# What stays of a model beside its tensors: matrices, arrays, lists, modules, nothing.
SAMPLE = ("BPR", "ItemKNN", "EASE", "SLIMElastic", "DMF", "NeuMF", "MultiVAE", "LightGCN", "DIN",
          "DIEN", "SASRecF", "FDSA", "FM", "RippleNet", "KGCN")  # fmt: skip


def test_stock_models_are_tested_and_load_as_without_the_import(tmp_path: Path) -> None:
    """The figures of the run, of another process, and of RecBole alone are the same."""
    world = write_rich_world(tmp_path)
    figures, files = {}, {}
    for model in SAMPLE:
        (settings,) = stages_of(model)
        changes = {**settings, "metrics": ["Recall", "NDCG"]}
        config = stock_config(world, tmp_path / model, **changes)
        files[model], result = train(model, world.name, config)
        figures[model] = {k: float(v) for k, v in result.items()}
    by_hand = (
        "import numpy as np, torch, functools, scipy.sparse as sp\n"
        "np.bool8 = np.bool = np.bool_; np.float = np.float_ = np.float64; np.int = np.int_\n"
        "np.unicode_ = np.str_; torch.load = functools.partial(torch.load, weights_only=False)\n"
        "np.complex_ = np.complex128\n"
        "sp.dok_matrix._update = lambda self, data: self._dict.update(data)\n"
    )
    run = (
        "import json, recbole.quick_start\n"
        "from recbole.quick_start import load_data_and_model\n"
        "from recbole.utils import get_trainer\n"
        f"for model, file in { ({k: str(v) for k, v in files.items()})!r}.items():\n"
        "    config, built, data, train, valid, test = load_data_and_model(file)\n"
        "    trainer = get_trainer(config['MODEL_TYPE'], config['model'])(config, built)\n"
        "    trainer.eval_collector.data_collect(train)\n"
        "    result = trainer.evaluate(test, load_best_model=False)\n"
        "    print('FIGURES', json.dumps([model, {k: float(v) for k, v in result.items()}]))\n"
    )
    for start in (by_hand, "import recbole_showcase\n"):
        lines = run_python("-W", "ignore", "-c", start + run, cwd=tmp_path).splitlines()
        found = dict(json.loads(line[8:]) for line in lines if line.startswith("FIGURES"))
        assert found == figures


def test_the_configuration_of_a_stock_file_is_plain_data(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """In the process that wrote it, the file is RecBole's; to others it is data."""
    from recbole_showcase.integration.checkpoint import restored_config

    path, _ = train("BPR", tiny_world.name, stock_config(tiny_world, tmp_path, learning_rate=0.02))
    assert type(load_checkpoint(path)["config"]).__name__ == "Config"
    os.utime(path, (1, 1))
    state = load_checkpoint(path)
    assert type(state["config"]) is dict and state["config"]["model"] == "BPR"
    assert state["config"]["final"]["MODEL_TYPE"] == "GENERAL"
    config = restored_config(state, path)
    trusted = load_checkpoint(path, trusted=True)["config"]
    assert config.final_config_dict.keys() == trusted.final_config_dict.keys()
    differing = {k for k, v in trusted.final_config_dict.items() if config[k] != v}
    assert differing == {"checkpoint_dir", "gpu_id"}  # of the machine


def test_settings_that_recbole_evaluates_are_names(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole_showcase.integration.checkpoint import restored_config

    path, _ = train("BPR", tiny_world.name, stock_config(tiny_world, tmp_path))
    os.utime(path, (1, 1))
    for place in ("external", "final"):
        state = load_checkpoint(path)
        state["config"][place]["teacher"] = "__import__('os').getcwd"
        with pytest.raises(CheckpointError, match=r"allowed: .*CrossNet"):
            restored_config(state, path)


def test_a_call_of_a_configuration_is_none(tmp_path: Path) -> None:
    from recbole.config import Config

    marker, path = tmp_path / "ran", tmp_path / "model.pth"
    text = f"__import__('pathlib').Path({str(marker)!r}).touch()"

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Config, ("BPR", "ml-100k", None, {"x": text})

    for protocol in (2, 4):
        torch.save({"config": Hostile(), "state_dict": {}}, path, pickle_protocol=protocol)
        with pytest.raises(CheckpointError, match=r"its config is a recbole.*Config"):
            load_checkpoint(path)
    assert not marker.exists()


def test_a_flipped_bit_is_noticed(trained: tuple[Path, dict[str, float]], tmp_path: Path) -> None:
    content = bytearray(trained[0].read_bytes())
    content[len(content) // 3] ^= 4
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"is damaged: '.*data/\d+' in it has changed"):
        load_checkpoint(path)


def test_settings_may_be_of_numpy_and_paths(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole_showcase.integration.checkpoint import restored_config

    changes = {
        "learning_rate": np.float64(0.01),
        "embedding_size": np.int64(16),
        "topk": [np.int64(5)],
        "data_path": tiny_world.data_path,
        "my_numbers": np.array([[1, 2]]),
        "my_switch": np.bool_(True),
        "my_names": {1: "one"},
        "epochs": 1,
    }
    path, _ = train("ShowcaseBPR", tiny_world.name, tiny_world.config(tmp_path, **changes))
    torch.load(path, weights_only=True)
    config = restored_config(load_checkpoint(path), path)
    for key in ("learning_rate", "embedding_size", "topk"):
        assert config[key] == changes[key]
    assert type(config["learning_rate"]) is float and config["my_switch"] is True
    assert config["my_numbers"] == [[1, 2]] and config["my_names"] == {1: "one"}


def test_a_name_is_claimed_until_nothing_is_saved(tmp_path: Path) -> None:
    class Owner:
        pass

    owners = [Owner(), Owner()]
    names = [claimed(str(tmp_path / "run.pth"), owner) for owner in owners]
    assert names == [str(tmp_path / "run.pth"), str(tmp_path / "run-2.pth")]
    Path(names[1]).write_text("saved")
    owners.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["run-2.pth"]


@pytest.mark.parametrize(
    "setting", ["dataset_save_path", "dataloaders_save_path", "checkpoint_dir"]
)
def test_a_stock_checkpoint_names_no_file_to_unpickle(
    tiny_world: TinyWorld, tmp_path: Path, setting: str
) -> None:
    from recbole.quick_start import load_data_and_model

    path, _ = train("BPR", tiny_world.name, stock_config(tiny_world, tmp_path))
    marker, folder = tmp_path / "ran", tmp_path / "beside"
    folder.mkdir()
    bomb = folder / f"{tiny_world.name}-Dataset.pth"
    bomb.write_bytes(pickle.dumps(Bomb(marker)))
    state = load_checkpoint(path)
    state["config"].final_config_dict[setting] = str(
        folder if setting == "checkpoint_dir" else bomb
    )
    state["config"].external_config_dict[setting] = state["config"][setting]
    torch.save(state, path)
    load_data_and_model(str(path))
    assert not marker.exists()


def test_a_data_set_is_a_name(trained: tuple[Path, dict[str, float]]) -> None:
    from recbole_showcase.integration.checkpoint import restored_config

    state = load_checkpoint(trained[0])
    state["config"]["dataset"] = "../elsewhere"
    with pytest.raises(CheckpointError, match=r"'\.\./elsewhere'; allowed: a name"):
        restored_config(state)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data_path", 5),
        ("dataset", ["a"]),
        ("model", None),
        ("external", None),
        ("final", [1]),
        ("code", 7),
    ],
)
def test_a_configuration_of_other_types_is_refused(
    trained: tuple[Path, dict[str, float]], key: str, value: object
) -> None:
    from recbole_showcase.integration.checkpoint import restored_config

    state = load_checkpoint(trained[0])
    state["config"][key] = value
    with pytest.raises(CheckpointError, match=rf"no \['{key}'\] in it"):
        restored_config(state)


@pytest.mark.parametrize("place", ["/etc", "/tmp/\0", "no/such", ""])
def test_where_the_data_was_must_be_a_data_set(
    trained: tuple[Path, dict[str, float]], place: str, tmp_path: Path
) -> None:
    """RecBole would look for it in the network and write it there."""
    from recbole_showcase.integration.checkpoint import restored_config

    state = load_checkpoint(trained[0])
    state["config"]["data_path"] = place
    with pytest.raises(CheckpointError, match=r"there is no data set '.*/?tiny', where checkpoint"):
        restored_config(state)
    with pytest.raises(CheckpointError, match=r"there is no data set '.*tiny', as data_path says"):
        restored_config(state, data_path=tmp_path)


def test_a_checkpoint_has_nothing_written_or_sent(
    trained: tuple[Path, dict[str, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import recbole_showcase

    monkeypatch.chdir(tmp_path)
    state = torch.load(trained[0], weights_only=True)
    asked = {"save_dataset": True, "save_dataloaders": True, "log_wandb": True}
    asked |= {name: str(tmp_path / "x") for name in ("checkpoint_dir", "dataset_save_path")}
    for settings in (state["config"]["external"], state["config"]["final"]):
        settings |= asked
    torch.save(state, tmp_path / "strange.pth")
    recommender = recbole_showcase.load_explainer(tmp_path / "strange.pth")
    assert recommender.data_folder.name == "tiny"
    assert [file.name for file in tmp_path.rglob("*.pth")] == ["strange.pth"]
    assert not (tmp_path / "x").exists()


def test_a_full_disk_is_named_and_the_earlier_checkpoint_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole_showcase.integration.checkpoint import save_checkpoint

    monkeypatch.setattr("recbole_showcase.integration.checkpoint.code_of_run", lambda _: [])

    config, path = SimpleNamespace(), tmp_path / "model.pth"
    final = {"model": "BPR", "dataset": "tiny", "data_path": "data/tiny"}
    config.final_config_dict, config.external_config_dict = final, {}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size, fails in ((10, False), (1_000_000, True)):
        state = {"config": config, "state_dict": {"a": torch.ones(size)}}
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
        try:
            with pytest.raises(OSError, match=r".*") if fails else nullcontext() as error:
                save_checkpoint(state, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert error is not None and error.value.errno == errno.EFBIG
    assert error.value.filename == str(path)
    assert error.value.__notes__ == [f"{path} was left as it was"]
    assert list(tmp_path.iterdir()) == [path]
    assert len(torch.load(path, weights_only=True)["state_dict"]["a"]) == 10


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("place", ["config", "state_dict", "other_parameter"])
def test_a_hostile_checkpoint_is_refused(tmp_path: Path, place: str) -> None:
    marker, path = tmp_path / "ran", tmp_path / "model.pth"
    torch.save({"config": {}, "state_dict": {}, place: Bomb(marker)}, path)
    with pytest.raises(CheckpointError, match="system"):
        load_checkpoint(path)
    assert not marker.exists()


def test_dotted_names_do_not_reach_other_modules(tmp_path: Path) -> None:
    """Protocol 4 lets a pickle ask for ``Config.something.else`` of an allowed module."""
    path = tmp_path / "model.pth"
    torch.save({"config": 0}, path)
    attack = b"\x80\x04\x8c\x0erecbole.config\x8c\x0cos.path.join\x93."
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, attack if name.endswith("data.pkl") else content)
    with pytest.raises(CheckpointError, match=r"os\.path\.join"):
        load_checkpoint(path)


def test_a_small_file_that_stands_for_very_much_is_refused(tmp_path: Path) -> None:
    from recbole.config import Config

    nested: list[object] = ["a"]
    for _ in range(60):
        nested = [nested, nested]
    deep: list[object] = []
    for _ in range(150):
        deep = [deep]
    deeper = deep
    for _ in range(150):
        deeper = [deeper]
    path = tmp_path / "model.pth"
    stock = Config.__new__(Config)
    stock.external_config_dict, stock.final_config_dict = {}, {"my_lists": nested}
    for state, said in (
        ({"config": {"final": {"my_lists": nested}}}, "repeat each other"),
        ({"config": stock}, "repeat each other"),
        ({"other_parameter": {"a": nested}}, "repeat each other"),
        ({"config": {"final": {"my_lists": deep}}}, "nested too deeply"),
        ({"config": {"final": {"my_lists": deeper}}}, "nested too deeply"),
    ):
        torch.save({"state_dict": {}, **state}, path, pickle_protocol=4)
        with pytest.raises(CheckpointError, match=rf"is refused: .*{said}"):
            load_checkpoint(path)
    torch.save({"config": {}, "state_dict": {"a": torch.zeros(1_000_000)}}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(CheckpointError, match=r"would be unpacked to 4,\d+,\d+ bytes"):
        load_checkpoint(path)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "none.pth")
    marker, raw = tmp_path / "ran", tmp_path / "raw.pth"
    raw.write_bytes(pickle.dumps(Bomb(marker)))
    with pytest.raises(CheckpointError, match="not a zip"):
        load_checkpoint(raw)
    script = tmp_path / "script.pth"
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(script))
    with pytest.raises(CheckpointError, match="program"):
        load_checkpoint(script)
    tensor, other = tmp_path / "tensor.pth", tmp_path / "other.pth"
    torch.save(torch.zeros(2), tensor)
    with pytest.raises(CheckpointError, match="holds a Tensor"):
        load_checkpoint(tensor)
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("note.txt", "hello")
    with pytest.raises(CheckpointError, match="refused"):
        load_checkpoint(other)
    assert not marker.exists()


def test_strings_in_a_checkpoint_are_not_evaluated(
    trained: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    """``Config`` evaluates strings of a dict; a checkpoint's must not get there."""
    from recbole_showcase.integration.checkpoint import restored_config

    marker = tmp_path / "ran"
    state = load_checkpoint(trained[0])
    state["config"]["external"]["note"] = f"__import__('os').system('touch {marker}')"
    config = restored_config(state)
    assert not marker.exists()
    assert config["note"].startswith("__import__")


def test_another_tokenizer_is_refused(trained: tuple[Path, dict[str, float]]) -> None:
    from recbole_showcase.integration.checkpoint import restored_config
    from recbole_showcase.integration.entry_points import restore

    state = load_checkpoint(trained[0])
    state["other_parameter"]["showcase_tokenizer"] = "[]"
    with pytest.raises(CheckpointError, match="another tokenizer"):
        restore(state, restored_config(state))


def test_weights_of_another_version_are_refused_in_one_line(
    trained: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    state = torch.load(trained[0], weights_only=True)
    lost = [name for name in state["state_dict"] if name.endswith(".cosines")]
    for name in lost:
        del state["state_dict"][name]
    torch.save(state, tmp_path / "old.pth")
    with pytest.raises(
        CheckpointError, match=r"another version .* train it again: Missing"
    ) as told:
        recbole_showcase.load_explainer(tmp_path / "old.pth")
    assert lost and lost[0] in str(told.value) and "\n" not in str(told.value)


def test_the_test_result_is_beside_the_checkpoint(trained: tuple[Path, dict[str, float]]) -> None:
    import recbole_showcase

    recommender = recbole_showcase.load_explainer(trained[0])
    assert recommender.test_result == {k: float(np.float64(v)) for k, v in trained[1].items()}


def test_figures_of_another_split_are_not_those_of_the_test(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    from recbole_showcase.evaluation.results import load_surroundings, result_file
    from recbole_showcase.evaluation.surroundings import Surroundings

    trainer, (train_data, valid, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, epochs=1)
    trainer.fit(train_data, valid)
    trainer.evaluate(valid)
    assert not result_file(trainer.saved_model_file).exists()
    other = tmp_path / "other.pth"
    Path(trainer.saved_model_file).rename(other)
    result = trainer.evaluate(test, model_file=str(other))
    kept = json.loads(result_file(other).read_text())
    rows = len(test._dataset.showcase_rows)
    assert kept.pop("rests_on") == {"rows": rows, "explained": rows, "texts_unused": 0}
    assert kept.pop("sha256")
    made = kept.pop("made_by")
    features = f"{tiny_world.name}.features/"
    assert {f"{tiny_world.name}.inter", f"{tiny_world.name}.review"} <= set(made["data"])
    assert any(name.startswith(features) and name.endswith("image.npy") for name in made["data"])
    assert made["device"].startswith("cpu ") and "recbole" in made["versions"]
    assert load_surroundings(other) == Surroundings(**made)
    assert kept == {k: float(v) for k, v in result.items()}

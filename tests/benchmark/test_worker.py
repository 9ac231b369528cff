"""The real thing on the tiny world: runs of one epoch, in this process and in their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from recbole_showcase.benchmark import worker
from recbole_showcase.benchmark.execute import run_benchmark
from recbole_showcase.benchmark.launch import ProcessLauncher, What
from recbole_showcase.benchmark.plan import cells_of, run_of
from recbole_showcase.benchmark.records import Checklist, TaskFolder
from recbole_showcase.benchmark.spec import BenchmarkSpec
from recbole_showcase.composed.dataset import ShowcaseDatasetMixin
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import SettingsError
from recbole_showcase.evaluation.results import read_user_sums
from tests.benchmark.fake import write_spec
from tests.tiny import TinyWorld


class InProcess:
    """Does what a process of its own would do, without the seconds of its imports."""

    def __call__(self, what: What, place: Path) -> str:
        return "status 1" if worker.main(what, str(place)) else ""

    def stop(self) -> None:
        """Nothing to stop."""


def tiny_spec(world: TinyWorld, tmp_path: Path, **changes: Any) -> BenchmarkSpec:
    settings = world.config(tmp_path, epochs=1, showcase_test_pairs=20)
    del settings["checkpoint_dir"]
    settings.update(changes.pop("settings", {}))
    return write_spec(tmp_path / "tiny.yaml", settings=settings, **changes)


class Unchecked(ProcessLauncher):
    """Processes for runs only: the check is the same as in this process, and takes as long."""

    def __call__(self, what: What, place: Path) -> str:
        return "" if what == "check" else super().__call__(what, place)


def test_a_grid_of_real_runs(tiny_world: TinyWorld, tmp_path: Path) -> None:
    spec = tiny_spec(
        tiny_world,
        tmp_path,
        columns=["NDCG@5", "ImageF1", "BLEU1"],
        settings={"metrics": ["Recall", "NDCG", "ImageF1", "BLEU1", "ROUGEL", "Distinct2"]},
    )
    out = tmp_path / "out"
    summary = run_benchmark(spec, out, launcher=InProcess(), progress=False)
    assert [row.done for row in summary.rows] == [2, 2, 2, 2]
    figures = {
        (row.labels["base"], row.labels["selector"]): {c: f.values for c, f in row.figures.items()}
        for row in summary.rows
    }
    for base in ("BPR", "LightGCN"):
        one, other = figures[base, "topk"], figures[base, "dpp"]
        assert one["NDCG@5"] == other["NDCG@5"], "a selector does not change the recommender"
        assert one["ImageF1"] != other["ImageF1"]
    assert figures["BPR", "topk"]["NDCG@5"] != figures["LightGCN", "topk"]["NDCG@5"]
    folders = sorted((out / "runs").iterdir())
    assert len(folders) == 8
    for folder in folders:
        names = sorted(path.name for path in folder.iterdir() if path.name != ".lock")
        assert names == [
            "config.yaml", "final_config.yaml", "record.json", "task.yaml", "user_sums.npz"
        ]  # fmt: skip
        result = json.loads((folder / "record.json").read_text())["result"]
        assert set(result) == {"recall@5", "ndcg@5", "imagef1@3", "bleu1", "rougel", "distinct2"}
        for name in set(result) - {"distinct2"}:
            sums = read_user_sums(folder / "user_sums.npz", name)
            assert sums is not None
            assert all(user.startswith("u") for user in sums[0]), "tokens, not numbers"
            assert sums[1].value() == pytest.approx(result[name], abs=6e-5), name
        assert read_user_sums(folder / "user_sums.npz", "distinct2") is None
        given = yaml.safe_load((folder / "config.yaml").read_text())
        final = yaml.safe_load((folder / "final_config.yaml").read_text())
        assert {key: final[key] for key in ("seed", "epochs", "showcase_selector")} == {
            key: given[key] for key in ("seed", "epochs", "showcase_selector")
        }
        assert final["showcase_photos"] == 3, "defaults as well"
    record = summary.outcomes[0].record
    assert record is not None and record.seconds > 0 and record.peak_memory_mb > 0
    assert {"recbole", "torch", "python"} <= set(record.versions)
    assert record.device.startswith("cpu ") and record.device.endswith("1 threads")
    files = {path.name for path in tiny_world.folder.iterdir() if path.is_file()}
    features = {name for name in record.data if name.startswith(f"{tiny_world.name}.features/")}
    assert set(record.data) - features == files and len(features) == 4
    assert all(digest == digest_of_file(tiny_world.folder / n) for n, digest in record.data.items())
    assert not summary.changed_data
    assert set(record.valid) == {"recall@5", "ndcg@5"}


def test_processes_of_which_one_fails(tiny_world: TinyWorld, tmp_path: Path) -> None:
    spec = tiny_spec(
        tiny_world,
        tmp_path,
        bases=["BPR"],
        selectors=None,
        seeds=[1],
        keep=True,
        axes={
            "samples": [
                {"name": "all"},
                {"name": "none", "settings": {"showcase_min_photos": 99}},
            ]
        },
    )
    launcher = Unchecked(threads=1)
    summary = run_benchmark(spec, tmp_path / "out", jobs=2, launcher=launcher, progress=False)
    assert [row.done for row in summary.rows] == [1, 0]
    (failed,) = summary.failed
    assert failed.record is not None
    assert failed.record.error.startswith("DataError: no explanation sample in the training split")
    logs = {path.parent.name: path.read_text() for path in tmp_path.glob("out/runs/*/log.txt")}
    assert any("Traceback" in text for text in logs.values())
    assert any("best valid" in text for text in logs.values())
    (checkpoint,) = tmp_path.glob("out/runs/*/checkpoint.pth")
    import recbole_showcase

    recommender = recbole_showcase.load_explainer(checkpoint)
    record = summary.outcomes[0].record
    assert record is not None and recommender.test_result == record.result
    assert len(recommender.recommend(["u1"], top_k=2)[0]) == 2


OWN_MODEL = """
import recbole_showcase
from recbole.model.general_recommender.bpr import BPR


from recbole_showcase.selectors.topk import TopKSelector


class MyBPR(BPR):
    pass


recbole_showcase.showcase_class(MyBPR)


@recbole_showcase.register("mine")
class Mine(TopKSelector):
    pass


@recbole_showcase.register("MeanWords")
def mean_words(evaluation):
    return [len(text.split()) for text in evaluation.texts]
"""


def test_a_model_and_parts_of_a_module_beside_the_specification(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    (tmp_path / "my_models.py").write_text(OWN_MODEL)
    spec = tiny_spec(
        tiny_world,
        tmp_path,
        imports=["my_models"],
        bases=["MyBPR"],
        selectors=["mine"],
        seeds=[1],
        columns=["NDCG@5", "MeanWords"],
        settings={"metrics": ["Recall", "NDCG", "MeanWords"]},
    )
    out = tmp_path / "out"
    summary = run_benchmark(spec, out, launcher=ProcessLauncher(threads=1), progress=False)
    assert not summary.failed and summary.rows[0].done == 1
    (folder,) = (out / "runs").iterdir()
    assert folder.name.startswith("tiny-ShowcaseMyBPR-1-")
    task = yaml.safe_load((folder / "task.yaml").read_text())
    assert task["imports"] == ["my_models"]
    assert task["specification"] == str(tmp_path / "tiny.yaml")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("broken_module", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_module_that_cannot_be_imported(
    tiny_world: TinyWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    said: str,
) -> None:
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "broken_module.py").write_text("1 / 0")
    spec = tiny_spec(tiny_world, tmp_path, imports=[module])
    with pytest.raises(SettingsError) as caught:
        run_benchmark(spec, tmp_path / "out", launcher=InProcess(), progress=False)
    assert str(caught.value) == (
        f"{tmp_path}/tiny.yaml: module '{module}' of parts cannot be imported ({said}); install "
        f"its package, or put its folder on PYTHONPATH; {tmp_path} is on it"
    )


def test_data_saved_beside_the_checkpoint(tiny_world: TinyWorld, tmp_path: Path) -> None:
    spec = tiny_spec(
        tiny_world,
        tmp_path,
        bases=["BPR"],
        selectors=["topk"],
        seeds=[1],
        keep=True,
        settings={"save_dataset": True, "save_dataloaders": True},
    )
    summary = run_benchmark(spec, tmp_path / "out", launcher=InProcess(), progress=False)
    assert not summary.failed
    (folder,) = (tmp_path / "out" / "runs").iterdir()
    record = json.loads((folder / "record.json").read_text())
    kept = json.loads((folder / "checkpoint.test.json").read_text())
    assert kept.pop("rests_on") == record["rests_on"] and kept.pop("sha256")
    made = kept.pop("made_by")
    assert made["versions"] and made["data"] and made == {name: record[name] for name in made}
    assert kept == record["result"]
    final = yaml.safe_load((folder / "final_config.yaml").read_text())
    assert final["seed"] == 1 and (folder / "checkpoint.pth").is_file()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bases": ["BPRR"]}, "no model 'Showcasebprr'.*Did you mean 'ShowcaseBPR'"),
        (
            {"selectors": ["dppp"]},
            "setting 'showcase_selector': .*'dppp' is unknown .*'dpp'.*; allowed: ",
        ),
        ({"settings": {"showcase_foto": 1}}, "unknown setting 'showcase_foto'"),
        (
            {"tune": {"algo": "random", "params": {"choice": {"showcase_fotos": [1, 2]}}}},
            "unknown setting 'showcase_fotos'; the nearest allowed one is 'showcase_photos'",
        ),
        (
            {"settings": {"metrics": ["NDCG", "BLEU9"]}},
            "RecBole refuses the settings of ShowcaseBPR: .*'BLEU9'",
        ),
    ],
)
def test_the_check_before_the_first_run(
    tiny_world: TinyWorld, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    spec = tiny_spec(tiny_world, tmp_path, **changes)
    with pytest.raises(SettingsError, match=said):
        run_benchmark(spec, tmp_path / "out", launcher=InProcess(), progress=False)
    assert not list((tmp_path / "out" / "runs").iterdir())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": ["NDCG@10"]}, r"column 'NDCG@10', which no run computes; allowed: seconds, "),
        ({"columns": ["ImageF1@2"]}, r"column 'ImageF1@2', which no run computes"),
        (
            {"columns": ["NDCG"], "settings": {"topk": [3, 5], "valid_metric": "NDCG@5"}},
            r"column 'NDCG', which may be any of ndcg@3, ndcg@5",
        ),
        ({"plot": {"recommendation": "NDCG@5", "explanation": "BLEU1@3"}}, r"'BLEU1@3', which no"),
        ({"settings": {"valid_metric": "NDCG"}}, r"valid_metric is 'NDCG', which no validation"),
        ({"settings": {"valid_metric": "NDCG@7"}}, r"valid_metric is 'NDCG@7', which no valida"),
        ({"settings": {"valid_metric": "FMR"}}, r"valid_metric is 'FMR', which no validation"),
        ({"settings": {"showcase_encoder": "other"}}, r"no features of encoder 'other'"),
        ({"settings": {"showcase_min_photos": 9}}, r"no explanation sample in the training split"),
        ({"settings": {"showcase_entities": "no_such_pipeline"}}, r"'showcase_entities'"),
        ({"settings": {"showcase_tokenizer": "/no/such"}}, r"'showcase_tokenizer'"),
        ({"settings": {"explainer_decoder": "/no/such"}}, r"'explainer_decoder'"),
        (
            {
                "settings": {
                    "metrics": ["Recall", "NDCG", "JointHit"],
                    "showcase_lexicon": "/no/such",
                }
            },
            r"metric 'JointHit': lexicon /no/such cannot be read",
        ),
        (
            {"settings": {"metrics": ["Recall", "NDCG", "CLIPAlign"]}},
            r"metric 'CLIPAlign': no alignment",
        ),
    ],
)
def test_what_a_run_lacks_is_said_before_the_first(
    tiny_world: TinyWorld, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    class NoRuns(InProcess):
        def __call__(self, what: What, place: Path) -> str:
            assert what == "check"
            return super().__call__(what, place)

    spec = tiny_spec(
        tiny_world, tmp_path, **{"bases": ["BPR"], "selectors": ["topk"], "seeds": [1], **changes}
    )
    with pytest.raises(SettingsError, match=said):
        run_benchmark(spec, tmp_path / "out", launcher=NoRuns(), progress=False)
    assert not list((tmp_path / "out" / "runs").iterdir())


def test_data_that_several_runs_share_are_read_once(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    build = ShowcaseDatasetMixin.build

    def counted(self: Any) -> Any:
        built.append(self.config["model"])
        return build(self)

    monkeypatch.setattr(ShowcaseDatasetMixin, "build", counted)
    logged: list[bool] = []
    monkeypatch.setattr(
        "recbole.utils.wandblogger.WandbLogger.setup",
        lambda self: logged.append(self.log_wandb),
    )
    spec = tiny_spec(
        tiny_world,
        tmp_path,
        explainers=["showcase", "nrt"],
        seeds=[1],
        settings={"log_wandb": True},
    )
    for number, cell in enumerate(cells_of(spec)):
        TaskFolder(tmp_path / "checks" / f"{number:04}").prepare(run_of(cell, 1))
    names = [f"{number:04}" for number in range(8)]
    Checklist("tiny.yaml", ["NDCG@5"], names[:7]).write(tmp_path / "checks")
    assert worker.main("check", str(tmp_path / "checks")) == 0
    assert built == ["ShowcaseBPR", "ShowcaseLightGCN"]
    assert logged == [False] * 7, "a rehearsal begins no run elsewhere"

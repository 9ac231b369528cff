"""RecBole's own ways to run, with composed models: settings, processes, caches, resuming, logs."""

from __future__ import annotations

import shutil
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.bases import write_rich_world
from tests.integration.test_training import SASREC, prepare
from tests.tiny import TinyWorld

MODELS = {
    "ShowcaseBPR": {},
    "ShowcaseSASRec": SASREC,
    "ShowcaseFM": {"train_neg_sample_args": {"distribution": "uniform", "sample_num": 1}},
    "ShowcaseCKE": {
        "load_col": {
            "inter": ["user_id", "item_id", "rating", "timestamp"],
            "kg": ["head_id", "relation_id", "tail_id"],
            "link": ["item_id", "entity_id"],
        },
    },
}
EVALUATIONS = {
    "full, last": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
    "uniform, ratio": {"split": {"RS": [0.7, 0.15, 0.15]}, "order": "RO", "mode": "uni5"},
    "popular, in time": {"split": {"RS": [0.7, 0.15, 0.15]}, "order": "TO", "mode": "pop5"},
    "ungrouped": {
        "split": {"RS": [0.8, 0.1, 0.1]},
        "order": "RO",
        "group_by": None,
        "mode": {"valid": "uni5", "test": "full"},
    },
}


@pytest.fixture(scope="module")
def rich_world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """The tiny world with all that models of any family ask for."""
    return write_rich_world(tmp_path_factory.mktemp("data"))


def test_result(model: str, world: TinyWorld, work: Path, **changes: object) -> dict[str, float]:
    trainer, (train, valid, test) = prepare(model, world, work, **{"epochs": 1, **changes})
    trainer.fit(train, valid)
    return trainer.evaluate(test)


test_result.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("model", MODELS)
def test_every_evaluation_setting(
    rich_world: TinyWorld, tmp_path: Path, model: str, evaluation: str
) -> None:
    eval_args = EVALUATIONS[evaluation]
    if model == "ShowcaseSASRec" and eval_args["order"] == "RO":
        pytest.skip("sequences have an order; RecBole refuses RO")
    changes = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, **MODELS[model]}
    found = test_result(model, rich_world, tmp_path, eval_args=eval_args, **changes)
    assert set(found) == {"recall@5", "ndcg@5", "imagef1@3", "bleu1"}
    assert all(np.isfinite(float(value)) for value in found.values())


@pytest.mark.parametrize("order", ["TO", "RO"])
@pytest.mark.parametrize("split", [{"RS": [0.6, 0.2, 0.2]}, {"LS": "valid_and_test"}], ids=str)
@pytest.mark.parametrize("mode", ["full", "uni5", "pop5", "labeled"])
@pytest.mark.parametrize("model", MODELS)
def test_every_way_to_split_order_and_compare(
    rich_world: TinyWorld,
    tmp_path: Path,
    model: str,
    mode: str,
    split: dict[str, object],
    order: str,
) -> None:
    """Without training: what is evaluated is there, and has its figures of both kinds."""
    if model == "ShowcaseSASRec" and order == "RO":
        pytest.skip("sequences have an order; RecBole refuses RO")
    labels = mode == "labeled"
    ours = ["ImageF1", "BLEU1"] if labels else ["ImageF1", "BLEU1", "JointHit"]
    changes: dict[str, object] = {
        "load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]},
        **MODELS[model],
        "threshold": {"rating": 3} if labels else None,
        "metrics": [*(["AUC", "RMSE"] if labels else ["Recall", "NDCG"]), *ours],
        "valid_metric": "AUC" if labels else "NDCG@5",
        "eval_args": {"split": split, "order": order, "mode": mode},
    }
    trainer, (train, valid, test) = prepare(model, rich_world, tmp_path, **changes)
    trainer.eval_collector.data_collect(train)
    for part in (valid, test):
        found = trainer.evaluate(part, load_best_model=False)
        kinds = {"auc", "rmse"} if labels else {"recall@5", "ndcg@5", "jointhit@5"}
        assert set(found) == kinds | {"imagef1@3", "bleu1"}
        assert all(np.isfinite(float(value)) for value in found.values())


@pytest.mark.parametrize("metrics", [["AUC", "LogLoss"], ["RMSE", "MAE"]])
def test_labels_and_value_metrics(
    rich_world: TinyWorld, tmp_path: Path, metrics: list[str]
) -> None:
    found = test_result(
        "ShowcaseFM",
        rich_world,
        tmp_path,
        load_col={"inter": ["user_id", "item_id", "rating"]},
        threshold={"rating": 3},
        train_neg_sample_args=None,
        eval_args={"split": {"RS": [0.7, 0.15, 0.15]}, "order": "RO", "mode": "labeled"},
        metrics=[*metrics, "ImageF1", "Distinct1"],
        valid_metric=metrics[0],
    )
    assert set(found) == {metric.lower() for metric in metrics} | {"imagef1@3", "distinct1"}


DATA_OPTIONS = {
    "filters": {"user_inter_num_interval": "[2,inf)", "item_inter_num_interval": "[8,inf)"},
    "values": {
        "val_interval": {"timestamp": "[1010,inf)"},
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    },
    "negatives": {
        "train_neg_sample_args": {
            "distribution": "popularity",
            "sample_num": 2,
            "dynamic": True,
            "candidate_num": 2,
        }
    },
    "repeatable": {"repeatable": True},
    "duplicates": {"rm_dup_inter": "first"},
}


@pytest.mark.parametrize("option", DATA_OPTIONS)
def test_data_options(rich_world: TinyWorld, tmp_path: Path, option: str) -> None:
    found = test_result("ShowcaseBPR", rich_world, tmp_path, **DATA_OPTIONS[option])
    assert all(np.isfinite(float(value)) for value in found.values())


def test_benchmark_files_keep_their_split(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """The rows of three files are the rows of the three splits, each with its review."""
    data = tmp_path / "data"
    folder = shutil.copytree(tiny_world.folder, data / "tiny")
    header, *lines = (folder / "tiny.inter").read_text().splitlines()
    for part, own in (("a", lines[:200]), ("b", lines[200:240]), ("c", lines[240:])):
        (folder / f"tiny.{part}.inter").write_text("\n".join([header, *own, ""]))
    changes = {"data_path": str(data), "benchmark_filename": ["a", "b", "c"]}
    trainer, (train, valid, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    rows = [split._dataset.showcase_rows for split in (train, valid, test)]
    assert [list(own) for own in rows] == [
        list(range(1, 201)),
        list(range(201, 241)),
        list(range(241, 281)),
    ]
    reviews = train._dataset.showcase.corpus.interactions.reviews
    place = [field.partition(":")[0] for field in header.split("\t")].index("review_id")
    assert list(reviews[1:]) == [line.split("\t")[place] for line in lines]
    trainer.fit(train, valid)
    assert np.isfinite(trainer.evaluate(test)["bleu1"])


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("ShowcaseBPR", {}),
        ("ShowcaseSASRec", SASREC),
        ("ShowcaseMultiVAE", {"train_neg_sample_args": None}),  # counts its steps
        ("ShowcaseDiffRec", {"train_neg_sample_args": None}),  # keeps past losses
        ("ShowcaseLINE", {}),  # shuffles a list of its own
    ],
)
def test_a_resumed_run_is_the_whole_run(
    tiny_world: TinyWorld, tmp_path: Path, model: str, changes: dict[str, object]
) -> None:
    """Four epochs, and two and two more from the checkpoint: same losses, same weights."""
    changes = {**changes, "eval_step": 0}
    whole, loaders = prepare(model, tiny_world, tmp_path / "whole", epochs=4, **changes)
    whole.fit(*loaders[:2])
    half, loaders = prepare(model, tiny_world, tmp_path / "half", epochs=2, **changes)
    half.fit(*loaders[:2])
    more, loaders = prepare(model, tiny_world, tmp_path / "half", epochs=4, **changes)
    more.resume_checkpoint(half.saved_model_file)
    more.fit(*loaders[:2])
    assert half.train_loss_dict | more.train_loss_dict == whole.train_loss_dict
    state = more.model.state_dict()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_resumed_recvae_has_its_optimizers(tiny_world: TinyWorld, tmp_path: Path) -> None:
    first, loaders = prepare("ShowcaseRecVAE", tiny_world, tmp_path, epochs=1)
    first.fit(*loaders[:2])
    second, _ = prepare("ShowcaseRecVAE", tiny_world, tmp_path, epochs=1)
    second.resume_checkpoint(first.saved_model_file)
    for one, other in zip(first._part_optimizers, second._part_optimizers, strict=True):
        states = one.state_dict()["state"], other.state_dict()["state"]
        assert states[0] and states[0].keys() == states[1].keys()
        for number in states[0]:
            assert torch.equal(states[0][number]["exp_avg"], states[1][number]["exp_avg"])


def test_saved_loaders_follow_changed_settings(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """What changes the data makes new loaders; other settings reach those that were saved."""
    changes = {"save_dataset": True, "save_dataloaders": True}
    prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    trainer, loaders = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, showcase_max_history_reviews=2, **changes
    )
    assert loaders[0]._dataset.showcase.settings.max_history_reviews == 8, "the saved ones"
    batch = next(trainer.loader.epoch(0)).explanation
    assert batch.review_features.shape[1] == 2
    trainer.fit(*loaders[:2])
    assert np.isfinite(trainer.evaluate(loaders[2])["bleu1"])
    trainer, loaders = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, showcase_max_tokens=3, **changes
    )
    assert loaders[0]._dataset.showcase.settings.max_tokens == 3


def test_each_loss_is_logged_by_name(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Weights & Biases through RecBole's own logger, in TensorBoard by its writer."""
    logged: list[dict[str, object]] = []
    wandb = types.SimpleNamespace(
        __spec__=ModuleSpec("wandb", None),
        run=types.SimpleNamespace(summary={}),
        log=lambda metrics, commit=True: logged.append(metrics),
        define_metric=lambda *args, **kwargs: None,
    )
    monkeypatch.setitem(sys.modules, "wandb", wandb)  # type: ignore[arg-type]
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, epochs=1, log_wandb=True
    )
    scalars = {}
    trainer.tensorboard.add_scalar = lambda name, value, step: scalars.update({name: value})
    trainer.fit(train, valid)
    result = trainer.evaluate(test)
    named = next(entry for entry in logged if "train/cross entropy loss" in entry)
    assert named["train/cross entropy loss"] == scalars["Loss/Train cross entropy"] > 0
    assert named["train/recommendation loss"] == scalars["Loss/Train recommendation"] > 0
    assert named["train_step"] == 0
    assert wandb.run.summary["eval/bleu1"] == result["bleu1"]


def test_weights_and_biases_offline(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package itself, where it is installed, has each loss of the last epoch by its name."""
    wandb = pytest.importorskip("wandb", reason="the extra 'wandb' is not installed")
    for name, value in (("MODE", "offline"), ("SILENT", "true"), ("DIR", str(tmp_path))):
        monkeypatch.setenv(f"WANDB_{name}", value)
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, epochs=2, log_wandb=True, valid_metric="BLEU1"
    )
    losses: dict[str, float] = {}
    trainer.tensorboard.add_scalar = lambda name, value, step: losses.update({name: value})
    try:
        trainer.fit(train, valid)
        result = trainer.evaluate(test)
        kept, settings = dict(wandb.run.summary), dict(wandb.run.config)
    finally:
        wandb.finish()
    named = {f"Loss/Train {name.removeprefix('train/').removesuffix(' loss')}": value
             for name, value in kept.items() if name.endswith(" loss")}  # fmt: skip
    assert named == {name: value for name, value in losses.items() if "Train" in name}
    assert {"Loss/Train recommendation", "Loss/Train cross entropy"} < set(named)
    assert kept["train_step"] == 1 and kept["valid/bleu1"] >= 0
    assert {key: kept[f"eval/{key}"] for key in result} == result
    assert settings["final_config_dict"]["showcase_max_tokens"] == 8


@pytest.mark.parametrize(("model", "changes"), [("ShowcaseBPR", {}), ("ShowcaseSASRec", SASREC)])
def test_case_studies(
    tiny_world: TinyWorld, tmp_path: Path, model: str, changes: dict[str, object]
) -> None:
    """RecBole's case_study agrees with the recommender's own list, but for what was visited.

    RecBole lists the items of the test, and of sequential models what a user has visited as well;
    the recommender lists neither.
    """
    from recbole.utils.case_study import full_sort_scores, full_sort_topk

    from recbole_showcase.composed.ranking import top_items

    trainer, (train, valid, test) = prepare(model, tiny_world, tmp_path, epochs=1, **changes)
    trainer.fit(train, valid)
    users = np.array([1, 2, 3])
    scores = full_sort_scores(users, trainer.model, test)
    best, items = full_sort_topk(users, trainer.model, test, k=4)
    assert scores.shape == (3, 25)
    assert torch.equal(best, scores.gather(1, items))
    ours, _ = top_items(trainer.model, (train, valid, test), users, 4)
    inter = train._dataset.showcase.corpus.interactions
    for user, row, own in zip(users, scores, ours, strict=True):
        visited = inter.items[inter.users == user]
        best_first = row.argsort(descending=True).tolist()
        assert own.tolist() == [i for i in best_first if i not in visited][:4]
    twice, _ = top_items(trainer.model, (train, valid, test), users[[2, 0, 2]], 4)
    assert twice.tolist() == ours[[2, 0, 2]].tolist()


def test_a_user_without_a_sequence_is_named(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole_showcase.errors import DataError
    from recbole_showcase.recommender import ShowcaseRecommender

    trainer, (train, valid, test) = prepare("ShowcaseSASRec", tiny_world, tmp_path, **SASREC)
    for loader in (train, valid, test):
        others = loader._dataset.inter_feat["user_id"] != 2
        loader._dataset.inter_feat = loader._dataset.inter_feat[others]
    token = train._dataset.id2token("user_id", 2)
    recommender = ShowcaseRecommender(trainer.config, trainer.model, (train, valid, test))
    users = [token, train._dataset.id2token("user_id", 1)]
    said = rf"user '{token}' is without a sequence of items \(two or more\)"
    with pytest.raises(DataError, match=said):
        recommender.recommend(users, 4)
    lost, found = recommender.recommend(users, 4, unknown="skip")
    assert lost is None and len(found) == 4


def test_files_dict_and_command_line_in_recboles_order(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """run_recbole with all three; what was trained is in the checkpoint."""
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import load_checkpoint

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "--showcase_photos=1"])
    file = tmp_path / "settings.yaml"
    file.write_text("showcase_photos: 3\nshowcase_max_photos: 3\nshowcase_batch_size: 16\n")
    settings = tiny_world.config(tmp_path, epochs=1, showcase_photos=2, showcase_max_photos=2)
    result = run_recbole("ShowcaseBPR", tiny_world.name, [str(file)], settings)
    assert "imagef1@1" in result["test_result"]
    (path,) = (tmp_path / "saved").glob("*.pth")
    final = load_checkpoint(path)["config"]["final"]
    found = [final[f"showcase_{key}"] for key in ("photos", "max_photos", "batch_size")]
    assert found == [1, 2, 16]


def test_the_data_path_of_the_command_line(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is where training, and a checkpoint that is loaded from elsewhere, find everything."""
    from recbole.quick_start import load_data_and_model, run_recbole

    (tmp_path / "my data").symlink_to(tiny_world.data_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "--data_path=my data/"])
    settings = tiny_world.config(tmp_path, epochs=1, data_path="/no/such")
    run_recbole("ShowcaseBPR", tiny_world.name, None, settings)
    (path,) = (tmp_path / "saved").glob("*.pth")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr("sys.argv", ["load.py", "--data_path=/no/such"])
    config, _, dataset, *_ = load_data_and_model(str(path))
    assert config["data_path"] == str(tmp_path / "my data" / tiny_world.name)
    assert len(dataset) == 280


SEMICOLONS = {
    "field_separator": ";",
    "seq_separator": "|",
    "encoding": "latin-1",
    "USER_ID_FIELD": "who",
    "ITEM_ID_FIELD": "what",
    "TIME_FIELD": "when",
    "RATING_FIELD": "stars",
    "load_col": {"inter": ["who", "what", "when"], "item": ["what", "category"]},
}
NAMES = {"user_id": "who", "item_id": "what", "timestamp": "when", "rating": "stars"}


def with_semicolons(world: TinyWorld, data: Path) -> Path:
    """A copy whose files of RecBole's are written as ``SEMICOLONS`` say; ours stay as they are."""
    folder = shutil.copytree(world.folder, data / world.name)
    for suffix in ("inter", "item"):
        path = folder / f"{world.name}.{suffix}"
        header, *lines = path.read_text().splitlines()
        names = [head.split(":") for head in header.split("\t")]
        heads = ";".join(f"{NAMES.get(name, name)}:{kind}" for name, kind in names)
        rows = "\n".join(lines).replace("\t", ";")
        rows = rows.replace("food", "Caf\xe9_bar|Wine_bar").replace("Place ", "Pl\xe2ce|")
        path.write_bytes(f"{heads}\n{rows}\n".encode("latin-1"))
    return folder


def test_files_of_recboles_follow_its_settings_and_ours_do_not(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    from recbole_showcase import load_explainer
    from tests.integration.test_checkpoints import train

    folder = with_semicolons(tiny_world, tmp_path / "data")
    settings = {"data_path": str(folder.parent), **SEMICOLONS}
    plain = tiny_world.config(tmp_path / "plain", epochs=1)
    _, expected = train("ShowcaseBPR", tiny_world.name, plain)
    own = tiny_world.config(tmp_path / "own", epochs=1, **settings)
    checkpoint, found = train("ShowcaseBPR", tiny_world.name, own)
    assert found == expected and found["bleu1"] >= 0
    (shown,) = load_explainer(checkpoint).explain(["u1"], ["i3"])
    assert (shown.item_name, shown.category) == ("Pl\xe2ce 3", "Caf\xe9 bar, Wine bar")

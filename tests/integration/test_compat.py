"""Shims: what RecBole's modules see, and that the libraries stay as they are."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

import recbole_showcase  # noqa: F401 - registers when RecBole is imported
from tests.processes import run_python
from tests.tiny import TinyWorld


def test_libraries_are_as_they_were() -> None:
    import recbole.quick_start  # noqa: F401

    assert not hasattr(np, "float_") and not hasattr(np, "bool8")
    assert not hasattr(sp.dok_matrix, "_update")
    assert inspect.getmodule(torch.load).__name__ == "torch.serialization"


def test_recboles_modules_see_the_missing_names() -> None:
    from recbole.evaluator import metrics
    from recbole.model.general_recommender import lightgcn
    from recbole.trainer import trainer

    assert metrics.np.float is np.float64 and metrics.np.zeros is np.zeros
    assert hasattr(lightgcn.sp.dok_matrix, "_update")
    assert trainer.torch.load is not torch.load and trainer.torch.nn is torch.nn


def test_anomaly_detection_stays_off() -> None:
    import recbole.model.sequential_recommender  # noqa: F401

    assert not torch.is_anomaly_enabled()


def test_a_folder_may_be_there_already(tmp_path: Path) -> None:
    from recbole.utils import logger

    logger.ensure_dir(str(tmp_path / "log"))
    logger.ensure_dir(str(tmp_path / "log"))
    from recbole_showcase.integration.compat import recbole_modules

    kept = {getattr(m, "ensure_dir", logger.ensure_dir) for m in recbole_modules()}
    assert kept == {logger.ensure_dir}


def test_operations_are_those_of_predict_whatever_the_explainer_is() -> None:
    """A language model may have one module in two places, at which RecBole's counting ends."""
    from recbole.data.interaction import Interaction
    from recbole.quick_start import quick_start
    from recbole.utils import ModelType

    class Model(torch.nn.Module):
        type = ModelType.GENERAL

        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(3, 5, bias=False)

        def predict(self, interaction: Interaction) -> torch.Tensor:
            return self.linear(interaction["x"])

    class Data:
        def __getitem__(self, index: torch.Tensor) -> Interaction:
            return Interaction({"x": torch.ones(len(index), 3)})

    def operations(model: Model) -> float:
        return quick_start.get_flops(model, Data(), "cpu", None, lambda _, inter: inter)

    plain, composed = Model(), Model()
    composed.base_model, shared = Model, torch.nn.SiLU()
    composed.showcase = torch.nn.ModuleDict({"a": torch.nn.Sequential(shared), "b": shared})
    assert operations(composed) == operations(plain) == 15
    assert hasattr(composed, "showcase") and not hasattr(composed.linear, "total_ops")


def test_counting_metrics_are_computed_and_nothing_piles_up(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """ItemCoverage and the like ask for numbers, which have no ``.cpu()``."""
    from tests.integration.test_registration import stock_config
    from tests.integration.test_training import prepare

    metrics = ["ItemCoverage", "AveragePopularity", "GiniIndex", "Recall"]
    config = stock_config(tiny_world, tmp_path, metrics=metrics)
    trainer, (train, valid, test) = prepare("BPR", tiny_world, tmp_path, **config)
    trainer.fit(train, valid)
    collector = trainer.eval_collector
    kept = set(collector.data_struct._data_dict)
    assert kept == {"data.num_items", "data.count_items"}
    collector.data_struct.update_tensor("of.my.metric", torch.ones(2))
    result = trainer.evaluate(test)
    assert set(collector.data_struct._data_dict) == kept
    top = trainer.model.full_sort_predict(test._dataset.inter_feat).view(-1, 25)
    top[:, 0] = -torch.inf
    for row, user in enumerate(test._dataset.inter_feat["user_id"]):
        top[row, test.uid2history_item[user]] = -torch.inf
    recommended = set(top.topk(5).indices.flatten().tolist())
    assert result["itemcoverage@5"] == round(len(recommended) / 25, 4)


LOADERS = """
import json
import sys

import recbole_showcase
from recbole.config import Config
from recbole.data import create_dataset, data_preparation

name, settings = json.loads(sys.argv[1])
batches = {}
for worker in (0, 2):
    config = Config("BPR", name, config_dict={**settings, "worker": worker})
    train, _, _ = data_preparation(config, create_dataset(config))
    assert train.num_workers == worker
    batches[worker] = [batch["user_id"].tolist() for batch in train]
print("BATCHES", json.dumps([batches, len(train._dataset.inter_feat)]))
"""


def test_loaders_have_workers_on_every_python(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """As a fork server would not start them; in a process of few threads, which may be forked."""
    from tests.integration.test_registration import stock_config

    (tmp_path / "load.py").write_text(LOADERS)
    given = json.dumps([tiny_world.name, stock_config(tiny_world, tmp_path)])
    output = run_python("-W", "ignore", "load.py", given, cwd=tmp_path)
    batches, rows = json.loads(output.split("BATCHES")[1].splitlines()[0])
    for worker in ("0", "2"):
        assert sum(map(len, batches[worker])) == rows
        assert len(batches[worker]) == len(batches["0"])

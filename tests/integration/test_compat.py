"""Shims: what RecBole's modules see, and that the libraries stay as they are."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

import recbole_showcase  # noqa: F401 - registers when RecBole is imported


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
    from recbole_showcase.integration.compat import _recbole_modules

    kept = {getattr(m, "ensure_dir", logger.ensure_dir) for m in _recbole_modules()}
    assert kept == {logger.ensure_dir}

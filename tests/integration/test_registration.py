"""What ``import recbole_showcase`` does, seen from fresh processes and from this one."""

from __future__ import annotations

from pathlib import Path

import pytest

import recbole_showcase
from recbole_showcase.errors import RegistrationError
from tests.bases import stages_of, write_rich_world
from tests.processes import run_python
from tests.tiny import TinyWorld

STOCK = {"metrics": ["Recall", "NDCG"], "epochs": 1}


def stock_config(tiny_world: TinyWorld, work: Path, **changes: object) -> dict[str, object]:
    """The tiny run's settings without ours."""
    config = tiny_world.config(work, **{**STOCK, **changes})
    ours = ("showcase_", "explainer_", "selector_", "relevance_")
    return {key: value for key, value in config.items() if not key.startswith(ours)}


def test_the_import_loads_neither_recbole_nor_torch(tmp_path: Path) -> None:
    code = (
        "import recbole_showcase, sys; from recbole_showcase.metrics import distinct_n; "
        "print([m for m in ('torch', 'recbole', 'ray', 'transformers') if m in sys.modules])"
    )
    assert run_python("-c", code, cwd=tmp_path, cold=True).strip() == "[]"


@pytest.mark.parametrize(
    "order", ["recbole_showcase, recbole.data", "recbole.data, recbole_showcase"]
)
def test_either_order_of_imports_registers(tmp_path: Path, order: str) -> None:
    """And open_clip, which takes seconds, is left to what encodes something."""
    code = (
        f"import {order}; from recbole.utils import get_model; import sys; "
        "print(get_model('ShowcaseLightGCN').__mro__[2].__name__, get_model('BPR').__name__, "
        "'open_clip' in sys.modules)"
    )
    assert run_python("-W", "ignore", "-c", code, cwd=tmp_path).strip() == "LightGCN BPR False"


def test_unknown_names_get_the_nearest_one() -> None:
    from recbole.utils import get_model

    with pytest.raises(RegistrationError, match="Did you mean 'ShowcaseBPR'"):
        get_model("ShowcaseBPRR")
    with pytest.raises(RegistrationError, match="Did you mean 'ShowcaseLightGCN'"):
        get_model("ShowcaseLightgcn")


def test_a_name_of_recbole_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    import recbole.trainer
    from recbole.model.general_recommender import BPR

    class Mine(BPR):
        pass

    monkeypatch.setattr(recbole.trainer, "ShowcaseMineTrainer", object(), raising=False)
    with pytest.raises(RegistrationError, match="ShowcaseMineTrainer"):
        recbole_showcase.showcase_class(Mine)


def test_a_metric_of_recbole_is_not_replaced(tmp_path: Path) -> None:
    """Registered before RecBole is there to be asked, one of its name is left out."""
    code = (
        "import recbole_showcase\n"
        "recbole_showcase.register('recall', lambda evaluation: 1.0)\n"
        "from recbole.quick_start import run_recbole\n"
        "from recbole.evaluator.register import metrics_dict\n"
        "from recbole_showcase.parts import METRICS\n"
        "print('OF', metrics_dict['recall'].__module__, 'recall' in METRICS, 'BLEU1' in METRICS)\n"
    )
    output = run_python("-W", "ignore", "-c", code, cwd=tmp_path)
    assert "OF recbole.evaluator.metrics False True" in output
    assert "RecBole has a metric 'recall' already" in output


def test_a_users_own_model_is_composed_and_found_by_name() -> None:
    from recbole.model.general_recommender import BPR
    from recbole.utils import get_model

    class Homemade(BPR):
        pass

    composed = recbole_showcase.showcase_class(Homemade)
    assert get_model("ShowcaseHomemade") is composed
    assert recbole_showcase.showcase_class(Homemade) is composed


def test_stock_models_give_the_same_figures_with_and_without_the_import(tmp_path: Path) -> None:
    """One model a family. Without the import RecBole needs the removed names, given by hand."""
    world = write_rich_world(tmp_path)
    configs = {}
    for model in ("BPR", "LightGCN", "MultiVAE", "GRU4Rec", "FM", "CKE"):
        (settings,) = stages_of(model)
        changes = {**settings, "metrics": ["Recall", "NDCG"], "epochs": 2}
        configs[model] = stock_config(world, tmp_path / model, **changes)
    by_hand = (
        "import numpy as np, torch, functools, scipy.sparse as sp\n"
        "np.bool8 = np.bool_; np.float_ = np.float64; np.complex_ = np.complex128\n"
        "np.unicode_ = np.str_; torch.load = functools.partial(torch.load, weights_only=False)\n"
        "sp.dok_matrix._update = lambda self, data: self._dict.update(data)\n"
    )
    run = (
        "from recbole.quick_start import run_recbole\n"
        f"for model, config in {configs!r}.items():\n"
        f"    result = run_recbole(model, {world.name!r}, config_dict=config)\n"
        "    print('FIGURES', model, dict(result['test_result']), result['best_valid_score'])\n"
    )
    figures = []
    for start in (by_hand, "import recbole_showcase\n"):
        lines = run_python("-W", "ignore", "-c", start + run, cwd=tmp_path).splitlines()
        figures.append([line for line in lines if line.startswith("FIGURES")])
    assert len(figures[0]) == len(configs)
    assert figures[0] == figures[1]

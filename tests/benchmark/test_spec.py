"""Specifications: what they stand for, and what is said of bad ones."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.benchmark.plan import cells_of, run_of, search_of
from recbole_showcase.benchmark.spec import read_spec
from recbole_showcase.errors import SettingsError
from tests.benchmark.fake import write_spec


def test_every_combination_with_its_settings(tmp_path: Path) -> None:
    without = {"name": "showcase", "label": "blind", "settings": {"explainer_use_photos": False}}
    spec = write_spec(
        tmp_path / "s.yaml",
        explainers=["showcase", without],
        axes={"schedule": [{"name": "joint"}, {"name": "late", "settings": {"epochs": 9}}]},
    )
    cells = cells_of(spec)
    assert len(cells) == 2 * 2 * 2 * 2
    assert cells[0].labels == {
        "dataset": "tiny", "base": "BPR", "selector": "topk", "explainer": "showcase",
        "schedule": "joint",
    }  # fmt: skip
    last = cells[-1]
    assert (last.model, last.dataset, last.labels["explainer"]) == (
        "ShowcaseLightGCN",
        "tiny",
        "blind",
    )
    assert last.settings == {
        "metrics": ["NDCG", "BLEU1"], "epochs": 9, "showcase_selector": "dpp",
        "showcase_explainer": "showcase", "explainer_use_photos": False,
        "data_path": str(tmp_path / "data"),
    }  # fmt: skip


def test_a_run_is_known_by_what_it_does_and_not_by_its_label(tmp_path: Path) -> None:
    def ids(**changes: Any) -> set[str]:
        return {run_of(c, 1).id for c in cells_of(write_spec(tmp_path / "s.yaml", **changes))}

    plain = ids()
    assert len(plain) == 4
    assert ids(selectors=[{"name": "topk", "label": "best k"}, "dpp"]) == plain
    moved = {"metrics": ["NDCG", "BLEU1"], "epochs": 1, "data_path": str(tmp_path)}
    assert ids(settings=moved) == plain
    assert not ids(settings={**moved, "epochs": 2}) & plain
    for path in ("showcase_lexicon", "showcase_alignment"):
        here, there = (ids(settings={**moved, path: str(tmp_path / n)}) for n in ("a", "b"))
        assert not here & there, path


def test_files_are_named_by_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run works in a folder of its own; a name that leads nowhere is one of a hub."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small.gguf").write_bytes(b"")
    given = {
        "showcase_tokenizer": "models/small.gguf",
        "explainer_decoder": "gpt2",
        "showcase_encoder": "local-dir:models",
        "showcase_lexicon": "lexicon.txt",
    }
    settings = {"metrics": ["NDCG", "BLEU1"], "data_path": ".", **given}
    found = cells_of(write_spec(tmp_path / "s.yaml", settings=settings))[0].settings
    here = os.path.realpath(tmp_path)
    assert {key: found[key] for key in (*given, "data_path")} == {
        "showcase_tokenizer": f"{here}/models/small.gguf",
        "explainer_decoder": "gpt2",
        "showcase_encoder": f"local-dir:{here}/models",
        "showcase_lexicon": f"{here}/lexicon.txt",
        "data_path": here,
    }


def test_ids_of_runs_stay(tmp_path: Path) -> None:
    """Runs that were made by earlier versions are found again."""
    space = {"uniform": {"learning_rate": [0, 1]}, "quniform": {"showcase_photos": [1, 5, 1]}}
    tune = {"algo": "bayes", "max_evals": 3, "params": space}
    spec = write_spec(tmp_path / "s.yaml", tune=tune)
    cell = cells_of(spec)[0]
    assert spec.tune is not None
    assert run_of(cell, 1).id == "tiny-ShowcaseBPR-1-66cf42ae489e"
    assert search_of(cell, spec.tune).id == "tiny-ShowcaseBPR-1-c55ba8ad8ee3"
    other = cells_of(write_spec(tmp_path / "s.yaml", imports=["my_models"]))[0]
    assert run_of(other, 1).id != run_of(cell, 1).id


def test_config_files_lie_below_the_settings(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("epochs: 7\nlearning_rate: 1e-3\n")
    spec = write_spec(tmp_path / "s.yaml", config_files=["base.yaml"], settings={"epochs": 1})
    assert spec.settings["epochs"] == 1
    assert spec.settings["learning_rate"] == 0.001, "1e-3 is a number, as in RecBole"
    (tmp_path / "base.yaml").write_text("seed: 7")
    with pytest.raises(
        SettingsError, match=r"'config_files\[0\]' sets 'seed', which the benchmark"
    ):
        write_spec(tmp_path / "s.yaml", config_files=["base.yaml"])
    with pytest.raises(
        SettingsError, match=r"s\.yaml: 'config_files\[0\]' is .*none\.yaml cannot be read"
    ):
        write_spec(tmp_path / "s.yaml", config_files=["none.yaml"])


def test_only_some_values(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "s.yaml").only(["base=BPR", "selector=dpp"])
    assert [cell.labels["base"] + cell.labels["selector"] for cell in cells_of(spec)] == ["BPRdpp"]
    with pytest.raises(SettingsError, match="axis 'base' has no 'NeuMF'; allowed: BPR, LightGCN"):
        write_spec(tmp_path / "s.yaml").only(["base=NeuMF"])
    with pytest.raises(SettingsError, match="'model=BPR' is not AXIS=LABEL; axes: dataset, base"):
        spec.only(["model=BPR"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"basis": ["BPR"]}, "unknown key 'basis'; did you mean 'bases'"),
        ({"bases": None}, "has no 'bases'"),
        ({"bases": []}, r"'bases' is \[\]; list should have at least 1 item"),
        ({"bases": [{"label": "x"}]}, r"'bases\[0\]' has no 'name'"),
        ({"bases": [{"name": "BPR", "setting": {}}]}, "unknown key 'setting'; did you mean"),
        ({"bases": ["BPR", "BPR"]}, "'bases' has 'BPR' twice; values must differ"),
        ({"seeds": [1, 1]}, "'seeds' has 1 twice"),
        ({"seeds": [True]}, r"'seeds\[0\]' is True; allowed: a valid integer"),
        ({"seeds": [-1]}, r"'seeds\[0\]' is -1; allowed: greater than or equal to 0"),
        ({"name": "../../x"}, "'name' is '../../x'; allowed: a name, not a path"),
        ({"name": ".."}, "'name' is '..'; allowed: a name"),
        ({"settings": {"seed": 3}}, "'settings' sets 'seed', which the benchmark sets itself"),
        (
            {"bases": [{"name": "BPR", "settings": {"dataset_save_path": "x.pth"}}]},
            r"'bases\[0\]\.settings' sets 'dataset_save_path', a file that RecBole would run",
        ),
        (
            {"settings": {"dataloaders_save_path": "x.pth"}},
            "'settings' sets 'dataloaders_save_path', a file that RecBole would run",
        ),
        (
            {"settings": {"eval_args": {"split": {"RS": [8, 1, 1], 1: 2}}}},
            r"'settings\.eval_args' is .*; expected the keys of a mapping to be all strings or all",
        ),
        (
            {"axes": {"x": [{"name": "a", "settings": {"s": [{datetime.date(2020, 1, 1): 1}]}}]}},
            r"'axes\.x\[0\]\.settings\.s' is .*; expected the keys",
        ),
        (
            {"tune": {"algo": "random", "params": {"choice": {"a": [{1: 2, "b": 3}]}}}},
            r"'tune\.params\.choice\.a\[0\]' is .*; expected the keys",
        ),
        (
            {"columns": ["NGCD@5"]},
            r"'columns\[0\]' has 'NGCD@5', which is not in 'metrics'; did",
        ),
        ({"axes": {"base": [{"name": "x"}]}}, "'axes' has 'base', which is the name of another"),
        ({"columns": "NDCG@5"}, "'columns' is 'NDCG@5'; allowed: a valid list"),
        ({"columns": [5]}, r"'columns\[0\]' is 5; allowed: a valid string"),
        ({"name": " "}, "'name' is ' '; string should have at least 1 character"),
        ({"bases": [3]}, r"'bases\[0\]' is 3; expected a name or a mapping"),
        ({"settings": {1: 2}}, r"'settings.*' is 1; allowed: a valid string"),
        ({"imports": "my_models"}, "'imports' is 'my_models'; allowed: a valid list"),
        ({"plot": {"recommendation": "NDCG@5", "explanation": "BLEU9"}}, "'plot' has 'BLEU9', wh"),
        ({"tune": {"algo": "random", "params": {}}}, r"'tune\.params' is \{\}; .* at least 1 item"),
        (
            {"tune": {"algo": "random", "params": {"chioce": {"a": [1]}}}},
            r"'tune\.params' has the unknown key 'chioce'; did you mean 'choice'",
        ),
        (
            {"tune": {"algo": "random", "max_evals": "3", "params": {"choice": {"a": [1]}}}},
            r"'tune\.max_evals' is '3'; allowed: a valid integer",
        ),
        ({"keep": "yes"}, "'keep' is 'yes'; allowed: a valid boolean"),
        ({"plot": {"recommendation": "NDCG@5"}}, "'plot' has no 'explanation'"),
        ({"tune": {"algo": "random"}}, "'tune' has no 'params'"),
        (
            {"tune": {"algo": "grid", "params": {"choice": {"a": [1]}}}},
            "'tune.algo' is 'grid'; allowed",
        ),
        (
            {"tune": {"algo": "random", "params": {"uniform": {"learning_rate": [0.1]}}}},
            r"'tune.params' has uniform.learning_rate \[0.1\]; expected a list of 2 numbers",
        ),
        (
            {"tune": {"algo": "exhaustive", "params": {"uniform": {"dropout": [0.1, 0.2]}}}},
            "'tune' has the 'algo' exhaustive, which cannot search 'uniform'",
        ),
    ],
)
def test_bad_specifications(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        write_spec(tmp_path / "s.yaml", **changes)
    assert str(tmp_path / "s.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "holds list; expected a mapping"),
        ("path: x", "'path' is 'x'; allowed: "),
        ("a: [", "is no YAML"),
        ("seeds: [1]\nseeds: [2]\n", "key 'seeds' is there twice"),
        ("a: !!python/object/apply:os.getcwd []\n", "is no YAML"),
    ],
)
def test_files_that_are_no_specification(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        read_spec(path)
    with pytest.raises(SettingsError, match=r"none\.yaml cannot be read"):
        read_spec(tmp_path / "none.yaml")

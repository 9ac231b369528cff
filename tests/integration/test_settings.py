"""Settings: one home of defaults, RecBole's precedence, errors that name the key."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import EXPLAINERS
from recbole_showcase.relevance import RELEVANCE
from recbole_showcase.resources import properties_path
from recbole_showcase.selectors import SELECTORS
from recbole_showcase.settings import ShowcaseSettings, read_settings
from tests.tiny import TinyWorld


def yaml_keys(path: Path) -> set[str]:
    return set(yaml.safe_load(path.read_text()) or ())


def test_the_file_and_the_fields_have_the_same_defaults() -> None:
    values = yaml.safe_load((properties_path() / "showcase.yaml").read_text())
    assert values.pop("metrics")
    assert values == {f"showcase_{n}": v for n, v in vars(ShowcaseSettings()).items()}
    assert read_settings(ShowcaseSettings, "showcase_", values) == ShowcaseSettings()


@pytest.mark.parametrize(
    ("part", "table"),
    [("explainer", EXPLAINERS), ("selector", SELECTORS), ("relevance", RELEVANCE)],
)
def test_every_part_has_one_file_of_defaults(part: str, table: dict[str, type]) -> None:
    folder = properties_path() / part
    assert {path.stem for path in folder.glob("*.yaml")} == set(table)
    for name, cls in table.items():
        assert yaml_keys(folder / f"{name}.yaml") == {f.name for f in fields(cls.Settings)}


def config_of(tiny_world: TinyWorld, work: Path, **changes: object):
    from recbole.config import Config

    from recbole_showcase.integration.checkpoint import clean_argv

    with clean_argv():
        return Config(
            "ShowcaseBPR", tiny_world.name, config_dict=tiny_world.config(work, **changes)
        )


def test_precedence_is_recboles(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole.config import Config

    file = tmp_path / "settings.yaml"
    file.write_text("showcase_photos: 5\nshowcase_batch_size: 5\nshowcase_max_photos: 5\n")
    given = {"data_path": "x", "showcase_batch_size": 6, "showcase_max_photos": 6}
    monkeypatch.setattr("sys.argv", ["train.py", "--showcase_max_photos=7"])
    config = Config("ShowcaseBPR", "tiny", config_file_list=[str(file)], config_dict=given)
    found = [config[f"showcase_{k}"] for k in ("photos", "batch_size", "max_photos", "selector")]
    assert found == [5, 6, 7, "dpp"]
    assert config["embedding_size"] == 64, "the base's own defaults are read"


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("showcase_photo", "showcase_photos"),
        ("explainer_hidden_sise", "explainer_hidden_size"),
        ("selector_tradeoff", "selector_trade_off"),
    ],
)
def test_an_unknown_key_names_the_nearest(
    tiny_world: TinyWorld, tmp_path: Path, key: str, nearest: str
) -> None:
    with pytest.raises(SettingsError, match=f"'{key}'.*'{nearest}'"):
        config_of(tiny_world, tmp_path, **{key: 1})


def test_a_mistyped_prefix_names_the_nearest(tiny_world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'showcse_photos'.*'showcase_photos'"):
        config_of(tiny_world, tmp_path, showcse_photos=1)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("showcase_photos", "many", "a valid integer"),
        ("showcase_photos", True, "a valid integer"),
        ("showcase_schedule", "both", "'joint', 'alternating' or 'staged'"),
        ("explainer_use_photos", 1, "a valid boolean"),
    ],
)
def test_an_ill_typed_value_names_what_is_allowed(
    tiny_world: TinyWorld, tmp_path: Path, key: str, value: object, allowed: str
) -> None:
    with pytest.raises(SettingsError, match=f"'{key}'.*allowed: {allowed}"):
        config_of(tiny_world, tmp_path, **{key: value})


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("photos", 0, "0"),
        ("max_photos", -1, "or equal to 0"),
        ("max_candidates", 0, "0"),
        ("max_history_reviews", -5, "or equal to 0"),
        ("max_history_photos", -1, "or equal to 0"),
        ("min_photos", -1, "or equal to 0"),
        ("max_tokens", 0, "0"),
        ("vocab_size", 258, "or equal to 259"),
        ("staged_epochs", -1, "or equal to 0"),
        ("batch_size", 0, "0"),
        ("eval_batch_size", 0, "0"),
        ("eval_step", -1, "or equal to 0"),
        ("valid_pairs", -1, "or equal to 0"),
        ("test_pairs", -1, "or equal to 0"),
        ("lexicon_size", 0, "0"),
    ],
)
def test_a_count_out_of_range_names_what_is_allowed(
    tiny_world: TinyWorld, tmp_path: Path, key: str, value: int, allowed: str
) -> None:
    with pytest.raises(
        SettingsError, match=f"'showcase_{key}' is {value}; allowed: greater than {allowed}$"
    ):
        config_of(tiny_world, tmp_path, **{f"showcase_{key}": value})


def test_every_count_has_a_least() -> None:
    """The layer of the text model is a place, counted from either end."""
    assert [f.name for f in fields(ShowcaseSettings) if f.type == "int"] == ["text_layer"]


def test_an_unknown_part_names_the_known_ones(tiny_world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError,
        match=r"'showcase_selector': .* 'best' is unknown; allowed: dpp, kdpp, mmr, topk",
    ):
        config_of(tiny_world, tmp_path, showcase_selector="best")


@dataclass(frozen=True)
class OwnSettings:
    """Settings as the author of a part writes them."""

    explainer_size: int
    explainer_rate: float = 0.5
    explainer_names: tuple[Literal["a", "b"], ...] = ("a",)
    explainer_path: str | None = None
    explainer_ranks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.explainer_rate > 1:
            raise SettingsError(f"explainer_rate is {self.explainer_rate}; allowed: at most 1")


def test_a_field_may_have_a_default() -> None:
    assert read_settings(OwnSettings, "", {"explainer_size": 3}) == OwnSettings(3)


def test_fields_of_a_part_are_read_by_its_types() -> None:
    values = {
        "explainer_size": 1,
        "explainer_rate": 1,
        "explainer_names": ["b", "a"],
        "explainer_path": None,
    }
    found = read_settings(OwnSettings, "", {**values, "explainer_ranks": [2]})
    assert found == OwnSettings(1, 1.0, ("b", "a"), None, [2])
    assert type(found.explainer_rate) is float


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "setting 'explainer_size' has no value"),
        (
            {"explainer_sise": 1},
            "unknown setting 'explainer_sise'; the nearest allowed one is 'explainer_size'",
        ),
        ({"explainer_size": "3"}, "setting 'explainer_size' is '3'; allowed: a valid integer"),
        ({"explainer_size": 3.0}, "setting 'explainer_size' is 3.0; allowed: a valid integer"),
        (
            {"explainer_size": 1, "explainer_rate": True},
            "setting 'explainer_rate' is True; allowed: a valid number",
        ),
        (
            {"explainer_size": 1, "explainer_names": "a"},
            "setting 'explainer_names' is 'a'; allowed: a valid list",
        ),
        (
            {"explainer_size": 1, "explainer_names": ["a", "c"]},
            "setting 'explainer_names[1]' is 'c'; allowed: 'a' or 'b'",
        ),
        ({"explainer_size": 1, "explainer_rate": 2}, "explainer_rate is 2.0; allowed: at most 1"),
    ],
)
def test_what_is_refused_is_said_in_one_line(values: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(OwnSettings, "", values)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"valid_metric": "Recall"}, r"'Recall', which no validation computes; .* Recall@5"),
        ({"valid_metric": "Recall@7"}, r"'Recall@7', which .* Recall@5"),
        ({"valid_metric": "MRR@5"}, r"'MRR@5', which"),
        ({"valid_metric": "ImageF1@5", "showcase_photos": 2}, r"ImageF1@2"),
        ({"valid_metric": "BLEU1@5"}, "BLEU1"),
    ],
)
def test_a_valid_metric_that_nothing_computes_is_refused(
    tiny_world: TinyWorld, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        config_of(tiny_world, tmp_path, **changes)
    config_of(tiny_world, tmp_path, **changes, eval_step=0)


@pytest.mark.parametrize("name", ["recall@5", "BLEU1", "ImageF1@3", "JointHit@5"])
def test_a_valid_metric_is_written_in_any_case(
    tiny_world: TinyWorld, tmp_path: Path, name: str
) -> None:
    metrics = ["Recall", "BLEU1", "ImageF1", "JointHit"]
    config_of(tiny_world, tmp_path, valid_metric=name, metrics=metrics)

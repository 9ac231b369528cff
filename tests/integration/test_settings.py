"""Settings: one home of defaults, RecBole's precedence, errors that name the key."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers import EXPLAINERS
from recbole_showcase.relevance import RELEVANCE
from recbole_showcase.resources import properties_path
from recbole_showcase.selectors import SELECTORS
from recbole_showcase.settings import _MINIMA, ShowcaseSettings, read_settings
from tests.tiny import TinyWorld


def yaml_keys(path: Path) -> set[str]:
    return set(yaml.safe_load(path.read_text()) or ())


def test_defaults_and_fields_have_the_same_names() -> None:
    keys = {key for key in yaml_keys(properties_path() / "showcase.yaml") if key != "metrics"}
    assert keys == {f"showcase_{field.name}" for field in fields(ShowcaseSettings)}


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
        ("showcase_photos", "many", "int"),
        ("showcase_photos", True, "int"),
        ("showcase_schedule", "both", "joint, alternating, staged"),
        ("explainer_use_photos", 1, "bool"),
    ],
)
def test_an_ill_typed_value_names_what_is_allowed(
    tiny_world: TinyWorld, tmp_path: Path, key: str, value: object, allowed: str
) -> None:
    with pytest.raises(SettingsError, match=f"'{key}'.*allowed: {allowed}"):
        config_of(tiny_world, tmp_path, **{key: value})


@pytest.mark.parametrize(
    ("key", "value", "least"),
    [
        ("photos", 0, 1),
        ("max_photos", -1, 0),
        ("max_candidates", 0, 1),
        ("max_history_reviews", -5, 0),
        ("max_history_photos", -1, 0),
        ("min_photos", -1, 0),
        ("max_tokens", 0, 1),
        ("vocab_size", -1, 259),
        ("staged_epochs", -1, 0),
        ("batch_size", 0, 1),
        ("eval_batch_size", 0, 1),
        ("eval_step", -1, 0),
        ("valid_pairs", -1, 0),
        ("test_pairs", -1, 0),
        ("lexicon_size", 0, 1),
    ],
)
def test_a_count_out_of_range_names_what_is_allowed(
    tiny_world: TinyWorld, tmp_path: Path, key: str, value: int, least: int
) -> None:
    with pytest.raises(
        SettingsError, match=f"'showcase_{key}' is {value}; allowed: {least} or more"
    ):
        config_of(tiny_world, tmp_path, **{f"showcase_{key}": value})


def test_every_count_has_a_least() -> None:
    """The layer of the text model is a place, counted from either end."""
    counts = {field.name for field in fields(ShowcaseSettings) if field.type == "int"}
    assert set(_MINIMA) == counts - {"text_layer"}


def test_an_unknown_part_names_the_known_ones(tiny_world: TinyWorld, tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError,
        match=r"'showcase_selector': .* 'best' is unknown; allowed: dpp, kdpp, mmr, topk",
    ):
        config_of(tiny_world, tmp_path, showcase_selector="best")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(SettingsError, match="'showcase_explainer' has no value"):
        read_settings(ShowcaseSettings, "showcase_", {})

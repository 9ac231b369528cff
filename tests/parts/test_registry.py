"""What can be registered, and under which names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recbole_showcase.evaluation.table  # noqa: F401 - declares the metrics of the package
from recbole_showcase import register
from recbole_showcase.errors import DataError, RegistrationError, SettingsError
from recbole_showcase.metrics import Metric, Statistics
from recbole_showcase.parts import METRICS, SELECTORS, import_modules, import_path
from recbole_showcase.selectors import ImageSelector
from recbole_showcase.testing.metrics import SomePairs


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Whatever a test registers is known to it alone."""
    before = [(table, set(table)) for table in (METRICS, SELECTORS)]
    yield
    for table, names in before:
        for name in set(table) - names:
            table.remove(name)


class Mine(ImageSelector):
    pass


@pytest.mark.parametrize("name", ["", " ", "a:b", "A@5", "two words", 3, None])
def test_names_that_cannot_be(name: Any) -> None:
    with pytest.raises(RegistrationError, match="cannot name a part"):
        register(name, lambda of: 1.0)


@pytest.mark.parametrize("name", ["BLEU1", "bleu1", "Recall", "RECALL", "ndcg"])
def test_names_that_are_taken_in_any_case(name: str) -> None:
    import recbole.evaluator  # noqa: F401 - registers, and keeps RecBole's names

    before = dict(METRICS)
    with pytest.raises(RegistrationError, match="is there already"):
        register(name, lambda of: 1.0)
    assert dict(METRICS) == before


def test_another_part_of_a_name_is_refused_and_the_same_one_is_not() -> None:
    register("Mine", Mine)
    register("Mine", Mine)
    with pytest.raises(RegistrationError, match="'Mine' is there already"):
        register("mine", Mine)
    register("One", lambda of: 1.0)
    for other in (lambda of: 2.0, partial(lambda of, by: by, by=3)):
        with pytest.raises(RegistrationError, match="'One' is there already"):
            register("One", other)


@dataclass
class NotFrozen:
    selector_size: int = 1


@dataclass(frozen=True)
class OfAnother:
    size: int = 1


@pytest.mark.parametrize("settings", [None, 3, dict, NotFrozen, OfAnother(), OfAnother])
def test_settings_that_cannot_be_read(settings: Any) -> None:
    part = type("Part", (ImageSelector,), {"Settings": settings})
    with pytest.raises(
        RegistrationError, match=r"allowed: a frozen dataclass|begin with 'selector_'"
    ):
        register("part", part)


@pytest.mark.parametrize(
    ("part", "options"),
    [
        (3, {}),
        (dict, {}),
        (Mine(None), {}),
        (Mine, {"smaller": True}),
        (lambda of: 1.0, {"bigger": True}),
        (lambda of: 1.0, {"at": "k"}),
        (lambda of: 1.0, {"needs": "x"}),
    ],
)
def test_what_is_no_part(part: Any, options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError):
        register("part", part, **options)


@pytest.mark.parametrize(
    ("gives", "figure"),
    [
        (lambda of: 0.5, 0.5),
        (lambda of: np.float32(0.5), 0.5),
        (lambda of: np.int64(3), 3.0),
        (lambda of: np.array(0.5), 0.5),
        (lambda of: torch.tensor(0.5), 0.5),
        (lambda of: [1.0] * 6 + [np.nan], 1.0),
        (lambda of: [None] * 6 + [2.0], 2.0),
        (lambda of: [True] * 7, 1.0),
    ],
)
def test_what_a_metric_may_give(gives: Any, figure: float) -> None:
    found = Metric("M", gives).measure(SomePairs.draw())
    assert (found.value() if isinstance(found, Statistics) else found) == figure


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (lambda of: None, "gives None"),
        (lambda of: [1.0, 2.0], "gives 2 values for 7 pairs"),
        (lambda of: [], "gives 0 values for 7 pairs"),
        (lambda of: [[1.0]] * 7, r"shape \(7, 1\)"),
        (lambda of: "high", "gives 'high'"),
        (lambda of: {"a": 1}, "gives {'a': 1}"),
    ],
)
def test_what_a_metric_may_not_give(gives: Any, said: str) -> None:
    with pytest.raises(DataError, match=f"metric 'M' {said}|metric 'M' gives an array.*{said}"):
        Metric("M", gives).measure(SomePairs.draw())


@pytest.mark.parametrize("path", ["nothing:X", "json:nothing", "json", "..:x", ":", "raising:X"])
def test_paths_that_lead_nowhere(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "raising.py").write_text("raise RuntimeError('never')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match="cannot be imported"):
        import_path(path)


def test_a_name_is_no_list_of_modules() -> None:
    with pytest.raises(SettingsError, match="'json'; allowed: a list"):
        import_modules("json")


@pytest.mark.parametrize("chosen", [[[0, 9]], [[0]], [[-1, 0]]])
def test_a_selector_that_chooses_what_is_not_there(chosen: list[list[int]]) -> None:
    class Odd(ImageSelector):
        def choose(self, *given: Any) -> torch.Tensor:
            return torch.tensor(chosen)

    with pytest.raises(DataError, match="Odd chose indices of shape"):
        Odd(None)(torch.zeros(1, 4), torch.ones(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), 2)

"""RecBole without ray, with whatever ray is installed, and RecBole that is not there at all."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from recbole_showcase.errors import MissingRecBole, RegistrationError, ShowcaseError
from recbole_showcase.integration import compat, hooks, ray_tune
from tests.integration.test_tuning import write_settings
from tests.processes import run_python
from tests.tiny import TinyWorld

# Python with a package less, as the rest of a script finds it.
WITHOUT = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "{missing}" else find(name, *rest)
import recbole_showcase
"""
SEARCH = """
files, sys.argv[1:] = sys.argv[1:], []
from recbole.quick_start import objective_function
found = objective_function(config_file_list=files, saved=False)
print("TESTED", found["test_result"]["recall@5"], "ray" in sys.modules)
"""


def test_all_but_a_search_of_rays_runs_without_ray(tiny_world: TinyWorld, tmp_path: Path) -> None:
    settings = write_settings(tiny_world, tmp_path, valid_metric="NDCG@5")
    (tmp_path / "search.py").write_text(WITHOUT.format(missing="ray") + SEARCH)
    said = run_python("search.py", settings, cwd=tmp_path).split("TESTED")[1]
    recall, has_ray = said.splitlines()[0].split()
    assert 0 <= float(recall) <= 1 and has_ray == "False"


@pytest.mark.parametrize("version", ["2.6.3", "2.60.0"])
def test_a_trial_reports_in_the_form_that_its_ray_takes(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    tune = ModuleType("ray.tune")
    tune.report = lambda *given, **named: reported.append((given, named))  # type: ignore[attr-defined]
    ray = ModuleType("ray")
    ray.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.tune", tune)
    monkeypatch.setattr(ray_tune, "trial_id", lambda: None)
    ray_tune._Tune("ray.tune").report(recall=0.5)
    assert reported == []
    monkeypatch.setattr(ray_tune, "trial_id", lambda: "a1")
    ray_tune._Tune("ray.tune").report(recall=0.5)
    figures = {"recall": 0.5}
    assert reported == [((), figures) if version == "2.6.3" else ((figures,), {})]


def test_ray_is_where_it_was_once_recbole_is_imported() -> None:
    before = sys.modules.pop("ray", None)
    try:
        with ray_tune.left_aside():
            from ray import tune

            assert isinstance(tune, ray_tune._Tune)
        assert "ray" not in sys.modules
    finally:
        if before is not None:
            sys.modules["ray"] = before


def test_an_import_without_recbole_says_what_to_type(tmp_path: Path) -> None:
    """A script, or a command, which shows errors of ours in a line."""
    blocked = WITHOUT.format(missing="recbole")
    said = run_python("-c", blocked + "import recbole.quick_start", cwd=tmp_path, fails=True)
    assert "MissingRecBole: RecBole is not installed. Install it" in said
    assert "pip install" in said and "'recbole>=1.2.1,<1.3'" in said
    assert ("--no-deps" in said) == (sys.version_info >= (3, 12))
    assert issubclass(MissingRecBole, ShowcaseError) and issubclass(MissingRecBole, ImportError)


@pytest.mark.parametrize("version", ["1.2.0", "1.1.1", "1.3.0", "1.20.1"])
def test_another_recbole_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import recbole

    monkeypatch.setattr(recbole, "__version__", version)
    with pytest.raises(RegistrationError, match=f"RecBole {version} is installed; allowed: from"):
        compat.check_version()
    monkeypatch.setattr(recbole, "__version__", "1.2.2")
    compat.check_version()
    assert "'recbole>=1.2.1,<1.3'" in hooks.HOW_TO_INSTALL

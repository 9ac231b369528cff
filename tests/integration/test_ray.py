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

WITHOUT = """
import sys
sys.modules["{missing}"] = None
import recbole_showcase
"""
SEARCH = """
from recbole.quick_start import objective_function
found = objective_function(config_file_list=sys.argv[1:], saved=False)
import recbole.quick_start.quick_start as quick_start
print("TESTED", found["test_result"]["recall@5"], sys.modules["ray"], quick_start.tune.__name__)
sys.exit()
"""


def test_all_but_a_search_of_rays_runs_without_ray(tiny_world: TinyWorld, tmp_path: Path) -> None:
    settings = write_settings(tiny_world, tmp_path, valid_metric="NDCG@5")
    (tmp_path / "search.py").write_text(WITHOUT.format(missing="ray") + _clean(SEARCH))
    said = run_python("search.py", settings, cwd=tmp_path)
    tested = said.split("TESTED")[1].split()
    assert 0 <= float(tested[0]) <= 1 and tested[1:] == ["None", "ray.tune"]


def _clean(script: str) -> str:
    """A script whose arguments RecBole does not take for settings."""
    return "files, sys.argv[1:] = sys.argv[1:], []\n" + script.replace("sys.argv[1:]", "files")


def test_recbole_leaves_ray_alone(tmp_path: Path) -> None:
    script = "import sys, recbole_showcase, recbole.quick_start\nprint('ray' in sys.modules)"
    assert run_python("-W", "ignore", "-c", script, cwd=tmp_path).split()[-1] == "False"


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
    """Whoever asks for it: a script, or a command."""
    blocked = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "PathFinder.find_spec = lambda name, *rest: None if name == 'recbole' else "
        "find(name, *rest)\n"
        "import recbole_showcase\n"
    )
    said = run_python("-c", blocked + "import recbole.quick_start", cwd=tmp_path, fails=True)
    assert "MissingRecBole: RecBole is not installed. Install it" in said
    assert "pip install" in said and "'recbole>=1.2.1,<1.3'" in said
    assert ("--no-deps" in said) == (sys.version_info >= (3, 12))
    command = (
        "from recbole_showcase.cli import main; sys.argv[1:] = ['gallery', 'none.pth']; main()"
    )
    said = run_python("-c", blocked + command, cwd=tmp_path, fails=True)
    assert said.startswith("error: ") and len(said.splitlines()) == 1
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

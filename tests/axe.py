"""What keeps people out of a page, by the newest copy of axe-core that PyPI has."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

# A package for Playwright, which is not imported: the file that it carries is all that is used.
_PACKAGE = importlib.util.find_spec("axe_playwright_python")


def axe_or_skip() -> None:
    """Skip the tests of a module, as ``importorskip`` does, where there is no copy."""
    if _PACKAGE is None:
        pytest.skip("axe-playwright-python is not installed", allow_module_level=True)


def faults(browser: Any) -> list[tuple[str, list[str]]]:
    """The rules that the page in a browser breaks, each with the markup that does."""
    assert _PACKAGE is not None and _PACKAGE.origin is not None
    script = Path(_PACKAGE.origin).with_name("axe.min.js")
    browser.execute_script(script.read_text(encoding="utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")["violations"]
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found]

"""A trained model behind HTTP: JSON for programs, a page for people.

Needs the extra ``serve``. Nothing heavy is imported before a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_showcase.serving.app import create_app
    from recbole_showcase.serving.options import ServeOptions
    from recbole_showcase.serving.run import serve
    from recbole_showcase.serving.served import Served
    from recbole_showcase.serving.service import Service

_HOMES = {
    "ServeOptions": "options",
    "Served": "served",
    "Service": "service",
    "create_app": "app",
    "serve": "run",
}

__all__ = ["ServeOptions", "Served", "Service", "create_app", "serve"]


def __getattr__(name: str) -> Any:
    """Import the module that holds ``name`` when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)

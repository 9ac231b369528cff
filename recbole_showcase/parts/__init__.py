"""Parts of one's own and of the package: what they are called, and where their code is."""

from __future__ import annotations

from recbole_showcase.parts.imports import (
    code_of,
    import_modules,
    import_path,
    imported_modules,
    is_named_by_a_file,
    named_by_a_file,
)
from recbole_showcase.parts.registry import (
    EXPLAINERS,
    METRICS,
    REGISTRIES,
    RELEVANCE,
    SELECTORS,
    Registry,
    load_entry_points,
    register,
)

__all__ = [
    "EXPLAINERS",
    "METRICS",
    "REGISTRIES",
    "RELEVANCE",
    "SELECTORS",
    "Registry",
    "code_of",
    "import_modules",
    "import_path",
    "imported_modules",
    "is_named_by_a_file",
    "load_entry_points",
    "named_by_a_file",
    "register",
]

"""Docstrings as the reference's Markdown has them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":\w+:`~?\.?([\w.]+)`")
# Names that share what is said of them, up to the end of the lines that are indented deeper.
_SHARED = re.compile(r"^( +)(\*{0,2}\w+(?:, \*{0,2}\w+)+): (.*(?:\n\1 +.*)*)", re.MULTILINE)


def as_markdown(docstring: str) -> str:
    r"""A docstring whose roles are code, and whose names each have an entry of their own.

    >>> as_markdown("Of :func:`~a.b`.\n\nArgs:\n    x, y: Texts.")
    'Of `a.b`.\n\nArgs:\n    x: Texts.\n    y: Texts.'
    """

    def parted(match: re.Match[str]) -> str:
        indent, names, said = match.groups()
        return "\n".join(f"{indent}{name}: {said}" for name in names.split(", "))

    return _SHARED.sub(parted, _ROLE.sub(r"`\1`", docstring))


class Docstrings(griffe.Extension):
    """Has griffe read docstrings so."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for all that it has read."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)

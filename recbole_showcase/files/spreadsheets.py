"""Texts in CSV files that people open with spreadsheet programs."""

from __future__ import annotations

from recbole_showcase.errors import one_line


def as_cell(text: str) -> str:
    """A text as one line that no spreadsheet takes for a formula.

    >>> as_cell("=1+1"), as_cell("fine")
    ("'=1+1", 'fine')
    """
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(("=", "+", "-", "@")) else line

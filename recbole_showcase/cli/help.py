"""How the command line lists its commands."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Commands(TyperGroup):
    """Commands that are listed with the whole of their first sentences, on lines enough."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a row for each command; click cuts what is longer than a line."""
        names = self.list_commands(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(n, self.commands[n].get_short_help_str(limit=999)) for n in names])

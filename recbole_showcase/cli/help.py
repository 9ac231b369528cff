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


class WithDefault(Commands):
    """Commands of which one is meant where none is named: ``judge A`` is ``judge texts A``."""

    default = "texts"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command that is meant before the arguments are taken apart."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

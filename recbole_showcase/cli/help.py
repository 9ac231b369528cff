"""How the command line lists its commands, and answers a slip: by one line."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from recbole_showcase.errors import one_line

# What all errors of usage are; click's, or typer's own, which has it in a module of its own.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]
_COMPLETION = ("--install-completion", "--show-completion")
SCRIPT = "recbole-showcase"


class Commands(TyperGroup):
    """Commands that are listed with the whole of their first sentences, on lines enough.

    An error of usage is one line, as every other error is.
    """

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a row for each command; click cuts what is longer than a line."""
        names = self.list_commands(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(n, self.commands[n].get_short_help_str(limit=999)) for n in names])

    def make_context(self, *args: Any, **how: Any) -> Any:
        """Take the arguments before the command apart."""
        try:
            return super().make_context(*args, **how)
        except UsageError as slip:
            if _asks_for_help(slip):
                raise
            raise _answered(slip, str(args[0] if args else SCRIPT)) from slip

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except UsageError as slip:
            if _asks_for_help(slip):
                raise
            words = (ctx.command_path, ctx.invoked_subcommand or "")
            raise _answered(slip, " ".join(words).strip()) from slip

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse what no command could make sense of."""
        if not ctx.resilient_parsing:
            _check_words(ctx, args)
        return super().parse_args(ctx, args)


class WithDefault(Commands):
    """Commands of which one is meant where none is named: ``judge A`` is ``judge texts A``."""

    default = "texts"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command that is meant before the arguments are taken apart."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def _check_words(ctx: Any, words: list[str]) -> None:
    """Refuse an empty word, which a path would take for the folder one is in, and completion of -m.

    Raises:
        UsageError: There is one.
    """
    for before, word in zip([ctx.info_name, *words], words, strict=False):
        if not word:
            raise UsageError(f"There is nothing in the value behind '{before}'", ctx)
        if word.startswith("--") and word.endswith("="):
            raise UsageError(f"There is nothing in the value of '{word[:-1]}'", ctx)
    if " " in str(ctx.info_name) and (asked := next((w for w in words if w in _COMPLETION), None)):
        raise UsageError(
            f"A shell completes a command, and '{ctx.info_name}' is one of Python's: {SCRIPT} "
            f"{asked} does it",
            ctx,
        )


def _asks_for_help(slip: Exception) -> bool:
    """Whether a command is named and nothing else, so that its help is shown, as ever."""
    return type(slip).__name__ == "NoArgsIsHelpError"


def _answered(slip: Any, path: str) -> Exception:
    """Say on one line what was wrong and where help is; the end of the command, status 2.

    Args:
        slip: The error.
        path: The words of the command, where the error does not know it.
    """
    said = " ".join(one_line(slip.format_message()).split()).rstrip(".")
    if slip.ctx is not None:
        root, path = slip.ctx.find_root(), slip.ctx.command_path
        word = getattr(slip, "option_name", None)
        if slip.ctx is not root and any(word in param.opts for param in root.command.params):
            rest = path.removeprefix(root.info_name).strip()
            said = f"'{word}' stands before the command: {root.info_name} {word} {rest}"
    print(f"error: {said}; help: {path} --help", file=sys.stderr)
    return typer.Exit(2)

"""The command line: one file a command, each of which imports what is heavy when it runs."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from recbole_showcase.cli.benchmark import benchmark
from recbole_showcase.cli.check import check
from recbole_showcase.cli.convert import app as convert
from recbole_showcase.cli.demo import demo
from recbole_showcase.cli.distill import distill
from recbole_showcase.cli.embed import embed
from recbole_showcase.cli.explain import explain
from recbole_showcase.cli.gallery import gallery
from recbole_showcase.errors import ShowcaseError, one_line

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Personalized showcases for RecBole: recommendations with photos and words that say why.",
)
app.command()(benchmark)
app.command()(demo)
app.add_typer(convert, name="convert")
app.command()(check)
app.command()(embed)
app.command()(distill)
app.command()(explain)
app.command()(gallery)


@app.callback()
def before(
    imports: Annotated[
        list[str] | None,
        typer.Option(
            "--import",
            metavar="MODULE",
            help="Import a module of your own parts or recommenders first; again for several. "
            "Those of installed packages are found without.",
        ),
    ] = None,
) -> None:
    """Import what registers parts before a command looks for them."""
    if imports:
        from recbole_showcase.parts import import_modules

        sys.path.insert(0, os.getcwd())  # as ``python -m`` has it
        import_modules(imports)


def main(commands: typer.Typer = app) -> None:
    """Run a command line; errors of this package and of the disk end with status 2 and one line.

    Ctrl-C ends it with status 130 and a line that says what was kept. So does SIGTERM, by which
    batch systems and containers end a job: nothing half written is left, and no worker.

    Args:
        commands: The commands; those of ``recbole-showcase`` unless others are given.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        commands()
    except (ShowcaseError, OSError) as error:
        _say(f"error: {error}", error)
        sys.exit(2)
    except KeyboardInterrupt as early:  # before the command line was read
        _say("interrupted", early)
        sys.exit(130)
    except SystemExit as end:
        if (interrupt := _interrupt_of(end)) is not None:
            _say("interrupted", interrupt)
        raise


def _say(text: str, error: BaseException) -> None:
    """Print what an error says and its notes, which tell what became of the output."""
    lines = "; ".join([text, *getattr(error, "__notes__", ())]).split("\n")
    print("\n".join(map(one_line, lines)), file=sys.stderr)


def _interrupt_of(end: BaseException) -> BaseException | None:
    """The Ctrl-C of which typer made an exit; None if it is an exit of another cause."""
    error: BaseException | None = end
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error

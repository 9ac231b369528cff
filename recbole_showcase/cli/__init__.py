"""The command line: one file a command, each of which imports what is heavy when it runs."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from importlib import metadata
from typing import Annotated, TextIO

import typer

from recbole_showcase.cli.attach import attach
from recbole_showcase.cli.benchmark import benchmark
from recbole_showcase.cli.check import check
from recbole_showcase.cli.convert import SeveralValues
from recbole_showcase.cli.convert import app as convert
from recbole_showcase.cli.convert_amazon import amazon
from recbole_showcase.cli.convert_nlg4rs import nlg4rs
from recbole_showcase.cli.convert_yelp import yelp
from recbole_showcase.cli.demo import demo
from recbole_showcase.cli.distill import distill
from recbole_showcase.cli.embed import embed
from recbole_showcase.cli.explain import explain
from recbole_showcase.cli.gallery import gallery
from recbole_showcase.cli.help import Commands
from recbole_showcase.cli.import_features import import_features
from recbole_showcase.cli.judge import app as judge
from recbole_showcase.cli.photos import photos
from recbole_showcase.cli.serve import serve
from recbole_showcase.console import Loudness, is_verbose, set_loudness
from recbole_showcase.errors import SettingsError, ShowcaseError, one_line
from recbole_showcase.resources import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    context_settings={  # of all commands below as well
        "help_option_names": ["-h", "--help"],
        "max_content_width": 10_000,  # as wide as the terminal
    },
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes around help take longer to load than all the rest of it
    help="Personalized showcases for RecBole: recommendations with photos and words that say why.",
)
convert.command(cls=SeveralValues)(yelp)
convert.command(cls=SeveralValues)(amazon)
convert.command()(nlg4rs)
app.command()(benchmark)
app.command()(demo)
app.add_typer(convert, name="convert")
app.command()(attach)
app.command()(photos)
app.command()(check)
app.command()(embed)
app.command("import-features")(import_features)
app.command()(distill)
app.command()(explain)
app.command()(gallery)
app.add_typer(judge, name="judge")
app.command()(serve)
_UNREAD = 141  # as a shell tells the end by SIGPIPE
# What tells most about a run, and is told apart by version.
_PACKAGES = ("recbole", "torch", "transformers", "open_clip_torch")


def _versions(asked: bool) -> None:
    """Print the version and those of the packages that do most of the work, and end."""
    if not asked:
        return
    typer.echo(f"recbole_showcase {__version__}")
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} is not installed")
    typer.echo(", ".join(found))
    raise typer.Exit


@app.callback()
def before(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_versions, is_eager=True, help="Show versions and end."),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Say errors, warnings and the result alone: no bars, no steps, no training log.",
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Show an error's traceback, and DEBUG of the training log too.",
        ),
    ] = False,
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
    if quiet and verbose:
        raise SettingsError("--quiet and --verbose are opposites; give one")
    how = Loudness.QUIET if quiet else Loudness.VERBOSE if verbose else Loudness.NORMAL
    set_loudness(how)
    if imports:
        from recbole_showcase.parts import import_modules

        sys.path.insert(0, os.getcwd())  # as ``python -m`` has it
        import_modules(imports)


def main(commands: typer.Typer = app) -> None:
    """Run a command line; errors of this package and of the disk end with status 2 and one line.

    Ctrl-C ends it with status 130 and a line that says what was kept. So does SIGTERM, by which
    batch systems and containers end a job: nothing half written is left, and no worker. Where who
    reads the output is gone, as with ``| head``, it ends with status 141 and without a word.

    Args:
        commands: The commands; those of ``recbole-showcase`` unless others are given.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _require_streams()
    try:
        _run(commands)
    except SystemExit as end:
        unread = _cause_of(end, BrokenPipeError) is not None
        if (error := _flushed(sys.stdout)) is not None:
            unread = isinstance(error, BrokenPipeError)
            if not unread and not end.code:
                _say(f"error: standard output cannot be written: {error.strerror}", error)
                end = SystemExit(2)
        _flushed(sys.stderr)
        if unread and end.code in (None, 0, 1):
            end = SystemExit(_UNREAD)
        raise end from None


def _run(commands: typer.Typer) -> None:
    """Run a command line to its status."""
    try:
        commands()
    except (ShowcaseError, OSError) as error:
        if is_verbose():
            _show("".join(traceback.format_exception(error)))
        _say(f"error: {error}", error)
        sys.exit(2)
    except KeyboardInterrupt as early:  # before the command line was read
        _say("interrupted", early)
        sys.exit(130)
    except SystemExit as end:
        if (cause := _cause_of(end, KeyboardInterrupt)) is not None:
            _say("interrupted", cause)
        raise


def _require_streams() -> None:
    """Where a standard stream is closed, as by ``>&-``, have one that leads nowhere.

    A file that is opened later would otherwise get its number, and what is said in it.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - it stays


def _flushed(stream: TextIO) -> OSError | None:
    """Write what is left of a stream, before Python does with a traceback; or let it go nowhere."""
    try:
        stream.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return error
    return None


def _say(text: str, error: BaseException) -> None:
    """Print what an error says and its notes, which tell what became of the output."""
    _show("; ".join([text, *getattr(error, "__notes__", ())]))


def _show(text: str) -> None:
    """Print lines to standard error without what a terminal would obey."""
    with suppress(OSError):  # nobody may be there to read it
        print("\n".join(map(one_line, text.rstrip("\n").split("\n"))), file=sys.stderr)


def _cause_of(end: BaseException, kind: type[BaseException]) -> BaseException | None:
    """The Ctrl-C or the like of which typer made an exit; None if there is another cause."""
    error: BaseException | None = end
    seen: set[int] = set()  # what causes each other in a circle is walked once
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None

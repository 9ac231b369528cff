"""What is said beside a command's result: bars, steps, and how much of both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

# A line every so many seconds shows in a log that work goes on; what is done sooner needs none.
LOG_SECONDS = 30.0
# Work that is done sooner is not worth a name on a terminal.
_SECONDS = 1.0


class Loudness(Enum):
    """How much is said."""

    QUIET = "errors, warnings and the result"
    NORMAL = "progress as well"
    VERBOSE = "tracebacks and DEBUG as well"


_loudness = Loudness.NORMAL


def set_loudness(loudness: Loudness) -> None:
    """Say so much from now on, in the whole process; the command line sets it before a command."""
    global _loudness
    _loudness = loudness


def is_quiet() -> bool:
    """Whether nothing is said but errors, warnings and the result."""
    return _loudness is Loudness.QUIET


def is_verbose() -> bool:
    """Whether tracebacks and DEBUG are asked for."""
    return _loudness is Loudness.VERBOSE


def has_bars() -> bool:
    """Whether bars that redraw themselves are in place: on a terminal, unless it is to be quiet."""
    return sys.stderr.isatty() and not is_quiet()


def say(line: str) -> None:
    """Print how far the work is, above the bars there are; nothing where it is to be quiet."""
    if is_quiet():
        return
    from tqdm import tqdm

    tqdm.write(line)
    sys.stdout.flush()  # a log is read while it grows


def progress_bar(iterable: Any = None, *, shown: bool = True, **how: Any) -> tqdm:
    """A bar on a terminal; elsewhere, as in a log, a plain line every 30 seconds.

    Args:
        iterable: What is gone through, if anything.
        shown: Whether to show anything; nothing is shown either where it is to be quiet.
        how: What else ``tqdm`` takes.
    """
    from tqdm import tqdm

    if not sys.stderr.isatty():
        how = {"delay": LOG_SECONDS} | how
        how |= {"mininterval": LOG_SECONDS, "maxinterval": LOG_SECONDS}
        # Without columns there is no drawing, only its figures.
        how |= {"file": _Lines(), "position": 0, "ncols": 0}
    return tqdm(iterable, disable=not shown or is_quiet(), **how)


@contextmanager
def working(name: str, *, shown: bool = True, delay: float | None = None) -> Iterator[None]:
    """Name work that has no steps to count, and say for how long it goes on.

    Args:
        name: What is done.
        shown: As in :func:`progress_bar`.
        delay: Seconds after which it is named; by default one on a terminal, and 30 elsewhere.
    """
    if not shown or is_quiet():
        yield
        return
    first = delay or (_SECONDS if sys.stderr.isatty() else LOG_SECONDS)
    done = Event()
    bar = progress_bar(desc=name, bar_format="{desc} {elapsed}", leave=False, delay=first)

    def tick() -> None:
        seconds = first
        while not done.wait(seconds):
            bar.refresh()
            seconds = max(_SECONDS, bar.mininterval)  # in a log, a line takes long to come again

    ticking = Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield
    finally:
        done.set()
        ticking.join()
        bar.close()


@contextmanager
def others_bars() -> Iterator[None]:
    """While transformers loads something: without its bars where there are none of ours."""
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging

    before, of_gguf = logging.is_progress_bar_enabled(), getattr(gguf, "tqdm", None)
    if has_bars():
        yield
        return
    logging.disable_progress_bar()
    if of_gguf is not None:  # which heeds no setting
        gguf.tqdm = partial(of_gguf, disable=True)
    try:
        yield
    finally:
        if of_gguf is not None:
            gguf.tqdm = of_gguf
        if before:
            logging.enable_progress_bar()


class _Lines:
    """Standard error for a bar that cannot redraw itself: each state of it becomes a line."""

    def write(self, text: str) -> None:
        """Write a state without the signs that would move a terminal's cursor."""
        if line := text.strip("\r\n "):
            sys.stderr.write(f"{line}\n")

    def flush(self) -> None:
        """Pass on what is written."""
        sys.stderr.flush()

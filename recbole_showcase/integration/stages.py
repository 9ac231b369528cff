"""What a run is doing before its first step: a line with a name and the time it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from recbole_showcase.console import progress_bar

# Work that is done sooner is not worth a line.
_SECONDS = 1.0


@contextmanager
def stage(config: Any, name: str) -> Iterator[None]:
    """Show what is prepared and for how long, once it takes more than a second.

    Args:
        config: Of the run; its ``show_progress`` says whether anything is shown.
        name: What is prepared.
    """
    if not config["show_progress"]:
        yield
        return
    done = Event()
    shape = "{desc} {elapsed}"
    bar = progress_bar(desc=f"Prepare   {name}", bar_format=shape, leave=False, delay=_SECONDS)

    def tick() -> None:
        seconds = _SECONDS
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

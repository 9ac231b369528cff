"""What a run is doing before its first step: a line with a name and the time it takes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from recbole_showcase.console import working

# Work that is done sooner is not worth a line, in a log either.
_SECONDS = 1.0


def stage(config: Any, name: str) -> AbstractContextManager[None]:
    """Show what is prepared and for how long, once it takes more than a second.

    Args:
        config: Of the run; its ``show_progress`` says whether anything is shown.
        name: What is prepared.
    """
    return working(f"Prepare   {name}", shown=config["show_progress"], delay=_SECONDS)

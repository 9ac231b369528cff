"""Programs that are interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys


def interrupted(script: str, number: int, *arguments: str, at: int = 1) -> tuple[int, str]:
    """Status and errors of a program that gets a signal when it has said ``at`` times "begun"."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores Ctrl-C, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as program:
        assert program.stdout is not None and program.stderr is not None
        for _ in range(at):
            assert program.stdout.readline() == "begun\n"
        program.send_signal(number)
        _, said = program.communicate(timeout=60)
    return program.returncode, said

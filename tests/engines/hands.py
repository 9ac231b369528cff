"""What tests have processes load and do; those have to import it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

import typer

from recbole_showcase.cli import main
from recbole_showcase.console import is_quiet
from recbole_showcase.engines import Engine
from recbole_showcase.errors import DataError


@dataclass(frozen=True)
class Loading:
    """Load a number, or fail to."""

    number: int
    fails: bool = False

    def __call__(self) -> int:
        if self.fails:
            raise DataError("nothing to load")
        return self.number


def add(hand: int, task: int) -> int:
    time.sleep(0.05 * (task % 3))  # so that they are done in another order
    return hand + task


def process(hand: int, task: int) -> tuple[int, str]:
    time.sleep(0.1)
    return os.getpid(), os.environ["OMP_NUM_THREADS"]


def quiet(hand: int, task: int) -> bool:
    return is_quiet()


def fail_at_three(hand: int, task: int) -> int:
    if task == 3:
        raise DataError("three is too many")
    return task


def divide(hand: int, task: int) -> float:
    return hand / task


def die_at_three(hand: int, task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def interrupt_itself(hand: int, task: int) -> int:
    """What a terminal or a batch system does to all processes of a command."""
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    return task


def begun(hand: int, task: int) -> int:
    """Say which process works, and work long."""
    print(f"begun {os.getpid()}", flush=True)
    time.sleep(60)
    return 0


def work_until_interrupted() -> None:
    """A command whose two processes say "begun", and which process they are."""
    app = typer.Typer()

    @app.command()
    def command() -> None:
        with Engine("processes", 2).crew(Loading(0)) as crew:
            list(crew.map(begun, range(2)))

    main(app)

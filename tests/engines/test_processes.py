"""Processes that share work: in order, with their share of the cores, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from recbole_showcase.engines import Engine, choose_engine, processes
from recbole_showcase.engines.processes import ending_of, threads_for
from recbole_showcase.errors import DataError, LostWorker, SettingsError, ShowcaseError
from tests.engines import hands

TWO = Engine("processes", 2)
COMMAND = "from tests.engines.hands import work_until_interrupted as work; work()"


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_the_end_of(process: int) -> None:
    for _ in range(500):
        if not is_alive(process):
            return
        time.sleep(0.02)
    raise AssertionError(f"process {process} is left")


@pytest.mark.parametrize("engine", [Engine(), TWO])
def test_results_are_in_the_order_of_tasks(engine: Engine) -> None:
    with engine.crew(hands.Loading(10)) as crew:
        assert list(crew.map(hands.add, range(7))) == [10 + n for n in range(7)]
        assert list(crew.map(hands.add, [])) == []


def test_each_has_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 7)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with TWO.crew(hands.Loading(0)) as crew:
        assert (os.environ["OMP_NUM_THREADS"], "MKL_NUM_THREADS" in os.environ) == ("5", False)
        found = set(crew.map(hands.process, range(6)))
        assert all(crew.map(hands.quiet, range(2))), "bars are the business of one"
    assert len(found) == 2 and {threads for _, threads in found} == {"3"}
    for process, _ in found:
        assert process != os.getpid()
        assert not is_alive(process)


def test_threads_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.os, "cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert [threads_for(jobs) for jobs in (1, 2, 3, 20)] == [8, 4, 2, 1]
    for said, threads in (("3", [3, 1]), ("3,1", [3, 1]), ("64", [8, 1]), ("many", [8, 1])):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert [threads_for(jobs) for jobs in (1, 8)] == threads
    with pytest.raises(ShowcaseError, match="jobs is 0"):
        threads_for(0)
    assert [ending_of(status) for status in (0, 3)] == ["", "ended with status 3"]


def test_an_error_of_one_is_raised_here() -> None:
    with TWO.crew(hands.Loading(0)) as crew, pytest.raises(DataError, match=r"^three is too many$"):
        list(crew.map(hands.fail_at_three, range(9)))
    failing = hands.Loading(0, fails=True)
    with TWO.crew(failing) as crew, pytest.raises(DataError, match=r"^nothing to load$"):
        list(crew.map(hands.add, range(9)))
    with TWO.crew(hands.Loading(1)) as crew, pytest.raises(ZeroDivisionError) as error:
        list(crew.map(hands.divide, [0]))
    assert "return hand / task" in error.value.__notes__[0]


def test_the_loss_of_one_is_told() -> None:
    said = "one of 2 processes that share the work was ended by SIGKILL, which is how a system"
    with TWO.crew(hands.Loading(0)) as crew:
        results = crew.map(hands.die_at_three, range(9))
        with pytest.raises(LostWorker, match=said):
            list(results)


def test_signals_are_for_who_shares_the_work_out() -> None:
    with TWO.crew(hands.Loading(0)) as crew:
        assert list(crew.map(hands.interrupt_itself, range(4))) == [0, 1, 2, 3]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert not blocked & {signal.SIGINT, signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_none_is_left(number: signal.Signals) -> None:
    """Whatever ends the one who shares the work out, and though they are in the middle of it."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", COMMAND],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as program:
        assert program.stdout is not None
        workers = [int(program.stdout.readline().split()[1]) for _ in range(2)]
        to_whom = os.kill if number == signal.SIGKILL else os.killpg  # as a terminal does
        to_whom(program.pid, number)
        _, said = program.communicate(timeout=60)
    ended = (-9, "") if number == signal.SIGKILL else (130, "interrupted\n")
    assert (program.returncode, said) == ended
    for worker in workers:
        wait_for_the_end_of(worker)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("local", None, "10.0.0.1:6379"), "'10.0.0.1:6379'.*engine is not 'ray'"),
        (("local", 2, "10.0.0.1:6379"), "engine is not 'ray'"),
        (("local", 0, None), "processes is 0"),
        (("spark", None, None), "engine is 'spark'; allowed: local, processes, ray"),
    ],
)
def test_options_that_do_not_go_together(given: tuple[str, int, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        choose_engine(*given)


def test_the_engine_of_options() -> None:
    assert choose_engine("local", None, None) == Engine()
    assert choose_engine("local", 1, None).kind == "local"
    assert choose_engine("local", 3, None) == Engine("processes", 3)
    assert choose_engine("ray", 3, "auto") == Engine("ray", 3, "auto")
    with pytest.raises(SettingsError, match="engine 'local' is one process, not 2"):
        Engine("local", 2)

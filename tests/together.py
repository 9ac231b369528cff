"""Runs of several processes for tests, without the price of starting Python for each.

    python -W ignore -m tests.together JOBS.json RESULTS.json

Everything is imported once; each job is then forked into as many processes as it asks for, which
do what those of ``run(nproc=...)`` do. Nothing may have been computed before, so this is a program.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

import recbole_showcase  # noqa: F401 - registers, before RecBole is imported
from tests.processes import free_port, run_python


def run_together(jobs: list[dict[str, Any]], cwd: Path) -> list[dict[str, Any]]:
    """What each of the jobs gave.

    Args:
        jobs: Each with ``model``, ``dataset``, ``config`` and ``nproc``; optionally ``hosts``, True
            to have each process be the first on a host of its own; ``fail``, the process that is
            to fail in training; ``keep``, a folder where each process leaves its last weights.
        cwd: Where to run.

    Returns:
        For each job ``seconds`` and ``figures``, or ``error``.
    """
    (cwd / "jobs.json").write_text(json.dumps(jobs))
    run_python("-W", "ignore", "-m", "tests.together", "jobs.json", "results.json", cwd=cwd)
    return json.loads((cwd / "results.json").read_text())


def _work(rank: int, job: dict[str, Any], port: int, queue: Any) -> None:
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.entry_points import run_recboles

    _prepare(rank, job)
    config, nproc = job["config"], job["nproc"]
    if nproc == 1:
        run_recbole(job["model"], job["dataset"], config_dict=config, queue=queue)
        return
    hosts = job.get("hosts", False)
    config |= {"ip": "localhost", "port": str(port), "world_size": nproc, "gpu_id": "0,1,2"}
    config |= {"nproc": 1, "offset": rank} if hosts else {"nproc": nproc, "offset": 0}
    given = {"config_dict": config, "queue": queue if rank == 0 else None}
    run_recboles(0 if hosts else rank, job["model"], job["dataset"], None, given)


def _prepare(rank: int, job: dict[str, Any]) -> None:
    """Have this process fail, or keep its weights, where the job wants it to."""
    import torch
    from recbole.trainer import Trainer

    from recbole_showcase.composed.trainer import ShowcaseTrainerMixin

    if rank == job.get("fail"):

        def fail(*_: Any) -> None:
            raise ValueError(f"process {rank} has a cold")

        ShowcaseTrainerMixin._explanation_steps = fail  # type: ignore[method-assign]
    fit = Trainer.fit

    def fit_and_keep(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = fit(self, *args, **kwargs)
        torch.save(self.model.state_dict(), Path(job["keep"]) / f"{rank}.pt")
        return found

    if "keep" in job:
        Path(job["keep"]).mkdir(parents=True, exist_ok=True)
        Trainer.fit = fit_and_keep


def _result(job: dict[str, Any]) -> dict[str, Any]:
    from torch import multiprocessing

    queue = multiprocessing.get_context("fork").SimpleQueue()
    start = time.monotonic()
    found: dict[str, Any]
    try:
        multiprocessing.start_processes(
            _work, (job, free_port(), queue), nprocs=job["nproc"], start_method="fork"
        )
        figures = queue.get()["test_result"]
        found = {"figures": {key: float(value) for key, value in figures.items()}}
    except Exception as error:
        found = {"error": str(error)}
    return {**found, "seconds": time.monotonic() - start}


if __name__ == "__main__":
    import_module("recbole.quick_start")
    import_module("recbole_showcase.composed.trainer")
    asked, given = map(Path, sys.argv[1:])
    sys.argv[1:] = []  # RecBole reads them
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # several processes want as many GPUs, or none
    psutil.cpu_percent = lambda *_, **__: 0.0  # as in tests/conftest.py
    results = [_result(job) for job in json.loads(asked.read_text())]
    given.write_text(json.dumps(results))

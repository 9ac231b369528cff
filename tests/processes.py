"""Fresh Python processes for tests of what an import, a file or a command does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """A port that nobody listens on, for processes that train together."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run_python(*args: str, cwd: Path, fails: bool = False, cold: bool = False) -> str:
    """What Python printed to both streams, once it has ended as it should."""
    done = finish_python(*args, cwd=cwd, cold=cold)
    assert (done.returncode != 0) == fails, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def finish_python(*args: str, cwd: Path, cold: bool = False) -> subprocess.CompletedProcess[str]:
    """Run Python with this checkout importable, to its end.

    It has torch and other large packages imported already (:mod:`tests.warm`), unless ``cold``:
    for what is about imports themselves, or about how Python is started.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    if not cold:
        return _fork(list(args), cwd, env)
    command = [sys.executable, *args]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


def _fork(args: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    warm = _warm()
    assert warm.stdin is not None and warm.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / name for name in ("out", "err")]
        request = {"args": args, "cwd": str(cwd), "env": env, "said": [*map(str, said)]}
        warm.stdin.write(json.dumps(request) + "\n")
        warm.stdin.flush()
        code = warm.stdout.readline()
        assert code, "the process that forks has ended"
        out, err = (path.read_text(encoding="utf-8") for path in said)
    return subprocess.CompletedProcess(args, int(code), out, err)


@cache
def _warm() -> subprocess.Popen[str]:
    """The process that forks, one for each that tests; it ends with its input."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.warm"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

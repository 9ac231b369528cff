"""A Python that has the large packages imported, and becomes what it is asked to by forking.

    python -m tests.warm

Importing torch, pandas, transformers and the like takes ten seconds of processor time, more than
most programs of tests do. This one imports them once, reads one request a line, a JSON object, and
forks for each; the child runs what ``python ARGS`` would run. Nothing of RecBole or of this package
is imported here, and nothing is computed, so that to a program it is as if it had imported those
packages itself. ``tests/processes.py`` asks.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import sys
import threading
import traceback
import types
import warnings
from importlib import import_module

LARGE = (
    "torch",
    "torch.distributed",
    "torch.utils.data",
    "torch.utils.tensorboard",
    "pandas",
    "scipy.stats",
    "scipy.sparse",
    "sklearn.metrics",
    "transformers",
    "transformers.models.gpt2.modeling_gpt2",
)

_MOST_SECONDS = 300


def main() -> None:
    """Answer requests until there is nobody to make them."""
    for name in LARGE:
        import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            _become(**request)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(args: list[str], cwd: str, env: dict[str, str], said: list[str]) -> None:
    """Run what Python would run, as it would, and end."""
    code = 1
    signal.alarm(_MOST_SECONDS)
    try:
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        for stream, path in enumerate(said, start=1):
            with open(path, "w") as file:
                os.dup2(file.fileno(), stream)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        _run(args)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        # What the interpreter does when a program ends.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(args: list[str]) -> None:
    while args[0] == "-W":
        warnings.simplefilter(args[1])  # type: ignore[arg-type]
        sys.warnoptions.append(args[1])  # processes that are started have it too
        args = args[2:]
    kind, *rest = args
    ours = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = ["", *ours, *(path for path in sys.path[1:] if path not in ours)]
    if kind == "-c":
        code, *rest = rest
        sys.argv = ["-c", *rest]
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), vars(sys.modules["__main__"]))
    elif kind == "-m":
        name, *rest = rest
        sys.argv = ["-m", *rest]
        sys.path[0] = os.getcwd()
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *rest]
        program = os.path.abspath(kind)
        sys.path[0] = os.path.dirname(program)
        runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()

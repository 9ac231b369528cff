"""Execute the notebooks of ``docs/tutorials/`` and keep what they show: ``make tutorials``.

All run one after the other in a folder of their own, by the Python that runs this. A notebook is
written when all its cells have run, without times, standard error and paths of this machine.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "tutorials"
# In the order of the site; each works alone, and takes what an earlier one has made.
NAMES = ("first-run", "own-data", "own-explainer", "reading-a-benchmark")
_TIMEOUT = 3600.0  # seconds a cell may take
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def main(names: Sequence[str]) -> None:
    """Execute notebooks, all by default, each named as its file is."""
    beside = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([beside, os.environ.get("PATH", "")])
    os.environ["PYTHONPATH"] = str(ROOT)  # also where the package is not installed
    with tempfile.TemporaryDirectory() as work:
        os.environ["XDG_STATE_HOME"] = work  # the key of checkpoints is none of the user's
        for name in names or NAMES:
            execute(FOLDER / f"{name}.ipynb", Path(work).resolve())
            print(f"{name}: executed", flush=True)


def execute(path: Path, work: Path) -> None:
    """Run a notebook in a folder, and write what it shows into it.

    Raises:
        CellExecutionError: If a cell fails.
        ValueError: If an output tells of this machine.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(work)}},
    )
    client.execute()
    clean(notebook, work)
    partial = path.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(path)


def clean(notebook: Any, work: Path) -> None:
    """Leave out of a notebook what another machine would have otherwise.

    Raises:
        ValueError: If an output holds a path of this machine beside that of the working folder.
    """
    kernel = notebook.metadata["kernelspec"]
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        cell.outputs = _joined(out for out in cell.outputs if out.get("name") != "stderr")
        for out in cell.outputs:
            if "metadata" in out:
                out.metadata = {}
            _clean_texts(out, work)
            _clean_texts(out.get("data", {}), work)


def _joined(outputs: Iterable[Any]) -> list[Any]:
    """Outputs with what was printed in pieces in one; without what is blank."""
    joined: list[Any] = []
    for out in outputs:
        if joined and out.output_type == joined[-1].output_type == "stream":
            joined[-1].text += out.text
        else:
            joined.append(out)
    return [out for out in joined if out.get("text", "anything").strip()]


def _clean_texts(texts: Any, work: Path) -> None:
    """Leave out what a terminal and the working folder add, in place; refuse all other places."""
    for key in [key for key in texts if key.startswith("text")]:
        plain = _ESCAPES.sub("", texts[key]).replace("\r\n", "\n")
        texts[key] = plain.replace(f"{work}/", "")
        for place in (str(work), str(ROOT), str(Path.home()), sys.prefix):
            if place in texts[key]:
                raise ValueError(
                    f"an output names '{place}', which is of this machine: {texts[key]}"
                )


if __name__ == "__main__":
    main(sys.argv[1:])

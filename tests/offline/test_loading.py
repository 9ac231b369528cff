"""The command from the checkpoint on, as it is run."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.offline import OfflineOptions, write_showcases
from tests.integration.test_checkpoints import train
from tests.integration.test_training import SASREC
from tests.offline.folders import content, manifest, rows_in
from tests.processes import finish_python
from tests.tiny import TinyWorld


def test_kill_minus_nine(checkpoint: Path, tmp_path: Path) -> None:
    """The command itself, killed as soon as its second part is there."""
    code = (
        "import os, signal\n"
        "from recbole_showcase.offline.folder import ShowcaseFolder\n"
        "add, left = ShowcaseFolder.add, [2]\n"
        "def killed(*args):\n"
        "    add(*args)\n"
        "    left[0] -= 1\n"
        "    if not left[0]:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "ShowcaseFolder.add = killed\n"
        "from recbole_showcase.cli import main\n"
        "main()\n"
    )
    out, options = tmp_path / "out", OfflineOptions(top_k=3, batch=7, part_rows=20)
    given = ["explain", str(checkpoint), "--top", "3", "--batch", "7", "--part-rows", "20"]
    stopped = finish_python("-W", "ignore", "-c", code, *given, "--out", str(out), cwd=tmp_path)
    assert stopped.returncode == -signal.SIGKILL, stopped.stderr
    assert manifest(out)["rows"] == 42 and not manifest(out)["complete"]
    account = write_showcases(checkpoint, out, options=options, progress=False)
    assert account.began_with == 42 and account.progress.rows == 120
    write_showcases(checkpoint, tmp_path / "whole", options=options, progress=False)
    assert content(out) == content(tmp_path / "whole")


def test_users_without_a_sequence_are_told_of(tiny_world: TinyWorld, tmp_path: Path) -> None:
    folder = tmp_path / "data" / tiny_world.name
    shutil.copytree(tiny_world.folder, folder)
    inter = folder / f"{tiny_world.name}.inter"
    head, *lines = inter.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("u9\t")]
    kept.append(next(line for line in lines if line.startswith("u9\t")))
    inter.write_text("\n".join([head, *kept, ""]))
    config = tiny_world.config(tmp_path, epochs=1, data_path=str(folder.parent), **SASREC)
    checkpoint, _ = train("ShowcaseSASRec", folder.name, config)
    result = CliRunner().invoke(
        app, ["explain", str(checkpoint), "--out", str(tmp_path / "out"), "--top", "2"]
    )
    assert result.exit_code == 0, result.output
    assert "left out, 1 times a user without a sequence: 'u9'" in result.output
    assert len(rows_in(tmp_path / "out")) == 2 * 39

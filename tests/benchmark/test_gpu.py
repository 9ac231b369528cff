"""The program that measures what a GPU keeps busy, on the processor and as small as can be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from tests.tiny import TinyWorld


def test_every_figure_is_told(
    tiny_world: TinyWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The very functions that CUDA is measured by; only the sizes are others."""
    device = gpu.chosen("cpu")
    settings = tiny_world.config(tmp_path, embedding_size=8)
    size = gpu.Size(photos=5, batch=2, at_once=(1, 3), settings=settings)
    gpu.embedding(tmp_path / "embedding", device, size, rounds=1)
    trainer = gpu.joint_step(tiny_world.folder, device, size, rounds=1, amp=True)
    assert trainer.enable_amp and trainer.device == torch.device("cpu")
    gpu.showcases(trainer, device, size, rounds=1)
    told = [
        r"  \d+ photos a second, bare \d+",
        r"embedding by showcase-tiny: \d+\.\d+ of the bare encoder, \d+ MB of the process",
        r"joint epoch, amp on: \d+\.\d+ \(recommender \d+ ms, explainer \d+ ms, joint \d+ ms; "
        r"\d+ MB of the process for all three models\)",
        r"    1 pairs at once: \d+\.\d showcases a second, \d+ MB of the process",
        r"    3 pairs at once: \d+\.\d showcases a second, \d+ MB of the process",
    ]
    lines = capsys.readouterr().out.splitlines()
    found = [line for line in lines if any(re.fullmatch(one, line) for one in told)]
    assert len(found) == len(told), "\n".join(lines)

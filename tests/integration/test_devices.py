"""What a device that is not the processor asks of a step, and what it gives."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import recbole_showcase
from recbole_showcase.encoders import embed_dataset
from tests.integration.test_registration import stock_config
from tests.integration.test_training import SASREC, prepare
from tests.tiny import TinyWorld

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
# What a device answers, while the processor waits.
ASKING = ("_local_scalar_dense", "nonzero", "masked_select")


class Questions(TorchDispatchMode):
    """Notes where code of this package asks a tensor for a value or for a size that hangs on one.

    Attributes:
        found: Files and lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        by_mask = "index" in str(func) and any(
            isinstance(part, torch.Tensor) and part.dtype == torch.bool
            for given in args
            if isinstance(given, list | tuple)
            for part in given
        )
        if by_mask or any(name in str(func) for name in ASKING):
            stack = [f for f in traceback.extract_stack() if "/torch/" not in f.filename][:-1]
            if "recbole_showcase" in stack[-1].filename:
                self.found.add(f"{stack[-1].filename}:{stack[-1].lineno}")
        return func(*args, **(kwargs or {}))


def first_batch(trainer: Any) -> Any:
    """A batch as it is on the device: what it is asked before it moves there, no device answers."""
    return next(trainer.loader.epoch(0)).to(trainer.model.device)


@pytest.mark.parametrize(
    ("model", "explainer", "changes"),
    [
        ("ShowcaseBPR", "showcase", {}),
        ("ShowcaseSASRec", "showcase", SASREC),
        ("ShowcaseBPR", "r2gen", {}),
        ("ShowcaseBPR", "peter", {}),
    ],
)
def test_a_step_waits_for_no_answer_of_the_device(
    tiny_world: TinyWorld, tmp_path: Path, model: str, explainer: str, changes: dict[str, Any]
) -> None:
    trainer, _ = prepare(model, tiny_world, tmp_path, showcase_explainer=explainer, **changes)
    batch = first_batch(trainer)
    with Questions() as asked:
        trainer.model.explanation_step(batch).backward()
    assert not asked.found


def test_questions_are_noticed(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """A recurrent explainer that packs sequences asks for their lengths."""
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_explainer="ref2seq")
    batch = first_batch(trainer)
    with Questions() as asked:
        trainer.model.explanation_step(batch)
    assert {Path(place.partition(":")[0]).name for place in asked.found} == {"ref2seq.py"}


@pytest.fixture
def types_of_mixed_precision() -> Iterator[None]:
    """The processor's own is in its place again afterwards."""
    usual = torch.get_autocast_dtype("cpu")
    yield
    torch.set_autocast_dtype("cpu", usual)


@pytest.mark.usefixtures("types_of_mixed_precision")
def test_mixed_precision_trains_the_explainer(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """``enable_amp`` is RecBole's; on the processor it is bfloat16, and float16 on CUDA."""
    losses = []
    for kind in (torch.float32, torch.bfloat16, torch.float16):
        torch.set_autocast_dtype("cpu", kind)
        amp = kind != torch.float32
        trainer, (train, valid, _) = prepare(
            "ShowcaseBPR", tiny_world, tmp_path / str(kind), enable_amp=amp, epochs=4
        )
        trainer.fit(train, valid)
        with torch.no_grad():
            batch = next(trainer.loader.epoch(9))
            losses.append(float(torch.stack(trainer.model.eval().explain_loss(batch)).sum()))
    assert losses[1:] == pytest.approx([losses[0]] * 2, rel=0.1)


@pytest.mark.gpu
@needs_gpu
def test_the_recommender_on_a_gpu_is_the_stock_one(tiny_world: TinyWorld, tmp_path: Path) -> None:
    changes = stock_config(tiny_world, tmp_path / "alone", epochs=2, gpu_id="0")
    alone, (train, _, _) = prepare("BPR", tiny_world, tmp_path / "alone", **changes)
    alone.fit(train)
    beside, (train, _, _) = prepare("ShowcaseBPR", tiny_world, tmp_path / "beside", gpu_id="0")
    beside.fit(train)
    assert beside.device.type == "cuda"
    for name, weights in alone.model.state_dict().items():
        assert torch.equal(weights, beside.model.state_dict()[name]), name


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("amp", [False, True])
def test_showcases_of_a_gpu_are_those_of_the_processor(
    tiny_world: TinyWorld, tmp_path: Path, amp: bool
) -> None:
    trainer, (train, valid, _) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, gpu_id="0", enable_amp=amp, epochs=4
    )
    trainer.fit(train, valid)
    there, here = (
        recbole_showcase.load_explainer(trainer.saved_model_file, device=device)
        for device in ("cuda:0", "cpu")
    )
    users = list(there.users)[:20]
    for found, expected in zip(there.recommend(users, 3), here.recommend(users, 3), strict=True):
        assert [s.item for s in found] == [s.item for s in expected]
        assert [[p.id for p in s.photos] for s in found] == [
            [p.id for p in s.photos] for s in expected
        ]


@pytest.mark.gpu
@needs_gpu
def test_features_of_a_gpu_are_those_of_the_processor(tmp_path: Path) -> None:
    from demo_world import WorldSettings, draw_world, write_world

    stores = []
    for device in ("cuda:0", "cpu"):
        folder = tmp_path / device.partition(":")[0] / "small"
        write_world(draw_world(WorldSettings(seed=6, n_users=12, n_items=6)), folder)
        report = embed_dataset(folder, device=device, progress=False)
        stores.append(np.load(report.folder / "image.npy").astype(np.float32))
    assert np.allclose(*stores, atol=2e-3)

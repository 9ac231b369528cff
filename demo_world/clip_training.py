"""Train the small CLIP on drawings of the world that are neither shipped nor held out.

Four towns of 240 users, in which nearly every review has text and photos: 11,763 photos with the
sentences that name what they show.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from torch.nn import functional

from demo_world.clip_model import (
    IMAGE_SIZE,
    model_config,
    train_tokenizer,
    write_skeleton,
    write_weights,
)
from demo_world.clip_pairs import ClipPairs, draw_pairs
from demo_world.settings import WorldSettings
from recbole_showcase.console import progress_bar
from recbole_showcase.errors import SettingsError


@dataclass(frozen=True)
class ClipTraining:
    """How the small CLIP is trained.

    Attributes:
        train_seeds: Seeds of the drawings it learns from.
        users_per_world: Users of each; about fifteen photos a user.
        steps: Optimizer steps.
        batch_size: Pairs a step.
        learning_rate: Highest learning rate; warmed up, then lowered along a cosine.
        weight_decay: Of AdamW, on matrices only.
        review_share: Share of batches of whole reviews; the others are of sentences.
        seed: Seed of weights, order and augmentation.
    """

    train_seeds: tuple[int, ...] = (101, 102, 103, 104)
    users_per_world: int = 240
    steps: int = 600
    batch_size: int = 160
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    review_share: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        """Keep the shipped drawing out of training.

        Raises:
            SettingsError: If its seed is among those trained on.
        """
        if WorldSettings().seed in self.train_seeds:
            raise SettingsError(
                f"seed {WorldSettings().seed} draws the shipped data set and cannot be trained on"
            )


def train_clip(pairs: ClipPairs, folder: Path, settings: ClipTraining) -> torch.nn.Module:
    """Train a model from nothing and write tokenizer, configuration and weights.

    Args:
        pairs: What to learn from.
        folder: Where the model goes, its files at the end and the weights last; other files
            there are left alone.
        settings: How to train.

    Returns:
        The model, in evaluation mode.
    """
    torch.manual_seed(settings.seed)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        write_skeleton(partial, train_tokenizer(pairs.reviews))
        name = f"local-dir:{partial}"
        model = open_clip.create_model(name, load_weights=False)
        _fit(model, open_clip.get_tokenizer(name), pairs, settings)
        write_weights(partial, model)
        _move_into(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return model


def _move_into(partial: Path, folder: Path) -> None:
    """Put the files where they belong, weights last; what else lies there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(partial.iterdir(), key=lambda path: path.suffix == ".safetensors"):
        os.replace(path, folder / path.name)


def _fit(model: Any, tokenizer: Any, pairs: ClipPairs, settings: ClipTraining) -> None:
    rng = np.random.default_rng(settings.seed)
    optimizer = _optimizer(model, settings)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, settings.steps, pct_start=0.1
    )
    loss_of = open_clip.ClipLoss()
    photos = torch.from_numpy(pairs.pixels)
    review_tokens = tokenizer(pairs.reviews)
    causal_mask = model.text.attn_mask
    model.visual.to(memory_format=torch.channels_last)
    model.train()
    bar = progress_bar(range(settings.steps), desc="training", unit="step")
    for _ in bar:
        rows = rng.choice(len(photos), settings.batch_size, replace=False)
        if rng.random() < settings.review_share:
            tokens = review_tokens[rows]
        else:
            chosen = (pairs.sentences[row] or (pairs.reviews[row],) for row in rows)
            tokens = tokenizer([texts[int(rng.integers(len(texts)))] for texts in chosen])
        length = int((tokens != 0).sum(dim=1).max())  # padding costs as much as words
        model.text.attn_mask = causal_mask[:length, :length]
        image, text, scale = model(augment(photos[rows]), tokens[:, :length])
        loss = loss_of(image, text, scale)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, float(np.log(100)))
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    model.text.attn_mask = causal_mask
    model.eval()


def _optimizer(model: torch.nn.Module, settings: ClipTraining) -> torch.optim.Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim >= 2]
    others = [p for p in parameters if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, 0.98))


def augment(pixels: torch.Tensor) -> torch.Tensor:
    """Shift, mirror and relight a batch of photos, and normalise it.

    Args:
        pixels: (B, 3, S, S) uint8.

    Returns:
        (B, 3, S, S) float32, as the preprocessing of the model would give.
    """
    n, side = len(pixels), pixels.shape[-1]
    x = pixels.float() / 255
    angle = torch.empty(n).uniform_(-0.4, 0.4)
    scale = torch.empty(n).uniform_(0.8, 1.15)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = scale * angle.cos() * mirror
    theta[:, 0, 1] = -scale * angle.sin()
    theta[:, 1, 0] = scale * angle.sin() * mirror
    theta[:, 1, 1] = scale * angle.cos()
    theta[:, :, 2].uniform_(-0.12, 0.12)
    grid = functional.affine_grid(theta, [n, 3, side, side], align_corners=False)
    x = functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    x = x * torch.empty(n, 3, 1, 1).uniform_(0.85, 1.15)
    return normalise(x.clamp_(0, 1)).contiguous(memory_format=torch.channels_last)


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    """Bring (B, 3, S, S) values in [0, 1] to the scale the model sees."""
    preprocessing = model_config(0)["preprocess_cfg"]
    mean, std = (torch.tensor(preprocessing[key]).view(3, 1, 1) for key in ("mean", "std"))
    return (pixels - mean) / std


def train_from_worlds(folder: Path, settings: ClipTraining | None = None) -> None:
    """Draw, paint, train, write, and record how it was done.

    Args:
        folder: Where the model goes.
        settings: How to train; the defaults made the shipped model.
    """
    settings = settings or ClipTraining()
    start = time.monotonic()
    pairs = draw_pairs(settings.train_seeds, IMAGE_SIZE, settings.users_per_world)
    painted = time.monotonic()
    train_clip(pairs, folder, settings)
    record = {
        "training": asdict(settings),
        "pairs": len(pairs.reviews),
        "seconds_painting": round(painted - start),
        "seconds_training": round(time.monotonic() - painted),
        "open_clip": open_clip.__version__,
        "torch": torch.__version__,
    }
    (folder / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

"""Greedy decoding, beams and sampling, by Hugging Face's ``generate``, as settings say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError


@dataclass(frozen=True)
class GenerationSettings:
    """Settings of Hugging Face's ``generate``; the explainer's YAML file explains them."""

    explainer_decoding: str = "greedy"
    explainer_num_beams: int = 4
    explainer_length_penalty: float = 1.0
    explainer_sampling_temperature: float = 1.0
    explainer_top_k: int = 0
    explainer_top_p: float = 1.0
    explainer_no_repeat_ngram: int = 0
    explainer_min_tokens: int = 0
    explainer_seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_at_least(self, 1, "num_beams")
        check_at_least(self, 0, "top_k", "no_repeat_ngram", "min_tokens")
        check_share(self, "top_p")
        if self.explainer_sampling_temperature <= 0:
            raise SettingsError(
                f"explainer_sampling_temperature is {self.explainer_sampling_temperature}; "
                "allowed: above 0"
            )


def check_at_least(settings: GenerationSettings, least: int, *names: str) -> None:
    """Refuse settings below the least value, named without ``explainer_``."""
    for name in names:
        value = getattr(settings, f"explainer_{name}")
        if value < least:
            raise SettingsError(f"explainer_{name} is {value}; allowed: {least} or more")


def check_share(settings: GenerationSettings, name: str) -> None:
    """Refuse a setting that is no share, from 0 to 1."""
    value = getattr(settings, f"explainer_{name}")
    if not 0.0 <= value <= 1.0:
        raise SettingsError(f"explainer_{name} is {value}; allowed: 0.0 to 1.0")


def pairs_of(batch: ExplanationBatch) -> np.ndarray:
    """Users and items of a batch (2, B), which seed what is drawn for it."""
    return np.stack([batch.users.cpu().numpy(), batch.items.cpu().numpy()])


def generate(
    model: PreTrainedModel,
    settings: GenerationSettings,
    seed_material: np.ndarray,
    **inputs: Any,
) -> Tensor:
    """Hugging Face's ``generate`` by our settings.

    Args:
        model: What writes.
        settings: How to write.
        seed_material: Integers that tell this batch from others; with ``explainer_seed`` they seed
            sampling, which leaves the global generators as they are.
        **inputs: What ``generate`` reads, and what else it is to do.

    Returns:
        What ``generate`` returns.
    """
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        if settings.explainer_decoding == "sample":
            torch.manual_seed(_seed(settings.explainer_seed, seed_material))
        ids: Tensor = model.generate(  # type: ignore[operator]
            **inputs, **_generate_options(settings)
        )
    return ids


def _seed(seed: int, material: np.ndarray) -> int:
    entropy = [seed, *np.asarray(material, dtype=np.int64).ravel().tolist()]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def _generate_options(settings: GenerationSettings) -> dict[str, Any]:
    """The arguments of Hugging Face's ``generate``."""
    options: dict[str, Any] = {"do_sample": False, "num_beams": 1}
    if settings.explainer_no_repeat_ngram:
        options["no_repeat_ngram_size"] = settings.explainer_no_repeat_ngram
    if settings.explainer_min_tokens:
        options["min_new_tokens"] = settings.explainer_min_tokens
    if settings.explainer_decoding == "beam":
        options["num_beams"] = settings.explainer_num_beams
        options["length_penalty"] = settings.explainer_length_penalty
    if settings.explainer_decoding == "sample":
        options["do_sample"] = True
        options["temperature"] = settings.explainer_sampling_temperature
        options["top_k"] = settings.explainer_top_k
        options["top_p"] = settings.explainer_top_p
    return options

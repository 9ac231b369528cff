"""What explainers share that write with a causal language model behind a prompt."""

from __future__ import annotations

import inspect
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import Explainer, ExplainerInputs, next_token_loss
from recbole_showcase.explainers.gpt2 import GPT2Sizes, small_gpt2, tell_ends
from recbole_showcase.text.pretrained import load_pretrained
from recbole_showcase.text.tokenizer import TextTokenizer


class PromptedExplainer(Explainer):
    """A causal language model that continues from a prompt with the text.

    A subclass gives ``prompt`` and sets ``language_model``. Prompts differ in length: they are
    padded on the left, so that the text follows its prompt at once, and padding takes no position.
    """

    loss_names = ("cross_entropy",)
    language_model: PreTrainedModel

    def prompt(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Embeddings (B, P, E) of the prompts and their mask (B, P), padding on the left."""
        raise NotImplementedError

    @property
    def embedding_size(self) -> int:
        """Width E of the language model's embeddings."""
        embeddings: Any = self.language_model.get_input_embeddings()
        return embeddings.weight.shape[1]

    def embed(self, tokens: Tensor) -> Tensor:
        """The language model's embeddings (..., E) of tokens (...)."""
        return self.language_model.get_input_embeddings()(tokens)

    def forward(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> tuple[Tensor, ...]:
        """Mean cross-entropy of a target token; see :meth:`Explainer.forward`."""
        prompt, prompt_mask = self.prompt(batch, user_vectors, item_vectors)
        words = self.embed(batch.tokens[:, :-1])  # (B, T - 1, E)
        mask = torch.cat([prompt_mask, batch.token_mask[:, :-1]], dim=1)  # (B, P + T - 1)
        inputs: dict[str, Any] = {
            "inputs_embeds": torch.cat([prompt.to(words.dtype), words], dim=1),
            "attention_mask": mask.long(),
            "use_cache": False,
        }
        if _takes_positions(self.language_model):
            inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        logits = self.language_model(**inputs).logits[:, prompt.shape[1] :]  # (B, T - 1, V)
        return (next_token_loss(logits.float(), batch),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        prompt, mask = self.prompt(batch, user_vectors, item_vectors)
        start = self.embed(torch.full_like(batch.users, self.tokenizer.bos_id)).unsqueeze(1)
        ids = self.language_model.generate(  # type: ignore[operator]
            inputs_embeds=torch.cat([prompt.to(start.dtype), start], dim=1),
            attention_mask=F.pad(mask, (0, 1), value=True).long(),
            max_new_tokens=self.inputs.max_tokens,
            num_beams=self.settings.explainer_num_beams,
            do_sample=False,
        )  # (B, T), without the prompt
        return self.tokenizer.decode(ids.tolist())


def language_model(
    setting: str,
    name_or_path: str | None,
    sizes: GPT2Sizes,
    prompt_size: int,
    inputs: ExplainerInputs,
    tokenizer: TextTokenizer,
    dtype: Any = torch.float32,
) -> PreTrainedModel:
    """A causal language model with an entry for each of our tokens.

    Args:
        setting: The setting that names the model.
        name_or_path: A Hugging Face model by name or path; None makes a GPT-2.
        sizes: Of a GPT-2 made here.
        prompt_size: The most positions of a prompt.
        inputs: What the explainer is built for.
        tokenizer: Of the texts.
        dtype: Of a pretrained model's weights; "auto" for the one they are stored in.

    Raises:
        SettingsError: If the model cannot be loaded, or has too few positions for a prompt and a
            text.
    """
    positions = prompt_size + inputs.max_tokens + 2
    if name_or_path:
        model = load_pretrained(AutoModelForCausalLM, setting, name_or_path, dtype=dtype)
        most = getattr(model.config, "max_position_embeddings", None)
        if most is not None and positions > most:
            raise SettingsError(
                f"language model '{name_or_path}' has {most} positions; a prompt of {prompt_size} "
                f"and a text of showcase_max_tokens = {inputs.max_tokens} need {positions}"
            )
        # A vocabulary is often padded beyond the tokenizer's; it must not shrink.
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
    else:
        model = small_gpt2(sizes, positions, tokenizer)
    tell_ends(model, tokenizer)
    return model


def to_the_right(values: Tensor, mask: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Values (B, P, ...) moved to the right, in order, so that padding stands on the left.

    Args:
        values: Values (B, P, ...).
        mask: Which of them are there (B, P).
        most: The most values of a row; the last ones are kept.

    Returns:
        Values (B, P', ...) and their mask (B, P'), P' the size of the longest row.
    """
    longest = min(int(mask.sum(dim=1).max()) if mask.numel() else 0, most)
    order = mask.long().argsort(dim=1, stable=True)[:, mask.shape[1] - longest :]  # (B, P')
    rows = torch.arange(len(mask), device=mask.device).unsqueeze(1)
    return values[rows, order], mask[rows, order]


def _takes_positions(model: Any) -> bool:
    """Whether a model numbers its positions by an argument; others need no numbers."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "position_ids" in inspect.signature(base.forward).parameters

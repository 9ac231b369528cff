"""What explainers share that write with a language model of Hugging Face's."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.base import Explainer, ExplainerInputs, next_token_loss
from recbole_showcase.explainers.generation import GenerationSettings, generate, pairs_of
from recbole_showcase.text.pretrained import load_pretrained
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class GPT2Settings:
    """Sizes of a GPT-2 made here, among an explainer's settings."""

    explainer_hidden_size: int = 128
    explainer_decoder_layers: int = 2
    explainer_heads: int = 4
    explainer_dropout: float = 0.1


@dataclass(frozen=True)
class PromptedSettings(GenerationSettings, GPT2Settings):
    """Settings of a prompted explainer: those of a GPT-2 made here, and how texts are written."""

    explainer_decoding: Literal["greedy", "beam", "sample"] = "greedy"


def _small_gpt2(
    settings: GPT2Settings, positions: int, tokenizer: TextTokenizer, *, cross_attention: bool
) -> GPT2LMHeadModel:
    """A GPT-2 that knows nothing yet.

    Args:
        settings: Its sizes.
        positions: The most tokens that it reads and writes, start and end among them.
        tokenizer: Of the texts to write.
        cross_attention: Whether it attends to an encoder.
    """
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_id,
            eos_token_id=tokenizer.eos_id,
            n_positions=positions,
            n_embd=settings.explainer_hidden_size,
            n_layer=settings.explainer_decoder_layers,
            n_head=settings.explainer_heads,
            activation_function="gelu_pytorch_tanh",  # GPT-2's own, in one kernel
            resid_pdrop=settings.explainer_dropout,
            embd_pdrop=settings.explainer_dropout,
            attn_pdrop=settings.explainer_dropout,
            # GPT-2's 0.02 belongs to its width of 768; at a small width it would all but
            # silence the cross-attention, and the text would take long to follow photos.
            initializer_range=0.02 * math.sqrt(768 / settings.explainer_hidden_size),
            add_cross_attention=cross_attention,
        )
    )


def gpt2_decoder(
    settings: Any, positions: int, tokenizer: TextTokenizer, *, cross_attention: bool = False
) -> GPT2LMHeadModel:
    """A GPT-2: the pretrained one of ``explainer_decoder``, or one of the configured sizes.

    Args:
        settings: Its name or path and its sizes.
        positions: The most tokens that one made here reads and writes, start and end among them.
        tokenizer: Of the texts to write.
        cross_attention: Whether it attends to an encoder.

    Raises:
        SettingsError: If the pretrained one cannot be loaded.
    """
    decoder: GPT2LMHeadModel
    if settings.explainer_decoder:
        options: dict[str, Any] = {"attn_implementation": "sdpa"}  # which takes masks of booleans
        if cross_attention:
            options["add_cross_attention"] = True
        name = settings.explainer_decoder
        decoder = load_pretrained(GPT2LMHeadModel, "explainer_decoder", name, **options)
        decoder.resize_token_embeddings(len(tokenizer))
    else:
        decoder = _small_gpt2(settings, positions, tokenizer, cross_attention=cross_attention)
    _tell_ends(decoder, tokenizer)
    return decoder


def language_model(
    settings: Any,
    setting: str,
    prompt_size: int,
    inputs: ExplainerInputs,
    tokenizer: TextTokenizer,
    dtype: Any = torch.float32,
) -> PreTrainedModel:
    """A causal language model with an entry for each of our tokens.

    Args:
        settings: Its name or path, and the sizes of a GPT-2 made here where there is none.
        setting: The setting that has the name or path.
        prompt_size: The most positions of a prompt.
        inputs: What the explainer is built for.
        tokenizer: Of the texts.
        dtype: Of a pretrained model's weights; "auto" for the one they are stored in.

    Raises:
        SettingsError: If the model cannot be loaded, or has too few positions for a prompt and a
            text.
    """
    positions = prompt_size + inputs.max_tokens + 2
    name = getattr(settings, setting)
    if name:
        model = load_pretrained(AutoModelForCausalLM, setting, name, dtype=dtype)
        most = getattr(model.config, "max_position_embeddings", None)
        if most is not None and positions > most:
            raise SettingsError(
                f"language model '{name}' has {most} positions; a prompt of {prompt_size} "
                f"and a text of showcase_max_tokens = {inputs.max_tokens} need {positions}"
            )
        # A vocabulary is often padded beyond the tokenizer's; it must not shrink.
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
    else:
        model = _small_gpt2(settings, positions, tokenizer, cross_attention=False)
    _tell_ends(model, tokenizer)
    return model


def _tell_ends(model: PreTrainedModel, tokenizer: TextTokenizer) -> None:
    """Let ``generate`` know how texts start and end, and what pads them."""
    generation = model.generation_config
    assert generation is not None
    generation.bos_token_id = tokenizer.bos_id
    generation.eos_token_id = tokenizer.eos_id
    generation.pad_token_id = tokenizer.pad_id


def lora_config(model: PreTrainedModel, settings: Any, setting: str, **options: Any) -> Any:
    """What peft needs to put low-rank adapters into a model (Hu et al., "LoRA", ICLR 2022).

    Args:
        model: The language model.
        settings: Rank, scale and dropout of the adapters.
        setting: The setting that asks for them.
        **options: More fields of peft's ``LoraConfig``.

    Raises:
        SettingsError: If peft is not installed.
    """
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise SettingsError(
            f"setting '{setting}' is {getattr(settings, setting)!r}, which needs peft: "
            "pip install 'recbole_showcase[peft]'"
        ) from error
    return LoraConfig(
        r=settings.explainer_lora_rank,
        lora_alpha=settings.explainer_lora_alpha,
        lora_dropout=settings.explainer_dropout,
        # GPT-2 keeps its weights transposed.
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        **options,
    )


class PromptedExplainer(Explainer):
    """A causal language model that continues from a prompt with the text.

    A subclass has ``PromptedSettings``, gives ``prompt`` and sets ``language_model``. Prompts
    differ in length: they are padded on the left, so that the text follows its prompt at once, and
    padding takes no position.
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
        takes, length = _arguments(self.language_model), words.shape[1]
        if "position_ids" in takes:
            inputs["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
        if "logits_to_keep" in takes:  # a large vocabulary is dear, and nobody asks of the prompt
            inputs["logits_to_keep"] = length
        logits = self.language_model(**inputs).logits[:, -length:]  # (B, T - 1, V)
        return (next_token_loss(logits.float(), batch),)

    @torch.no_grad()
    def generate(
        self, batch: ExplanationBatch, user_vectors: Tensor | None, item_vectors: Tensor | None
    ) -> list[str]:
        """Texts of the pairs; see :meth:`Explainer.generate`."""
        return self.continued(*self.prompt(batch, user_vectors, item_vectors), batch)

    def continued(self, prompt: Tensor, mask: Tensor, batch: ExplanationBatch) -> list[str]:
        """Texts that go on from prompts (B, P, E) with their mask (B, P)."""
        start = self.embed(torch.full_like(batch.users, self.tokenizer.bos_id)).unsqueeze(1)
        ids = generate(
            self.language_model,
            self.settings,
            pairs_of(batch),
            inputs_embeds=torch.cat([prompt.to(start.dtype), start], dim=1),
            attention_mask=F.pad(mask, (0, 1), value=True).long(),
            max_new_tokens=self.inputs.max_tokens,
        )  # (B, T), without the prompt
        return self.tokenizer.decode(ids.tolist())


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


def past_words(tokens: Tensor, mask: Tensor, start: int, most: int) -> tuple[Tensor, Tensor]:
    """The words of past reviews as they stand in a prompt: the oldest first, each behind a start.

    Args:
        tokens: Ids (B, R, L), latest first.
        mask: Which of them are there (B, R, L).
        start: Id of the start of a text.
        most: The most tokens, the last ones.

    Returns:
        Ids (B, P) and their mask (B, P), padding on the left.
    """
    words, there = F.pad(tokens.flip(1), (1, 0), value=start), mask.flip(1)
    there = torch.cat([there.any(dim=-1, keepdim=True), there], dim=-1)  # (B, R, 1 + L)
    return to_the_right(words.flatten(1), there.flatten(1), most)


def _arguments(model: Any) -> Collection[str]:
    """What a model's ``forward`` takes: not all number their positions or leave logits out."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return inspect.signature(base.forward).parameters

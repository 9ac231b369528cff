"""GPT-2 with cross-attention as a decoder: made, loaded, frozen in parts, tuned by adapters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from recbole_showcase.data.tokenizer import TextTokenizer
from recbole_showcase.errors import SettingsError

# GPT-2's own attention and feed-forward layers, not the cross-attention that is new to it.
_LORA_TARGETS = r"transformer\.h\.\d+\.(attn\.(c_attn|c_proj)|mlp\.(c_fc|c_proj))"
_CROSS_ATTENTION = ("crossattention", "ln_cross_attn")


@dataclass(frozen=True)
class DecoderSettings:
    """Settings of the decoder; the explainer's YAML file explains and defaults them."""

    explainer_decoder: str | None
    explainer_hidden_size: int
    explainer_decoder_layers: int
    explainer_heads: int
    explainer_dropout: float
    explainer_freeze: tuple[Literal["encoder", "cross_attention", "language_model"], ...]
    explainer_lora_rank: int
    explainer_lora_alpha: float


def build_decoder(
    settings: DecoderSettings, tokenizer: TextTokenizer, max_tokens: int
) -> GPT2LMHeadModel:
    """GPT-2 with cross-attention: pretrained, or of the configured sizes.

    Args:
        settings: Name or sizes, what is frozen, the rank of the adapters.
        tokenizer: Of the texts to write.
        max_tokens: The most tokens of a text, its start and end not counted.

    Raises:
        SettingsError: If adapters are asked for and peft is not installed, or nothing is left to
            train.
    """
    if settings.explainer_decoder:
        decoder = GPT2LMHeadModel.from_pretrained(
            settings.explainer_decoder, add_cross_attention=True
        )
        decoder.resize_token_embeddings(len(tokenizer))
    else:
        decoder = GPT2LMHeadModel(_config(settings, tokenizer, max_tokens))
    generation = decoder.generation_config
    generation.bos_token_id = tokenizer.bos_id
    generation.eos_token_id = tokenizer.eos_id
    generation.pad_token_id = tokenizer.pad_id
    if settings.explainer_lora_rank:
        _add_adapters(decoder, settings)
    _freeze(decoder, settings)
    return decoder


def _config(settings: DecoderSettings, tokenizer: TextTokenizer, max_tokens: int) -> GPT2Config:
    dropout = settings.explainer_dropout
    return GPT2Config(
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_id,
        eos_token_id=tokenizer.eos_id,
        n_positions=max_tokens + 2,
        n_embd=settings.explainer_hidden_size,
        n_layer=settings.explainer_decoder_layers,
        n_head=settings.explainer_heads,
        activation_function="gelu_pytorch_tanh",  # GPT-2's own, in one kernel
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=dropout,
        # GPT-2's 0.02 belongs to its width of 768; at a small width it would all but
        # silence the cross-attention, and the text would take long to follow photos.
        initializer_range=0.02 * math.sqrt(768 / settings.explainer_hidden_size),
        add_cross_attention=True,
    )


def _add_adapters(decoder: GPT2LMHeadModel, settings: DecoderSettings) -> None:
    """LoRA (Hu et al., ICLR 2022) on the language model, whose own weights stay as they are."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise SettingsError(
            f"setting 'explainer_lora_rank' is {settings.explainer_lora_rank}, which needs peft; "
            "allowed: pip install 'recbole_showcase[peft]', or 0"
        ) from error
    config = LoraConfig(
        r=settings.explainer_lora_rank,
        lora_alpha=settings.explainer_lora_alpha,  # type: ignore[arg-type]
        lora_dropout=settings.explainer_dropout,
        target_modules=_LORA_TARGETS,
        fan_in_fan_out=True,  # GPT-2 keeps its weights transposed
    )
    inject_adapter_in_model(config, decoder)
    for name, parameter in decoder.named_parameters():
        if any(part in name for part in _CROSS_ATTENTION):
            parameter.requires_grad_(True)


def _freeze(decoder: nn.Module, settings: DecoderSettings) -> None:
    for name, parameter in decoder.named_parameters():
        cross = any(part in name for part in _CROSS_ATTENTION)
        part = "cross_attention" if cross else "language_model"
        if part in settings.explainer_freeze and "lora_" not in name:
            parameter.requires_grad_(False)

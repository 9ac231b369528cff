"""GPT-2 with cross-attention as a decoder: made, loaded, frozen in parts, tuned by adapters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel

from recbole_showcase.errors import SettingsError
from recbole_showcase.text.pretrained import load_pretrained
from recbole_showcase.text.tokenizer import TextTokenizer

# GPT-2's own attention and feed-forward layers, not the cross-attention that is new to it.
_LORA_TARGETS = r"transformer\.h\.\d+\.(attn\.(c_attn|c_proj)|mlp\.(c_fc|c_proj))"
_CROSS_ATTENTION = ("crossattention", "ln_cross_attn")


@dataclass(frozen=True)
class DecoderSettings:
    """Settings of the decoder; the explainer's YAML file explains them."""

    explainer_decoder: str | None = None
    explainer_hidden_size: int = 128
    explainer_decoder_layers: int = 2
    explainer_heads: int = 4
    explainer_dropout: float = 0.1
    explainer_freeze: tuple[Literal["encoder", "cross_attention", "language_model"], ...] = ()
    explainer_lora_rank: int = 0
    explainer_lora_alpha: float = 16.0


@dataclass(frozen=True)
class GPT2Sizes:
    """Sizes of a GPT-2 made here."""

    width: int
    layers: int
    heads: int
    dropout: float

    @classmethod
    def of(cls, settings: Any) -> GPT2Sizes:
        """Those of an explainer's settings."""
        return cls(
            width=settings.explainer_hidden_size,
            layers=settings.explainer_decoder_layers,
            heads=settings.explainer_heads,
            dropout=settings.explainer_dropout,
        )


def small_gpt2(
    sizes: GPT2Sizes, positions: int, tokenizer: TextTokenizer, *, cross_attention: bool = False
) -> GPT2LMHeadModel:
    """A GPT-2 that knows nothing yet.

    Args:
        sizes: Its sizes.
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
            n_embd=sizes.width,
            n_layer=sizes.layers,
            n_head=sizes.heads,
            activation_function="gelu_pytorch_tanh",  # GPT-2's own, in one kernel
            resid_pdrop=sizes.dropout,
            embd_pdrop=sizes.dropout,
            attn_pdrop=sizes.dropout,
            # GPT-2's 0.02 belongs to its width of 768; at a small width it would all but
            # silence the cross-attention, and the text would take long to follow photos.
            initializer_range=0.02 * math.sqrt(768 / sizes.width),
            add_cross_attention=cross_attention,
        )
    )


def tell_ends(model: PreTrainedModel, tokenizer: TextTokenizer) -> None:
    """Let ``generate`` know how texts start and end, and what pads them."""
    generation = model.generation_config
    assert generation is not None
    generation.bos_token_id = tokenizer.bos_id
    generation.eos_token_id = tokenizer.eos_id
    generation.pad_token_id = tokenizer.pad_id


def gpt2(
    settings: Any, positions: int, tokenizer: TextTokenizer, *, cross_attention: bool = False
) -> GPT2LMHeadModel:
    """A GPT-2: the one that ``explainer_decoder`` names, or one of the configured sizes.

    Args:
        settings: An explainer's.
        positions: The most tokens that one made here reads and writes.
        tokenizer: Of the texts to write.
        cross_attention: Whether it attends to an encoder.

    Raises:
        SettingsError: If it cannot be loaded.
    """
    if not settings.explainer_decoder:
        sizes = GPT2Sizes.of(settings)
        model = small_gpt2(sizes, positions, tokenizer, cross_attention=cross_attention)
    else:
        more = {"add_cross_attention": True} if cross_attention else {}
        name = settings.explainer_decoder
        model = load_pretrained(GPT2LMHeadModel, "explainer_decoder", name, **more)
        model.resize_token_embeddings(len(tokenizer))
    tell_ends(model, tokenizer)
    return model


def low_rank_adapters(rank: int, alpha: float, dropout: float, *, why: str, **options: Any) -> Any:
    """LoRA (Hu et al., ICLR 2022) as peft configures it.

    Args:
        rank: Of the adapters' matrices.
        alpha: What they are scaled by, over the rank.
        dropout: Before them, in training.
        why: The setting that asks for them.
        **options: More arguments of ``peft.LoraConfig``.

    Raises:
        SettingsError: If peft is not installed.
    """
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise SettingsError(
            f"{why}, which needs the package peft: pip install 'recbole_showcase[peft]'"
        ) from error
    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, **options)  # type: ignore[arg-type]


def build_decoder(
    settings: DecoderSettings, tokenizer: TextTokenizer, max_tokens: int
) -> GPT2LMHeadModel:
    """GPT-2 with cross-attention: pretrained, or of the configured sizes.

    Args:
        settings: Name or sizes, what is frozen, the rank of the adapters.
        tokenizer: Of the texts to write.
        max_tokens: The most tokens of a text, its start and end not counted.

    Raises:
        SettingsError: If the decoder cannot be loaded, adapters are asked for and peft is not
            installed, or nothing is left to train.
    """
    decoder = gpt2(settings, max_tokens + 2, tokenizer, cross_attention=True)
    if settings.explainer_lora_rank:
        _add_adapters(decoder, settings)
    _freeze(decoder, settings)
    return decoder


def _add_adapters(decoder: GPT2LMHeadModel, settings: DecoderSettings) -> None:
    """Adapters on the language model, whose own weights stay as they are."""
    config = low_rank_adapters(
        settings.explainer_lora_rank,
        settings.explainer_lora_alpha,
        settings.explainer_dropout,
        why=f"explainer_lora_rank is {settings.explainer_lora_rank}",
        target_modules=_LORA_TARGETS,
        fan_in_fan_out=True,  # GPT-2 keeps its weights transposed
    )
    from peft import inject_adapter_in_model

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

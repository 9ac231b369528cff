"""Pretrained transformers that metrics read texts with: how they are loaded, tried and fed.

Loaded where they are used; together with the modules that use them the only ones that need torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from recbole_showcase.console import others_bars
from recbole_showcase.errors import SettingsError, refusal_of

if TYPE_CHECKING:
    from torch import Tensor

_BATCH = 64
_MAX_TOKENS = 512


class PretrainedModel:
    """A transformer and its tokenizer, in evaluation mode.

    A subclass says which class of transformers loads it, and what it is called in errors.
    """

    auto: ClassVar[str] = "AutoModel"
    title: ClassVar[str] = "text model"

    def __init__(self, name: str, device: str = "cpu") -> None:
        """Load both.

        Args:
            name: A name on the Hugging Face hub, or the path of a folder that has both.
            device: Where to compute.

        Raises:
            SettingsError: They cannot be loaded.
        """
        import transformers

        self.name = name
        try:
            options = {"trust_remote_code": False}  # not even a question on the terminal
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(name, **options)
            with others_bars():
                loaded = getattr(transformers, self.auto).from_pretrained(
                    name, output_loading_info=True, **options
                )
        except Exception as error:  # what is damaged is told by anything: of safetensors, torch
            raise self.refused(f"cannot be loaded: {refusal_of(error)}") from error
        self.model, self.missing = loaded[0].to(device).eval(), sorted(loaded[1]["missing_keys"])
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.padding_side = "right"

    def refused(self, why: str) -> SettingsError:
        """The error that says what is wrong with the model."""
        return SettingsError(f"{self.title} '{self.name}' {why}")

    @property
    def window(self) -> int:
        """The most tokens that it reads at once, special ones counted."""
        positions = getattr(self.model.config, "max_position_embeddings", None) or 0
        known = positions if positions > 0 else _MAX_TOKENS  # some say -1 for any number
        return min(self.tokenizer.model_max_length, known, _MAX_TOKENS)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Reads with it what a training is not to be lost for.

        Raises:
            SettingsError: If it is no model that reads a text.
        """
        try:
            yield
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise self.refused(f"cannot read a text: {error}") from error

    def encode(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> Any:
        """Texts (B), or pairs of texts, padded on the model's device; cut where they are too long.

        Args:
            texts: Of pairs the first ones, which are those that are cut.
            seconds: The second texts of pairs.
        """
        return self.tokenizer(
            [text.strip() for text in texts],
            seconds if seconds is None else [text.strip() for text in seconds],
            padding=True,
            truncation="only_first",
            max_length=self.window,
            return_tensors="pt",
        ).to(self.model.device)


def of_like_length(*sides: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of N texts, or pairs of texts, in batches of like length, which pad little."""
    lengths = [sum(map(len, texts)) for texts in zip(*sides, strict=True)]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]


class TextModel(PretrainedModel):
    """A transformer that gives hidden states of texts."""

    def try_out(self, layer: int) -> None:
        """Read a word, so that a model that cannot is refused before a training.

        Args:
            layer: As for :meth:`states`.

        Raises:
            SettingsError: If it is no model that reads a text, or has no such layer.
        """
        with self.trial():
            layers = self.model.config.num_hidden_layers
            if not -layers - 1 <= layer <= layers:
                raise self.refused(
                    f"has no layer {layer}; allowed is {-layers - 1} to {layers} in the setting "
                    "'showcase_text_layer'"
                )
            next(self.states(["word"], layer))

    def states(self, texts: Sequence[str], layer: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Hidden states of texts, batch by batch; a text is cut after 512 tokens.

        Args:
            texts: N texts.
            layer: Which states, 0 being the embeddings and -1 the last layer's.

        Yields:
            States (B, T, H), which of them are there (B, T), and which are of words and not of
            special tokens (B, T).
        """
        import torch

        for start in range(0, len(texts), _BATCH):
            given = self.tokenizer(
                [text.strip() for text in texts[start : start + _BATCH]],
                padding=True,
                truncation=True,
                max_length=self.window,
                return_special_tokens_mask=True,
                return_tensors="pt",
            ).to(self.model.device)
            special = given.pop("special_tokens_mask").bool()
            there = given["attention_mask"].bool()
            if not there.any():  # texts without any token: nothing to run a model on
                yield torch.zeros(*there.shape, 1), there, there
                continue
            with torch.no_grad():
                hidden = self.model(**given, output_hidden_states=True).hidden_states
            yield hidden[layer].float().cpu(), there.cpu(), (there & ~special).cpu()

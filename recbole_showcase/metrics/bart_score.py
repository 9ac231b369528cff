"""BARTScore: how likely a sequence-to-sequence model finds one text, having read another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics._checks import check_texts, mean
from recbole_showcase.metrics.pretrained import PretrainedModel, of_like_length

Direction = Literal["precision", "recall", "f"]
_DIRECTIONS = ("precision", "recall", "f")
_IGNORED = -100  # what transformers takes for no target


class LikelihoodModel(PretrainedModel):
    """A sequence-to-sequence model that tells how likely texts are."""

    auto: ClassVar[str] = "AutoModelForSeq2SeqLM"
    title: ClassVar[str] = "sequence-to-sequence model"

    def try_out(self) -> None:
        """Read and write a word, so that a model that cannot is refused before a training.

        Raises:
            SettingsError: If it cannot.
        """
        with self.trial():
            self.log_likelihoods(["word"], ["word"])

    def log_likelihoods(
        self, sources: Sequence[str], targets: Sequence[str]
    ) -> NDArray[np.float64]:
        """Mean log-probability of a token of each target, those before it and its source given.

        Args:
            sources: N texts.
            targets: N texts; their tokens are those that the tokenizer gives, special ones too.

        Returns:
            Shape (N,), at most 0; NaN for a target without a token.
        """
        import torch

        found = np.full(len(targets), np.nan)
        with torch.no_grad():
            for index in of_like_length(sources, targets):
                read = self.encode([sources[n] for n in index])
                written = self._as_target([targets[n] for n in index])
                labels = written["input_ids"].masked_fill(written["attention_mask"] == 0, _IGNORED)
                logits = self.model(**read, labels=labels).logits.double()  # (B, T, V)
                there = labels != _IGNORED
                place = labels.clamp(min=0).unsqueeze(-1)
                each = logits.log_softmax(dim=-1).gather(-1, place).squeeze(-1)  # (B, T)
                total = each.masked_fill(~there, 0.0).sum(dim=1)
                found[index] = (total / there.sum(dim=1)).cpu().numpy()  # 0 / 0 is NaN
        return found

    def _as_target(self, texts: Sequence[str]) -> Any:
        """Texts (B) as the model is to write them, which some tokenizers mark."""
        return self.tokenizer(
            text_target=[text.strip() for text in texts],
            padding=True,
            truncation=True,
            max_length=self.window,
            return_tensors="pt",
        ).to(self.model.device)


def bart_score(
    hypotheses: Sequence[str],
    references: Sequence[str],
    model: str | LikelihoodModel,
    *,
    direction: Direction = "f",
) -> float:
    """How likely a model finds a text after the other, averaged over pairs.

    Yuan, Neubig, Liu, "BARTScore: Evaluating Generated Text as Text Generation", NeurIPS 2021:
    the mean log-probability of a token of the one text, those before it and the other text given.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        model: A loaded model, or its name or path.
        direction: ``precision`` asks for the generated text after the true one, ``recall`` for the
            true one after the generated one, ``f`` for the mean of both.

    Returns:
        At most 0, higher being likelier; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: The model cannot be loaded, or the direction is none of the three.
    """
    return mean(bart_score_values(hypotheses, references, model, direction=direction))


def bart_score_values(
    hypotheses: Sequence[str],
    references: Sequence[str],
    model: str | LikelihoodModel,
    *,
    direction: Direction = "f",
) -> NDArray[np.float64]:
    """:func:`bart_score` of each pair (N,)."""
    check_texts(hypotheses=hypotheses, references=references)
    if direction not in _DIRECTIONS:
        raise SettingsError(f"direction is '{direction}'; allowed are {list(_DIRECTIONS)}")
    reader = LikelihoodModel(model) if isinstance(model, str) else model
    sides = []
    if direction != "recall":
        sides.append(reader.log_likelihoods(references, hypotheses))
    if direction != "precision":
        sides.append(reader.log_likelihoods(hypotheses, references))
    return np.mean(sides, axis=0)

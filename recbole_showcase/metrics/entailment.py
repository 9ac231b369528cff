"""What of a text is said by another: statements checked by natural-language inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.metrics._checks import check_same_length, check_texts, mean, share
from recbole_showcase.metrics.pretrained import PretrainedModel, of_like_length

Texts = Sequence[Sequence[str]]  # each as its sentences


class EntailmentModel(PretrainedModel):
    """A classifier of pairs of texts, one of whose labels is entailment.

    Any sequence classifier of Hugging Face's: which label it is stands in its configuration.
    """

    auto: ClassVar[str] = "AutoModelForSequenceClassification"
    title: ClassVar[str] = "model of natural-language inference"

    def __init__(self, name: str, device: str = "cpu") -> None:
        """Load it, and find its label.

        Args:
            name: A name on the Hugging Face hub, or the path of a folder.
            device: Where to compute.

        Raises:
            SettingsError: It cannot be loaded, has no trained classifier, or no such label.
        """
        super().__init__(name, device)
        labels: Mapping[int, str] = self.model.config.id2label
        found = [number for number, label in labels.items() if label.lower() == "entailment"]
        if len(found) != 1 or len(labels) < 2:
            raise self.refused(
                f"has the labels {', '.join(map(str, labels.values()))} (id2label in its "
                "config.json); allowed: two or more, one of them 'entailment' in any case"
            )
        if self.missing:
            raise self.refused(f"has no weights for {', '.join(self.missing[:3])}")
        self.label = found[0]

    @property
    def room(self) -> tuple[int, int]:
        """The most tokens of a premise and of a statement: three and one quarter of its window."""
        tokens = self.window - self.tokenizer.num_special_tokens_to_add(pair=True)
        return tokens - tokens // 4, tokens // 4

    def try_out(self) -> None:
        """Judge a pair of words, so that a model that cannot is refused before a training.

        Raises:
            SettingsError: If it cannot.
        """
        with self.trial():
            self.entails([("word", "word")])

    def entails(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
        """Whether entailment is the likeliest label of (premise, statement) pairs (P,).

        What has more tokens than there is room for is cut at its end.
        """
        import torch

        found = np.zeros(len(pairs), dtype=bool)
        premises = [premise for premise, _ in pairs]
        statements = self._cut([statement for _, statement in pairs])
        with torch.no_grad():
            for index in of_like_length(premises, statements):
                given = self.encode(*([side[n] for n in index] for side in (premises, statements)))
                found[index] = (self.model(**given).logits.argmax(dim=-1) == self.label).cpu()
        return found

    def pieces(self, sentences: Sequence[str]) -> list[str]:
        """A premise in as few texts as there is room for, parted between sentences.

        A sentence that is longer by itself is a piece, and will be cut.
        """
        whole = " ".join(sentences)
        most = self.room[0]
        if len(sentences) < 2 or self._lengths([whole])[0] <= most:
            return [whole] if whole.strip() else []
        parts: list[list[str]] = [[]]
        taken = 0
        for sentence, tokens in zip(sentences, self._lengths(sentences), strict=True):
            if parts[-1] and taken + tokens > most:
                parts.append([])
                taken = 0
            parts[-1].append(sentence)
            taken += tokens
        return [" ".join(part) for part in parts]

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text, special ones not counted."""
        encoded = self.tokenizer(list(texts), add_special_tokens=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _cut(self, statements: Sequence[str]) -> list[str]:
        """The statements, those without room cut at their end, so that a premise keeps its own."""
        most = self.room[1]
        different = list(dict.fromkeys(statements))
        encoded = self.tokenizer(different, add_special_tokens=False, verbose=False)["input_ids"]
        short = {
            text: text if len(ids) <= most else self.tokenizer.decode(ids[:most])
            for text, ids in zip(different, encoded, strict=True)
        }
        return [short[text] for text in statements]


def entailed_share(
    statements: Texts, premises: Sequence[Texts], model: str | EntailmentModel
) -> float:
    """Share of the statements of a text that one of its premises entails, averaged over texts.

    The statements of a generated text and its true text as the premise: precision, how much of
    what is said is true. The other way round: recall, how much of what is true is said. With what
    others wrote of the item as premises: how much is known of the item.

    Args:
        statements: N texts, each as its statements, such as its sentences.
        premises: For each the texts that it is held against, each as its sentences: one that is
            longer than the model reads is parted between them. A statement counts as entailed if
            some premise, or some part of one, has entailment as its likeliest label.
        model: A loaded model, or its name or path.

    Returns:
        Between 0 and 1, over texts with a statement and a premise; NaN if there are none.

    Raises:
        DataError: The lengths differ, or a text is not given as sentences.
        SettingsError: The model cannot be loaded or has no label of entailment.
    """
    return mean(entailed_share_values(statements, premises, model))


def entailed_share_values(
    statements: Texts, premises: Sequence[Texts], model: str | EntailmentModel
) -> NDArray[np.float64]:
    """:func:`entailed_share` of each text (N,), NaN for one without a statement or a premise.

    A pair of a statement and a premise is judged once, however many texts have it.
    """
    check_same_length(statements=statements, premises=premises)
    for number, (own, others) in enumerate(zip(statements, premises, strict=True)):
        check_texts(**{f"statements[{number}]": own})
        for text in others:
            check_texts(**{f"premises[{number}]": text})
    judge = EntailmentModel(model) if isinstance(model, str) else model
    different = {tuple(text) for texts in premises for text in texts}
    pieces = {text: judge.pieces(text) for text in sorted(different)}
    asked = []  # for each text and each of its statements, the pairs any of which may entail it
    for own, texts in zip(statements, premises, strict=True):
        parts = [piece for text in texts for piece in pieces[tuple(text)]]
        asked.append([[(part, said) for part in parts] for said in own if said.strip()])
    pairs = list(dict.fromkeys(pair for text in asked for said in text for pair in said))
    entailed = dict(zip(pairs, judge.entails(pairs).tolist(), strict=True))
    hits = [sum(any(map(entailed.__getitem__, said)) for said in text) for text in asked]
    known = [len(text) if text and text[0] else 0 for text in asked]
    return share(hits, known)

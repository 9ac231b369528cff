"""Metrics that read texts with a pretrained transformer: BERTScore and MAUVE.

Loaded where they are used; the only metrics that need torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics._checks import check_at_least_one, check_texts, mean

if TYPE_CHECKING:
    from torch import Tensor

_BATCH = 64
_MAX_TOKENS = 512
# MAUVE's constants, as published with it.
_SCALE = 5.0
_MIXTURES = 25
_VARIANCE = 0.9


class TextModel:
    """A transformer and its tokenizer, in evaluation mode."""

    def __init__(self, name: str, device: str = "cpu") -> None:
        """Load both.

        Args:
            name: A name on the Hugging Face hub, or the path of a folder that has both.
            device: Where to compute.

        Raises:
            SettingsError: They cannot be loaded.
        """
        from transformers import AutoModel, AutoTokenizer

        self.name = name
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(name)
            self.model = AutoModel.from_pretrained(name).to(device).eval()
        except (OSError, ValueError) as error:
            raise SettingsError(f"text model '{name}' cannot be loaded: {error}") from error
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.padding_side = "right"

    def try_out(self, layer: int) -> None:
        """Read a word, so that a model that cannot is refused before a training.

        Args:
            layer: As for :meth:`states`.

        Raises:
            SettingsError: If it is no model that reads a text, or has no such layer.
        """
        try:
            next(self.states(["word"], layer))
        except IndexError as error:
            layers = self.model.config.num_hidden_layers
            raise SettingsError(
                f"text model '{self.name}' has no layer {layer}; allowed is "
                f"{-layers - 1} to {layers} in the setting 'showcase_text_layer'"
            ) from error
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise SettingsError(f"text model '{self.name}' cannot read a text: {error}") from error

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
                max_length=min(self.tokenizer.model_max_length, _MAX_TOKENS),
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


def bert_score(
    hypotheses: Sequence[str], references: Sequence[str], model: str | TextModel, *, layer: int = -1
) -> float:
    """F of BERTScore, averaged over pairs, times 100.

    Zhang et al., "BERTScore: Evaluating Text Generation with BERT", ICLR 2020. Each token of a
    text is matched to the token of the other whose contextual vector is nearest by cosine; P is
    the mean over the tokens of the generated text, R that over those of the true one. Special
    tokens may be matched to, and are not averaged over. No idf weights, no baseline.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        model: A loaded model, or its name or path.
        layer: Whose hidden states are compared, 0 being the embeddings and -1 the last layer's.

    Returns:
        Between -100 and 100; a pair with an empty text counts 0; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: The model cannot be loaded.
    """
    return mean(bert_score_values(hypotheses, references, model, layer=layer))


def bert_score_values(
    hypotheses: Sequence[str], references: Sequence[str], model: str | TextModel, *, layer: int = -1
) -> NDArray[np.float64]:
    """:func:`bert_score` of each pair, shape (N,)."""
    check_texts(hypotheses=hypotheses, references=references)
    reader = TextModel(model) if isinstance(model, str) else model
    sides = (reader.states(hypotheses, layer), reader.states(references, layer))
    parts = [_greedy_f(said, true) for said, true in zip(*sides, strict=True)]
    return 100.0 * np.concatenate([np.empty(0), *parts])


def _greedy_f(
    said: tuple[Tensor, Tensor, Tensor], true: tuple[Tensor, Tensor, Tensor]
) -> NDArray[np.float64]:
    """F of the greedy matching of the tokens of two batches of texts (B,)."""
    import torch.nn.functional as F

    if not (said[2].any() and true[2].any()):
        return np.zeros(len(said[1]))
    first, second = (F.normalize(side[0].double(), dim=-1) for side in (said, true))
    cosine = first @ second.transpose(1, 2)  # (B, T, U)
    precision = cosine.masked_fill(~true[1][:, None, :], -2.0).amax(dim=2)  # (B, T)
    recall = cosine.masked_fill(~said[1][:, :, None], -2.0).amax(dim=1)  # (B, U)
    means = []
    for best, (_, _, words) in ((precision, said), (recall, true)):
        count = words.sum(dim=1)
        means.append((best.masked_fill(~words, 0.0).sum(dim=1) / count.clamp(min=1)).numpy())
    filled = (said[2].any(dim=1) & true[2].any(dim=1)).numpy()
    total = means[0] + means[1]
    usable = filled & (total != 0)
    return np.divide(2.0 * means[0] * means[1], total, out=np.zeros(len(filled)), where=usable)


def mauve(
    hypotheses: Sequence[str],
    references: Sequence[str],
    model: str | TextModel,
    *,
    clusters: int | None = None,
    seed: int = 0,
) -> float:
    """MAUVE of the generated texts and the true ones, as two collections.

    Pillutla et al., "MAUVE: Measuring the Gap Between Neural Text and Human Text using Divergence
    Frontiers", NeurIPS 2021. The vector of a text is the last hidden state of its last token.

    Args:
        hypotheses: Generated texts.
        references: True texts; their number and order are their own.
        model: A loaded model, or its name or path.
        clusters: As for :func:`mauve_of_vectors`.
        seed: As for :func:`mauve_of_vectors`.

    Returns:
        Above 0 and up to 1; texts without a token are left out; NaN if a side has no text left.

    Raises:
        DataError: A single text was given instead of a list.
        SettingsError: The model cannot be loaded.
    """
    check_texts(hypotheses=hypotheses)
    check_texts(references=references)
    reader = TextModel(model) if isinstance(model, str) else model
    return mauve_of_vectors(
        _last_states(reader, hypotheses),
        _last_states(reader, references),
        clusters=clusters,
        seed=seed,
    )


def mauve_of_vectors(
    said: ArrayLike, true: ArrayLike, *, clusters: int | None = None, seed: int = 0
) -> float:
    """MAUVE of two sets of vectors: they are clustered together, and the histograms compared.

    Args:
        said: Vectors of the generated texts (N, D).
        true: Vectors of the true texts (M, D).
        clusters: Number of clusters; by default a tenth of min(N, M), at least 2.
        seed: Of k-means.

    Returns:
        Above 0 and up to 1; NaN if a set is empty.

    Raises:
        DataError: The shapes do not fit.
        SettingsError: clusters is below 1.
    """
    first, second = np.asarray(said, np.float64), np.asarray(true, np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise DataError(f"vectors {first.shape} and {second.shape}; allowed are (N, D) and (M, D)")
    if not len(first) or not len(second):
        return float("nan")
    if clusters is None:
        clusters = max(2, round(min(len(first), len(second)) / 10))
    check_at_least_one(clusters=clusters)
    labels = _cluster(np.concatenate([first, second]), clusters, seed)
    histograms = (
        np.bincount(part, minlength=clusters) / len(part) for part in np.split(labels, [len(first)])
    )
    return frontier_area(*histograms)


def frontier_area(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Area under the divergence frontier of two distributions (C,)."""
    from scipy.special import rel_entr

    weights = np.linspace(1e-6, 1 - 1e-6, _MIXTURES)[:, None]
    mixtures = weights * p + (1 - weights) * q  # (mixtures, C)
    across = np.exp(-_SCALE * rel_entr(q, mixtures).sum(axis=1))
    along = np.exp(-_SCALE * rel_entr(p, mixtures).sum(axis=1))
    across, along = np.concatenate([[1.0], across, [0.0]]), np.concatenate([[0.0], along, [1.0]])
    # Each axis in its turn is the one integrated over, and the two areas are averaged.
    areas = [
        np.trapezoid(other[order], axis[order])
        for axis, other in ((across, along), (along, across))
        for order in [np.lexsort((-other, axis))]
    ]
    return float(np.mean(areas))


def _cluster(vectors: NDArray[np.float64], clusters: int, seed: int) -> NDArray[Any]:
    """Cluster of each vector, scaled to length one and reduced to 90 % of the variance (N,)."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    if not np.ptp(unit, axis=0).any():
        return np.zeros(len(unit), dtype=np.int64)
    reduced = PCA(random_state=seed).fit(unit)
    kept = int(np.searchsorted(np.cumsum(reduced.explained_variance_ratio_), _VARIANCE)) + 1
    points = reduced.transform(unit)[:, :kept]
    different = len(np.unique(points, axis=0))
    means = KMeans(min(clusters, different), n_init=5, max_iter=500, random_state=seed)
    return means.fit_predict(points)


def _last_states(reader: TextModel, texts: Sequence[str]) -> NDArray[np.float64]:
    """Last hidden state of the last token of each text that has one (N, H)."""
    parts = [np.empty((0, reader.model.config.hidden_size))]
    for states, there, _ in reader.states(texts, layer=-1):
        filled = there.any(dim=1)
        last = there[filled].sum(dim=1) - 1
        if len(last):
            parts.append(states[filled][range(len(last)), last].double().numpy())
    return np.concatenate(parts)

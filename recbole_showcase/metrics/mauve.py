"""MAUVE: whether two collections of texts are distributed alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recbole_showcase.errors import DataError
from recbole_showcase.metrics._checks import check_at_least_one, check_texts
from recbole_showcase.metrics.pretrained import TextModel

# Its constants, as published with it.
_SCALE = 5.0
_MIXTURES = 25
_VARIANCE = 0.9


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

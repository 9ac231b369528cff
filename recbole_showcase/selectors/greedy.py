"""Greedy maximum a posteriori of determinantal point processes, batched over sets.

The algorithm of Chen, Zhang and Zhou, "Fast Greedy MAP Inference for Determinantal Point Process to
Improve Recommendation Diversity", NeurIPS 2018. The differences to the paper: what "linearly
dependent" means does not depend on the quality's scale; and photos are evaluated lazily, after
Minoux, "Accelerated Greedy Algorithms for Maximizing Submodular Set Functions", 1978. What a photo
adds is never more than its quality, so a photo whose quality is below what the last of the chosen
ones adds needs no look at its features: the algorithm runs among the photos of highest quality, and
again among more of them for those sets in which that does not prove the choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.selectors.cosines import TIES, Cosines

# Share of a photo's squared length that the chosen photos do not span. Rounding to float16 leaves
# about 1e-7 between two copies of a photo, so below this a photo adds nothing to the set.
EPSILON = 1e-5
# Share of the highest quality below which the digits of float32 run out.
_LEAST = 1e-30
# How many times as many photos are looked at where fewer did not prove a choice.
_GROWTH = 4
# Among how many at most by their kernel, whose size is the square.
_WIDEST = 128


def greedy_map(
    relevance: Tensor,
    features: Tensor,
    mask: Tensor,
    k: int,
    trade_off: float,
    width: int | None = None,
) -> Tensor:
    """Greedily maximise log det L_Y, one photo of every set at a time.

    A step adds the photo that raises log det L_Y most: 2 * trade_off * relevance_i + log d_i,
    where d_i is what remains of photo i's squared length outside the span of those chosen.
    Photos with d_i <= EPSILON (copies, or features of zeros) are only taken when nothing else is
    left, by relevance.

    Args:
        relevance: float64, 0 where masked, shape (B, C).
        features: float32 or float64, shape (B, C, D); what is masked may hold anything.
        mask: True for real candidates, shape (B, C).
        k: Number of photos, at most C.
        trade_off: Weight of relevance against variety.
        width: Among how many photos of highest quality to look first. Another width takes another
            time and gives the same choice.

    Returns:
        Indices (B, k) in the order of choice; arbitrary after a set's last real candidate.
    """
    if not trade_off:
        return _over_all(relevance, features, mask, k, trade_off)
    found, rest = _lazily(relevance, features, mask, k, trade_off, width or first_width(k))
    if len(rest) == len(mask):
        return _over_all(relevance, features, mask, k, trade_off)
    order = torch.from_numpy(found).to(mask.device)
    if len(rest):
        at = torch.from_numpy(rest).to(mask.device)
        of_rest = relevance[at], features[at], mask[at]
        order[at] = _over_all(*of_rest, k, trade_off)
    return order


@np.errstate(all="ignore")  # what is no number proves nothing
def _lazily(
    relevance: Tensor, features: Tensor, mask: Tensor, k: int, trade_off: float, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Greedily among more and more of the photos of highest quality, until the choice is proven.

    Arguments are those of :func:`greedy_map`.

    Returns:
        Indices (B, k), and the sets (R,) whose choice is not proven.
    """
    real, rest = mask.cpu().numpy(), np.arange(len(mask))
    known = np.where(real, relevance.cpu().numpy(), -np.inf)
    below = np.maximum.reduce(known, axis=1, keepdims=True) - known  # (R, C), 0 is best
    below *= 2.0 * trade_off
    found = np.empty((len(mask), k), np.int64)
    for looked_at in _widths(width, mask.shape[1]):
        found[rest], certain = _among_the_best(below, features, rest, k, looked_at)
        if not certain.all():  # where all real photos are chosen, the rest is arbitrary
            certain |= np.arange(k) >= real[rest].sum(axis=1, keepdims=True)
        if certain.all():
            return found, rest[:0]
        unsure = ~certain.all(axis=1)
        below, rest = below[unsure], rest[unsure]
    return found, rest


def _widths(first: int, size: int) -> Iterator[int]:
    """Among how many photos of a set to look, one after the other."""
    width = first
    while 2 * width <= size and width <= _WIDEST:
        yield width
        width *= _GROWTH
    if size <= _WIDEST:  # all of them take little more than half of them
        yield size


def first_width(k: int) -> int:
    """Among how many photos k are looked for first: enough for most sets, photos alike or not."""
    return 8 * math.ceil((2 * k + 2) / 8)  # in eights, whose products are faster than of fewer


def _among_the_best(
    below: np.ndarray, features: Tensor, sets: np.ndarray, k: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Greedily among the photos of highest quality of some sets.

    Features stay where they are, and what is left of them is small. There NumPy starts an operation
    in a fraction of the time of PyTorch, and a device need not answer in every step.

    Args:
        below: How far log q^2 is below the highest of the set, float64, shape (R, C).
        features: Of all sets, shape (B, C, D).
        sets: Which of them are meant (R,).
        k: Number of photos.
        width: Among how many.

    Returns:
        Indices (R, k), and whether each is certainly that among all photos (R, k).
    """
    n_sets, size = below.shape
    places, quality, other = _highest(below, width)
    at = torch.from_numpy((places + sets[:, None] * size).ravel()).to(features.device)
    looked_at = features.flatten(0, 1).index_select(0, at).view(n_sets, width, -1)
    kernel = torch.bmm(looked_at, looked_at.mT).cpu().numpy()
    tie = TIES[features.dtype]
    order, gains = _by_kernel(quality.astype(kernel.dtype), kernel, k, tie)  # (k, R)
    order += np.arange(0, n_sets * width, width)
    least = np.maximum(EPSILON * quality.take(order), np.maximum(other, _LEAST))
    certain = gains * (1.0 - tie) > least
    return places.take(order).T, certain.T


def _highest(below: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The photos of highest quality q^2 of each set, as shares of the highest.

    Args:
        below: As in :func:`_among_the_best`.
        width: How many.

    Returns:
        Their places in ascending order (R, width), their quality, 0 of masked ones, float64, and
        the highest of all others (R,).
    """
    n_sets, size = below.shape
    if width == size:
        places = np.tile(np.arange(size), (n_sets, 1))
        return places, np.exp(-below), np.zeros(n_sets)
    # Floats of one sign have the order of their bits. The lowest bits become the place, so that
    # values alone have to be parted, which NumPy does without a branch.
    low = (1 << (size - 1).bit_length()) - 1
    keys = below.view(np.int64) & ~low
    keys |= np.arange(size)
    keys.partition(width, axis=1)
    places = np.sort(keys[:, :width] & low, axis=1)
    quality = np.exp(-below.take(places + np.arange(0, below.size, size)[:, None]))
    return places, quality, np.exp(-(keys[:, width] & ~low).view(np.float64))


def _by_kernel(
    quality: np.ndarray, kernel: np.ndarray, k: int, tie: float
) -> tuple[np.ndarray, np.ndarray]:
    """Greedily by an incremental Cholesky factor of the products of photos.

    Sets come last, so that each operation runs along many of them: a row of some photos is short.

    Args:
        quality: q^2, shape (R, W).
        kernel: Products of the features of all pairs of photos, shape (R, W, W).
        k: Number of photos.
        tie: Gains this near, as a share, are equal.

    Returns:
        Indices (k, R), and q_i^2 d_i of each when it was chosen (k, R).
    """
    n_sets, width = quality.shape
    sets, first = np.arange(n_sets), np.arange(0, n_sets * width, width)
    rows = kernel.reshape(-1, width)
    left = kernel.reshape(n_sets, -1)[:, :: width + 1].T.copy()  # (W, R), d_i |v_i|^2
    worth = quality.T / np.maximum(left, np.finfo(kernel.dtype).tiny)
    factor = np.empty((k, width, n_sets), kernel.dtype)
    order = np.empty((k, n_sets), np.int64)
    gains = np.empty((k, n_sets), kernel.dtype)
    for step in range(k):
        if step:
            best, earlier, row = order[step - 1], factor[: step - 1], factor[step - 1]
            at = best * n_sets + sets
            row[:] = rows.take(first + best, axis=0).T
            if step > 1:
                of_best = earlier.reshape(step - 1, -1).take(at, axis=1)
                row -= np.add.reduce(earlier * of_best[:, None], axis=0)
            row /= np.sqrt(left.take(at))
            left -= row * row
        gain = worth * left
        largest = np.maximum.reduce(gain, axis=0, out=gains[step])
        # argmax returns the first of equals, here the lowest index within rounding of the maximum.
        (gain >= largest * (1.0 - tie)).argmax(axis=0, out=order[step])
    return order, gains


def _over_all(
    relevance: Tensor, features: Tensor, mask: Tensor, k: int, trade_off: float
) -> Tensor:
    """Greedily among all photos of a set, by the incremental Cholesky factor of S.

    Since log det L_Y = sum 2 log q_i + log det S_Y, the quality joins as a logarithm: nothing
    overflows. Only cosines with chosen photos are taken; the factor and the gains are float64.

    Arguments and result are those of :func:`greedy_map`. Takes O(k^2 C + k C D) for a set.
    """
    cosines = Cosines(features)
    residual = cosines.exists.double()  # (B, C): 1, or 0 for features of zeros
    quality = 2.0 * trade_off * relevance  # (B, C), log q^2
    tie = TIES[features.dtype]
    cholesky = quality.new_zeros(len(mask), k, mask.shape[1])  # (B, k, C)
    free = mask.clone()
    rows = torch.arange(len(mask), device=mask.device)
    order = torch.empty(len(mask), k, dtype=torch.long, device=mask.device)
    for step in range(k):
        best = _best(quality, relevance, residual, free, tie)  # (B,)
        order[:, step] = best
        free[rows, best] = False
        if step + 1 < k:
            row = _next_row(cosines.to(best), cholesky[:, :step], residual, best)
            cholesky[:, step] = row
            residual = residual - row.square()
    return order


def _next_row(similarity: Tensor, earlier: Tensor, residual: Tensor, best: Tensor) -> Tensor:
    """Row (B, C) that the chosen photos add to the factor (B, step, C)."""
    rows = torch.arange(len(best), device=best.device)
    explained = torch.bmm(earlier[rows, :, best].unsqueeze(1), earlier).squeeze(1)  # (B, C)
    pivot = residual[rows, best].unsqueeze(1)  # (B, 1)
    # A pivot below EPSILON was taken as a filler; only fillers can follow, so the row is unused.
    return (similarity - explained) / pivot.clamp(min=EPSILON).sqrt()


def _best(quality: Tensor, relevance: Tensor, residual: Tensor, free: Tensor, tie: float) -> Tensor:
    """Index (B,) of the free photo of largest gain, or of largest relevance where none gains."""
    gains = free & (residual > EPSILON)
    score = (quality + residual.clamp(min=EPSILON).log()).masked_fill(~gains, -torch.inf)
    largest = score.amax(dim=1, keepdim=True)
    if bool((largest == -torch.inf).any()):
        fill = relevance.masked_fill(~free, -torch.inf)
        score = torch.where(largest == -torch.inf, fill, score)
        largest = score.amax(dim=1, keepdim=True)
    # argmax returns the first of equals, here the lowest index within rounding of the maximum.
    return (score >= largest - tie).int().argmax(dim=1)

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

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.selectors.cosines import TIES, Cosines

# Share of a photo's squared length that the chosen photos do not span. Rounding to float16 leaves
# about 1e-7 between two copies of a photo, so below this a photo adds nothing to the set.
EPSILON = 1e-5
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
    if width is None:
        width = first_width(k)
    size = mask.shape[1]
    # All of them at once takes little more than half of them, as long as their kernel is small.
    width = width if 2 * width <= size else size
    if not trade_off or width > _WIDEST:
        return _over_all(relevance, features, mask, k, trade_off)
    order, sure = _among_the_best(relevance, features, mask, k, trade_off, width)
    if bool(sure.all()):
        return order
    rest = (~sure).nonzero().squeeze(1)
    left = (relevance, features, mask)
    if len(rest) < len(order):
        left = (relevance[rest], features[rest], mask[rest])
    if width == size:
        order[rest] = _over_all(*left, k, trade_off)
    else:
        order[rest] = greedy_map(*left, k, trade_off, _GROWTH * width)
    return order


def first_width(k: int) -> int:
    """Among how many photos k are looked for first: enough for most sets, photos alike or not."""
    return 2 * k + 2


def _among_the_best(
    relevance: Tensor, features: Tensor, mask: Tensor, k: int, trade_off: float, width: int
) -> tuple[Tensor, Tensor]:
    """Greedily among the photos of highest quality of each set.

    Arguments are those of :func:`greedy_map`.

    Returns:
        Indices (B, k), and whether they are certainly those among all photos (B,).
    """
    n_sets, size = mask.shape
    places, quality, other = _highest(relevance, mask, 2.0 * trade_off, width)
    at = torch.arange(0, n_sets * size, size, device=mask.device).unsqueeze(1) + places
    chosen = features.flatten(0, 1).index_select(0, at.flatten()).view(n_sets, width, -1)
    quality, other = quality.to(features.dtype), other.to(features.dtype)
    order, gains = _by_kernel(quality, chosen, k, TIES[features.dtype])
    certain = gains > EPSILON * quality.gather(1, order)
    certain &= gains * (1.0 - TIES[features.dtype]) > other
    # Where all real photos are chosen, the rest is arbitrary.
    real = mask.sum(dim=1, keepdim=True)
    certain |= torch.arange(k, device=mask.device) >= real
    return places.gather(1, order), certain.all(dim=1)


def _highest(
    relevance: Tensor, mask: Tensor, scale: float, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The photos of highest quality q^2 of each set, as shares of the highest.

    Args:
        relevance: float64, shape (B, C).
        mask: True for real candidates, shape (B, C).
        scale: What relevance is multiplied with to be log q^2.
        width: How many.

    Returns:
        Their places in ascending order (B, width), their quality, 0 of masked ones, float64, and
        the highest of all others (B, 1).
    """
    size = mask.shape[1]
    known = torch.where(mask, relevance, -torch.inf)
    below = (known.amax(dim=1, keepdim=True) - known).mul_(scale)  # (B, C), 0 is best
    if width == size:
        places = torch.arange(size, device=mask.device).expand(len(mask), size)
        return places, below.neg_().exp_(), below.new_zeros(len(mask), 1)
    # Floats of one sign have the order of their bits. The lowest bits become the place, so that
    # values alone have to be parted: NumPy's partition of them takes a tenth of the time of topk.
    low = (1 << (size - 1).bit_length()) - 1
    bits = below.view(torch.int64)
    keys = (bits & ~low) | torch.arange(size, device=mask.device)
    parted = torch.from_numpy(np.partition(keys.cpu().numpy(), width, axis=1)[:, : width + 1])
    places = torch.from_numpy(np.sort(parted[:, :width].numpy() & low, axis=1)).to(mask.device)
    other = (parted[:, width:] & ~low).view(torch.float64).to(mask.device)
    return places, below.gather(1, places).neg_().exp_(), other.neg().exp_()


def _by_kernel(quality: Tensor, features: Tensor, k: int, tie: float) -> tuple[Tensor, Tensor]:
    """Greedily by the kernel, of which each step leaves what is outside the span of the chosen.

    Args:
        quality: q^2, shape (B, W).
        features: Shape (B, W, D).
        k: Number of photos, at most W.
        tie: Gains this near, as a share, are equal.

    Returns:
        Indices (B, k), and q_i^2 d_i of each when it was chosen (B, k).
    """
    n_sets, width = quality.shape
    # Sets come last, so that each operation runs along many of them: a row of some photos is short.
    kernel = torch.bmm(features, features.mT).permute(1, 2, 0).contiguous()  # (W, W, B)
    gain = kernel.diagonal(dim1=0, dim2=1).T  # (W, B), follows the kernel
    scale = (quality.T / gain.clamp(min=torch.finfo(gain.dtype).tiny)).sqrt_()
    kernel.mul_(scale.unsqueeze(0)).mul_(scale.unsqueeze(1))
    order: list[Tensor] = []
    gains: list[Tensor] = []
    for step in range(k):
        if step:
            best = order[-1]
            row = kernel.gather(0, best.expand(1, width, n_sets)).squeeze(0)  # (W, B)
            row *= row.gather(0, best).rsqrt_()
            kernel.addcmul_(row.unsqueeze(0), row.unsqueeze(1), value=-1.0)
        largest = gain.amax(dim=0, keepdim=True)
        # max returns the first of equals, here the lowest index within rounding of the maximum.
        order.append(gain.clamp(max=largest * (1.0 - tie)).max(dim=0, keepdim=True).indices)
        gains.append(largest)
    return torch.cat(order).T, torch.cat(gains).T


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

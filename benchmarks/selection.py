"""Time the batched greedy DPP against two plain implementations, one set after the other.

    python -m benchmarks.selection

"Literal" is the definition: for each set, in each step, for each candidate, the determinant of
the chosen photos and the candidate. "Incremental" is the algorithm of Chen, Zhang and Zhou
(NeurIPS 2018) in NumPy. Seconds are of the processor, on one thread; rounds take turns, a figure is
the sum of each batch's fastest, and in brackets stands the ratio of the slowest and of the fastest
round. Photos of a set are drawn unlike each other, and alike as those of one place are.

What the batched choice cannot do without is timed in the same turns: reading all features once, to
know that they are numbers; copying those of the photos that are looked at and multiplying them with
each other; and its calls of PyTorch and NumPy, which are those of a single set of the batch. The
ratio that their sum would have is its limit.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from recbole_showcase.selectors import SELECTORS
from recbole_showcase.selectors.greedy import EPSILON, first_width

# Weight of relevance, and the direction that photos of a set share over each one's own: photos that
# are unlike each other, and photos as alike as those of one place under the default weight.
CASES = ((1.0, 0.0), (2.5, 1.5))


def literal_map_of_one_set(
    relevance: np.ndarray, features: np.ndarray, k: int, trade_off: float
) -> list[int]:
    """Greedy MAP of one set, relevance (C,) and features (C, D), by determinants."""
    features = features.astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    quality = np.exp(trade_off * relevance.astype(np.float64))
    kernel = quality[:, None] * (unit @ unit.T) * quality[None, :]
    chosen: list[int] = []
    for _ in range(k):
        best, largest = -1, -np.inf
        for candidate in range(len(relevance)):
            if candidate in chosen:
                continue
            trial = [*chosen, candidate]
            _, log_determinant = np.linalg.slogdet(kernel[np.ix_(trial, trial)])
            if log_determinant > largest:
                best, largest = candidate, log_determinant
        chosen.append(best)
    return chosen


def incremental_map_of_one_set(
    relevance: np.ndarray, features: np.ndarray, k: int, trade_off: float
) -> list[int]:
    """Greedy MAP of one set by updates of a Cholesky factor."""
    features = features.astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    quality = 2.0 * trade_off * relevance.astype(np.float64)
    residual = np.ones(len(relevance))
    cholesky = np.zeros((k, len(relevance)))
    free = np.ones(len(relevance), dtype=bool)
    chosen: list[int] = []
    for step in range(k):
        gain = quality + np.log(np.maximum(residual, EPSILON))
        best = int(np.where(free, gain, -np.inf).argmax())
        row = unit @ unit[best] - cholesky[:step, best] @ cholesky[:step]
        cholesky[step] = row / np.sqrt(residual[best])
        residual -= cholesky[step] ** 2
        free[best] = False
        chosen.append(best)
    return chosen


def seconds(run: Callable[[], object]) -> tuple[float, object]:
    """Processor time of a call, and what it returned."""
    start = time.process_time()
    found = run()
    return time.process_time() - start, found


def products(features: torch.Tensor, width: int) -> torch.Tensor:
    """Products of all pairs of so many photos of each set, copied from among all."""
    looked_at = features[:, :width].contiguous()
    return torch.bmm(looked_at, looked_at.mT)


def sets(options: argparse.Namespace, alike: float) -> tuple[np.ndarray, np.ndarray]:
    """Relevance and unit features; photos of a set share a direction, ``alike`` times their own."""
    rng = np.random.default_rng(0)
    shape = (options.items, options.photos, options.width)
    features = rng.normal(size=shape) + alike * rng.normal(size=(shape[0], 1, shape[2]))
    features /= np.linalg.norm(features, axis=-1, keepdims=True)
    return rng.normal(size=shape[:2]).astype(np.float32), features.astype(np.float32)


def compare(
    relevance: np.ndarray, features: np.ndarray, k: int, trade_off: float, options: Any
) -> None:
    """Print times, ratios, and the share of sets that are equal in all."""
    settings = {"selector_trade_off": trade_off, "selector_learn_trade_off": False}
    selector = SELECTORS.build("dpp", settings)
    tensors = [torch.from_numpy(relevance), torch.from_numpy(features)]
    tensors.append(torch.ones(relevance.shape, dtype=torch.bool))
    batches = list(zip(*(tensor.split(options.batch) for tensor in tensors), strict=True))

    def one_by_one(choose: Callable[..., list[int]], batch: Any) -> np.ndarray:
        pairs = zip(batch[0].numpy(), batch[1].numpy(), strict=True)
        return np.array([choose(*pair, k, trade_off) for pair in pairs])

    runs: dict[str, Callable[[Any], object]] = {
        "batched": lambda batch: selector(*batch, k).numpy(),
        "reading": lambda batch: batch[1].sum(),
        "products": lambda batch: products(batch[1], first_width(k)),
        "calls": lambda batch: selector(*(part[:1] for part in batch), k),
        "incremental": lambda batch: one_by_one(incremental_map_of_one_set, batch),
        "literal": lambda batch: one_by_one(literal_map_of_one_set, batch),
    }
    times = {name: np.full((options.rounds, len(batches)), np.inf) for name in runs}
    found: dict[tuple[str, int], Any] = {}
    for turn in range(options.rounds):
        for name, run in runs.items():
            if name == "literal" and turn:
                continue
            for number, batch in enumerate(batches):
                times[name][turn, number], found[name, number] = seconds(lambda: run(batch))  # noqa: B023
    fastest = {name: taken.min(axis=0).sum() for name, taken in times.items()}
    by_turn = times["incremental"].sum(axis=1) / times["batched"].sum(axis=1)
    print(f"  k = {k:2d}: batched {1000 * fastest['batched']:.1f} ms")
    for name in ("incremental", "literal"):
        pairs = [(found[name, n], found["batched", n]) for n in range(len(batches))]
        same = [(one == other).all(axis=1).mean() for one, other in pairs]
        spread = f" ({by_turn.min():.1f}-{by_turn.max():.1f})" if name == "incremental" else ""
        ratio = fastest[name] / fastest["batched"]
        print(f"    {name:11} {fastest[name]:7.3f} s, ratio {ratio:6.1f}{spread}, "
              f"equal sets {np.mean(same):.2%}")  # fmt: skip
    parts = {name: fastest[name] for name in ("reading", "products", "calls")}
    told = ", ".join(f"{name} {1000 * taken:.1f} ms" for name, taken in parts.items())
    least = sum(parts.values())
    print(f"    {told}: no ratio is above {fastest['incremental'] / least:.1f}, and "
          f"{least / fastest['batched']:.0%} of the time are these")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=250, help="sets a call of the selector")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for trade_off, alike in CASES:
        relevance, features = sets(options, alike)
        cosine = float((features[:, 0] * features[:, 1]).sum(axis=1).mean())
        print(f"{options.items} sets of {options.photos} photos, D = {options.width}, "
              f"mean cosine {cosine:.2f}, weight {trade_off}")  # fmt: skip
        for k in (3, 10):
            compare(relevance, features, k, trade_off, options)


if __name__ == "__main__":
    main()

"""Time the batched greedy DPP against a plain NumPy implementation, one set after the other.

Run: python benchmarks/selection.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from recbole_showcase.selectors import build_selector
from recbole_showcase.selectors.dpp import EPSILON

TRADE_OFF = 1.0


def greedy_map_of_one_set(relevance: np.ndarray, features: np.ndarray, k: int) -> list[int]:
    """The same algorithm for one set: relevance (C,), features (C, D)."""
    features = features.astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    quality = 2.0 * TRADE_OFF * relevance.astype(np.float64)
    residual = np.ones(len(relevance))
    cholesky = np.zeros((k, len(relevance)))
    free = np.ones(len(relevance), dtype=bool)
    chosen: list[int] = []
    for step in range(k):
        gains = free & (residual > EPSILON)
        if gains.any():
            gain = quality + np.log(np.maximum(residual, EPSILON))
            best = int(np.where(gains, gain, -np.inf).argmax())
            row = unit @ unit[best] - cholesky[:step, best] @ cholesky[:step]
            cholesky[step] = row / np.sqrt(residual[best])
            residual -= cholesky[step] ** 2
        else:
            best = int(np.where(free, relevance, -np.inf).argmax())
        free[best] = False
        chosen.append(best)
    return chosen


def fastest(run: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of several runs, after one that does not count."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=128, help="sets a call of the selector")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    features = rng.normal(size=(options.items, options.photos, options.width)).astype(np.float32)
    features /= np.linalg.norm(features, axis=-1, keepdims=True)
    relevance = rng.normal(size=features.shape[:2]).astype(np.float32)
    selector = build_selector("dpp", {"selector_trade_off": TRADE_OFF})
    batches = [
        (torch.from_numpy(relevance[i : i + options.batch]),
         torch.from_numpy(features[i : i + options.batch]),
         torch.ones(relevance[i : i + options.batch].shape, dtype=torch.bool))
        for i in range(0, options.items, options.batch)
    ]  # fmt: skip

    print(f"{options.items} sets of {options.photos} photos, D = {options.width}, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    for k in (3, 10):

        def batched(k: int = k) -> torch.Tensor:
            return torch.cat([selector(*batch, k) for batch in batches])

        def one_by_one(k: int = k) -> np.ndarray:
            pairs = zip(relevance, features, strict=True)
            return np.array([greedy_map_of_one_set(*pair, k) for pair in pairs])

        agree = (batched().numpy() == one_by_one()).all(axis=1).mean()
        ours, plain = fastest(batched, options.repeats), fastest(one_by_one, options.repeats)
        print(f"k = {k:2d}: batched {ours:.3f} s, one by one {plain:.3f} s, "
              f"ratio {plain / ours:.1f}, equal sets {agree:.2%}")  # fmt: skip


if __name__ == "__main__":
    main()

"""Time the batched greedy DPP against two plain implementations, one set after the other.

    python benchmarks/selection.py

"Literal" is the definition: for each set, in each step, for each candidate, the determinant of
the chosen photos and the candidate. "Incremental" is the algorithm of Chen, Zhang and Zhou
(NeurIPS 2018) in NumPy. Figures are the fastest of some rounds, in which all take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from recbole_showcase.selectors import SELECTORS
from recbole_showcase.selectors.dpp import EPSILON

TRADE_OFF = 1.0


def literal_map_of_one_set(relevance: np.ndarray, features: np.ndarray, k: int) -> list[int]:
    """Greedy MAP of one set, relevance (C,) and features (C, D), by determinants."""
    features = features.astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    quality = np.exp(TRADE_OFF * relevance.astype(np.float64))
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


def incremental_map_of_one_set(relevance: np.ndarray, features: np.ndarray, k: int) -> list[int]:
    """Greedy MAP of one set by updates of a Cholesky factor."""
    features = features.astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    quality = 2.0 * TRADE_OFF * relevance.astype(np.float64)
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


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch", type=int, default=250, help="sets a call of the selector")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    features = rng.normal(size=(options.items, options.photos, options.width)).astype(np.float32)
    features /= np.linalg.norm(features, axis=-1, keepdims=True)
    relevance = rng.normal(size=features.shape[:2]).astype(np.float32)
    selector = SELECTORS.build(
        "dpp", {"selector_trade_off": TRADE_OFF, "selector_learn_trade_off": False}
    )
    tensors = [torch.from_numpy(relevance), torch.from_numpy(features)]
    tensors.append(torch.ones(relevance.shape, dtype=torch.bool))
    batches = list(zip(*(tensor.split(options.batch) for tensor in tensors), strict=True))
    print(f"{options.items} sets of {options.photos} photos, D = {options.width}, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    for k in (3, 10):

        def batched(k: int = k) -> np.ndarray:
            return torch.cat([selector(*batch, k) for batch in batches]).numpy()

        def one_by_one(choose: Callable[..., list[int]], k: int = k) -> np.ndarray:
            return np.array([choose(*pair, k) for pair in zip(relevance, features, strict=True)])

        runs = {
            "literal": lambda: one_by_one(literal_map_of_one_set),
            "incremental": lambda: one_by_one(incremental_map_of_one_set),
        }
        ours = batched()
        equal = {name: (run() == ours).all(axis=1).mean() for name, run in runs.items()}
        times: dict[str, list[float]] = {"batched": [], **{name: [] for name in runs}}
        for _ in range(options.rounds):
            for name, run in {"batched": batched, **runs}.items():
                times[name].append(seconds(run))
        fastest = min(times["batched"])
        print(f"k = {k:2d}: batched {1000 * fastest:.1f} ms")
        for name in runs:
            slow = min(times[name])
            print(f"  {name:11} {slow:7.3f} s, ratio {slow / fastest:6.1f}, "
                  f"equal sets {equal[name]:.2%}")  # fmt: skip


if __name__ == "__main__":
    main()

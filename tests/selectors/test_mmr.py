from __future__ import annotations

import numpy as np
import pytest
import torch

from recbole_showcase.errors import SettingsError
from recbole_showcase.selectors import SELECTORS


def slow_mmr(relevance: np.ndarray, features: np.ndarray, k: int, balance: float) -> list[int]:
    """The sum of the paper's equation (1), for one set, one photo after the other."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosine = unit @ unit.T
    scaled = (relevance - relevance.min()) / np.ptp(relevance)
    chosen = [int(relevance.argmax())]
    while len(chosen) < min(k, len(relevance)):
        free = [i for i in range(len(relevance)) if i not in chosen]
        values = [
            balance * scaled[i] - (1 - balance) * max(cosine[i, j] for j in chosen) for i in free
        ]
        chosen.append(free[int(np.argmax(values))])
    return chosen


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_to_the_slow_reading(balance: float, dtype: type) -> None:
    rng = np.random.default_rng(0)
    relevance, features = rng.normal(size=(30, 9)), rng.normal(size=(30, 9, 6)).astype(dtype) + 0.5
    mask = rng.random((30, 9)) < 0.8
    mask[:, 0] = mask[:, 8] = True
    selector = SELECTORS.build("mmr", {"selector_balance": balance})
    chosen = selector(*map(torch.from_numpy, (relevance, features, mask)), 4).tolist()
    for row in range(30):
        places = np.flatnonzero(mask[row])
        slow = slow_mmr(relevance[row, places], features[row, places], 4, balance)
        expected = [int(places[i]) for i in slow]
        assert chosen[row] == expected + [-1] * (4 - len(expected))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_balance_out_of_range_is_refused(value: float) -> None:
    with pytest.raises(SettingsError, match="selector_balance is"):
        SELECTORS.build("mmr", {"selector_balance": value})

"""What holds for every selector."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from recbole_showcase.testing.base import Contract


class SelectorContract(Contract):
    """What holds for every selector.

    Attributes:
        ranks: Whether photos are chosen one after the other, so that a smaller set is the
            beginning of a larger; one that draws sets does not.
    """

    ranks: ClassVar[bool] = True

    def build(self) -> Any:
        """The selector, in evaluation mode."""
        return self._built()

    def sets(self) -> tuple[Tensor, Tensor, Tensor]:
        """Relevance (9, 7), features (9, 7, 5) and mask; the first has none, the second all."""
        return photo_sets()

    def test_output_is_distinct_real_candidates_then_padding(self) -> None:
        """For any k, also one above the number of photos."""
        relevance, features, mask = self.sets()
        for k in (1, 3, 7, 12):
            chosen = self.build()(relevance, features, mask, k)
            assert chosen.shape == (len(mask), k) and chosen.dtype == torch.long
            for row, real in zip(chosen.tolist(), mask, strict=True):
                count = min(k, int(real.sum()))
                assert len(set(row[:count])) == count
                assert all(real[index] for index in row[:count])
                assert row[count:] == [-1] * (k - count)

    def test_masked_values_are_never_looked_at(self) -> None:
        """What is masked may be anything."""
        selector, (relevance, features, mask) = self.build(), self.sets()
        expected = selector(relevance, features, mask, 4)
        relevance[~mask], features[~mask] = torch.inf, torch.nan
        assert selector(relevance, features, mask, 4).equal(expected)

    def test_inputs_are_left_alone(self) -> None:
        """The caller's tensors stay as they are."""
        sets = [t.double() if t.is_floating_point() else t for t in self.sets()]
        before = [tensor.clone() for tensor in sets]
        self.build()(*sets, 3)
        assert all(now.equal(then) for now, then in zip(sets, before, strict=True))

    def test_a_batch_equals_its_sets_one_by_one_without_padding(self) -> None:
        """Sets do not know of each other; what is drawn at random belongs to a set's key."""
        selector, (relevance, features, mask) = self.build(), self.sets()
        keys = torch.arange(len(mask)) * 7
        batch = selector(relevance, features, mask, 4, keys)
        for row, real in enumerate(mask):
            places = real.nonzero().squeeze(1)
            single = selector(
                relevance[row, real][None], features[row, real][None], real[real][None], 4,
                keys[row, None],
            )  # fmt: skip
            expected = [int(places[i]) if i >= 0 else -1 for i in single[0].tolist()]
            assert batch[row].tolist() == expected

    def test_a_smaller_k_is_the_beginning_of_a_larger(self) -> None:
        """Where photos are chosen one after the other."""
        if self.ranks:
            relevance, features, mask = self.sets()
            fewer, more = (self.build()(relevance, features, mask, k) for k in (2, 6))
            assert fewer.equal(more[:, :2])

    def test_ties_go_to_the_lower_index_also_among_copies(self) -> None:
        """Equal photos have an order, the same on every machine."""
        if self.ranks:
            features = F.normalize(torch.randn(1, 1, 33), dim=-1).expand(4, 37, 33).half()
            mask = torch.ones(4, 37, dtype=torch.bool)
            chosen = self.build()(torch.zeros(4, 37), features, mask, 5)
            assert chosen.tolist() == [[0, 1, 2, 3, 4]] * 4

    def test_no_sets_and_no_candidates(self) -> None:
        """Nothing chosen of nothing."""
        for shape in ((0, 4), (3, 0)):
            empty = torch.zeros(shape)
            chosen = self.build()(empty, torch.zeros(*shape, 5), empty.bool(), 3)
            assert chosen.equal(torch.full((shape[0], 3), -1))


def photo_sets(sets: int = 9, candidates: int = 7, width: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    """Relevance, features and mask of sets of photos; the first has none, the second all."""
    generator = torch.Generator().manual_seed(3)
    features = F.normalize(torch.randn(sets, candidates, width, generator=generator), dim=-1)
    relevance = torch.randn(sets, candidates, generator=generator)
    mask = torch.rand(sets, candidates, generator=generator) > 0.4
    mask[0], mask[1] = False, True
    return relevance, features, mask

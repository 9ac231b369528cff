"""What holds for every metric."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from recbole_showcase.evaluation.authorship import AuthorshipCases
from recbole_showcase.evaluation.evaluation import Sentences
from recbole_showcase.evaluation.given import GivenFeatures
from recbole_showcase.evaluation.swaps import Swap
from recbole_showcase.metrics import Metric, Statistics, case_places, feature_mentions
from recbole_showcase.parts import METRICS
from recbole_showcase.testing.base import WIDTH
from recbole_showcase.text.sentences import split_sentences

_LEXICON = ["soup", "pizza", "salad", "staff"]
# Features known of ids 0 to 4; of one none.
_KNOWN = np.array([[0, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
_WRITTEN = [
    "The soup was great. We sat outside.",
    "A good pizza.",
    "A good pizza.",
    "Nice staff and a salad!",
    "",
    "It was fine.",
    "The pizza was cold.",
]
_TRUE = [
    "We loved the soup.",
    "The pizza was good.",
    "Good salad.",
    "The staff was nice.",
    "Soup again.",
    "It was fine.",
    "A bad day for the staff.",
]


@dataclass
class SomePairs:
    """What a metric reads of an ``Evaluation``, of N pairs whose every part is given."""

    texts: list[str]
    references: list[str]
    users: np.ndarray
    items: np.ndarray
    photos: np.ndarray
    posted_photos: np.ndarray
    ranks: np.ndarray
    scores: np.ndarray
    supported: np.ndarray
    photo_features: np.ndarray
    predicted_ratings: np.ndarray
    true_ratings: np.ndarray
    own_features: np.ndarray
    rating_scale: ClassVar[tuple[float, float]] = (1.0, 5.0)
    lexicon: ClassVar[list[str]] = _LEXICON

    @classmethod
    def draw(cls) -> SomePairs:
        """Seven pairs of four users with up to three photos, some of them the posted ones."""
        random = np.random.default_rng(0)
        photos = np.array([[0, 1, 2], [3, 4, -1], [5, 6, 7], [0, 2, 4], [8, -1, -1], [1, 5, 8],
                           [2, 3, 6]])  # fmt: skip
        return cls(
            texts=list(_WRITTEN),
            references=list(_TRUE),
            users=np.array([1, 1, 2, 2, 3, 4, 4]),
            items=np.array([1, 2, 2, 3, 1, 3, 4]),
            photos=photos,
            posted_photos=np.array([[0, 9], [4, 3], [9, -1], [2, 0], [8, -1], [9, -1], [6, 2]]),
            ranks=np.array([1, 0, 3, 2, 5, 0, 1]),
            scores=random.normal(size=7),
            supported=random.random((7, len(_LEXICON))) < 0.5,
            photo_features=random.normal(size=(7, 3, WIDTH)),
            predicted_ratings=np.array([4.6, 3.2, 5.4, 1.5, 2.5, np.nan, 4.0]),
            true_ratings=np.array([5.0, 4.0, np.nan, 1.0, 4.0, 3.0, 2.0]),
            own_features=np.array([0, 1, -1, 0, 1, -1, 0]),
        )

    def __getitem__(self, index: np.ndarray) -> SomePairs:
        """Some of the pairs, in the order of the index."""
        chosen: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            chosen[field.name] = (
                [value[n] for n in index] if isinstance(value, list) else value[index]
            )
        return SomePairs(**chosen)

    @property
    def mentions(self) -> Any:
        """Features that the written texts name, sparse (N, F)."""
        return feature_mentions(self.texts, _LEXICON)

    @property
    def item_features(self) -> np.ndarray:
        """Features that are known of the items (N, F)."""
        return _KNOWN[self.items]

    @property
    def user_features(self) -> np.ndarray:
        """Features that are known of the users (N, F)."""
        return _KNOWN[self.users]

    @property
    def reference_mentions(self) -> Any:
        """Features that the true texts name, sparse (N, F)."""
        return feature_mentions(self.references, _LEXICON)

    @property
    def given(self) -> GivenFeatures:
        """The features that the source gives, one a pair."""
        return GivenFeatures(_LEXICON, self.own_features)

    @property
    def given_mentions(self) -> Any:
        """Features of all that are given that the written texts name, sparse (N, F)."""
        return self.given.mentions(self.texts)

    @cached_property
    def sentences(self) -> Sentences:
        """The sentences of the written texts, whose features follow from their words."""
        sentences, owners = split_sentences(self.texts)
        seeds = [np.random.default_rng(list(s.encode())) for s in sentences]
        features = np.array([seed.normal(size=WIDTH) for seed in seeds]).reshape(-1, WIDTH)
        return Sentences(features, owners)

    @property
    def sentence_confidences(self) -> np.ndarray:
        """How surely each sentence describes each photo (S, k)."""
        shown = self.photo_features[self.sentences.owners]
        return 1 / (1 + np.exp(-np.einsum("sd,skd->sk", self.sentences.features, shown)))

    @property
    def authorship(self) -> AuthorshipCases:
        """Each pair's first photo as the posted one, among its others (N cases at most)."""
        scores = np.where(self.photos >= 0, self.photo_features[:, :, 0], np.nan)
        pairs = np.flatnonzero(self.photos[:, 1] >= 0)
        places = case_places(scores[pairs, 0], scores[pairs, 1:])
        return AuthorshipCases(places, pairs, len(self.users), self.users[pairs])

    demanding_authorship = authorship

    @property
    def photo_swap(self) -> Swap:
        """Every text written again as the true one."""
        return Swap(self.references, np.ones(len(self.texts), dtype=bool))

    user_swap = photo_swap

    @property
    def texts_from_posted_photos(self) -> list[str]:
        """The true texts."""
        return self.references


class MetricContract:
    """What holds for every metric.

    Attributes:
        metric: The name that it is registered by.
    """

    metric: ClassVar[str]

    @property
    def row(self) -> Metric:
        """The metric."""
        return METRICS[self.metric]

    def figure(self, pairs: SomePairs) -> float:
        """The metric of some pairs, at k = 2 where it has one."""
        found = self.row.measure(pairs, *((2,) if self.row.at == "topk" else ()))
        return found.value() if isinstance(found, Statistics) else float(found)

    def test_it_has_a_value_for_each_pair_or_one_for_all(self) -> None:
        """A row of sums a pair, or a number."""
        pairs = SomePairs.draw()
        found = self.row.measure(pairs, *((2,) if self.row.at == "topk" else ()))
        if isinstance(found, Statistics):
            assert len(found.rows) == len(pairs.texts)
        else:
            assert isinstance(found, float | int)
        assert np.isfinite(self.figure(pairs))

    def test_the_order_of_pairs_does_not_matter(self) -> None:
        """RecBole's rows come in any order, and from several processes."""
        pairs = SomePairs.draw()
        order = np.array([3, 0, 6, 2, 5, 1, 4])
        assert np.isclose(self.figure(pairs[order]), self.figure(pairs), equal_nan=True)

    def test_of_no_pair_there_is_no_error(self) -> None:
        """Not a number, mostly: there is nothing to average over."""
        self.figure(SomePairs.draw()[np.empty(0, dtype=np.int64)])

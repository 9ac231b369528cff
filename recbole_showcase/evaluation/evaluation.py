"""Held-out rows explained by a model: what metrics read, each thing made when it is asked for.

A metric reads attributes of an :class:`Evaluation`; nothing is made that no metric reads, and what
several read is made once. A thing that is new here is one more cached property.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.evaluation.authorship import AuthorshipCases, authorship_cases
from recbole_showcase.evaluation.evidence import evidence_texts, rating_scale
from recbole_showcase.evaluation.given import GivenFeatures, given_features
from recbole_showcase.evaluation.resources import EvaluationResources
from recbole_showcase.evaluation.support import named_in_reviews, supported_features
from recbole_showcase.evaluation.swaps import Swap, other_photos, other_users
from recbole_showcase.metrics import feature_mentions
from recbole_showcase.text.sentences import sentences_of, split_sentences


@dataclass(frozen=True)
class Sentences:
    """The sentences of N texts.

    Attributes:
        features: CLIP features (S, D).
        owners: The text of each sentence (S,).
    """

    features: np.ndarray
    owners: np.ndarray


class Evaluation:
    """N held-out rows, explained as in use: from photos that were chosen, and the user's past.

    Attributes:
        model: The composed model.
        pairs: The users and items of the rows, and what must not be seen for them.
        resources: Models and word lists from outside.
    """

    def __init__(
        self,
        model: Any,
        rows: np.ndarray,
        ranked: Callable[[], np.ndarray],
        resources: EvaluationResources,
        *,
        progress: bool = False,
    ) -> None:
        """Remember what to explain; nothing is made yet.

        Args:
            model: A composed model.
            rows: Rows of the interactions (N,).
            ranked: Gives user, held-out item, its rank among the recommendations from 1, else 0,
                and its score, of all that the recommender ranked (4, P).
            resources: Of the run.
            progress: Whether to show progress bars.
        """
        self.model, self.resources = model, resources
        self.pairs = Pairs.of_rows(self.data.corpus, rows)
        self._ranked, self._progress = ranked, progress

    @property
    def data(self) -> ExplanationData:
        """Reviews and photos."""
        return self.model.showcase.data

    @property
    def users(self) -> np.ndarray:
        """Internal user ids (N,)."""
        return self.pairs.users

    @property
    def items(self) -> np.ndarray:
        """Internal item ids (N,)."""
        return self.pairs.items

    # Photos

    @cached_property
    def photos(self) -> np.ndarray:
        """Chosen photos, as positions in the photo table (N, k), best first, -1 if absent."""
        return self._explain(text=False).photos

    @cached_property
    def posted_photos(self) -> np.ndarray:
        """Photos that the user posted with the row (N, R), -1 if absent."""
        of_row = self.data.photos.of_row
        return of_row.first(self.pairs.rows, int(of_row.lengths(self.pairs.rows).max(initial=0)))

    @cached_property
    def photo_features(self) -> np.ndarray:
        """CLIP features of the chosen photos (N, k, D)."""
        return self.data.photos.features[self.photos]

    @cached_property
    def authorship(self) -> AuthorshipCases:
        """Photos that users posted, each ranked among those of others; every process ranks all."""
        return authorship_cases(self.model, self.pairs)

    @cached_property
    def demanding_authorship(self) -> AuthorshipCases:
        """Those with ``showcase_case_photos`` photos, of users with enough training photos."""
        return self.authorship.demanding(self.resources.settings)

    # Texts

    @cached_property
    def texts(self) -> list[str]:
        """The written texts."""
        return self._written.texts

    @cached_property
    def _written(self) -> Explanations:
        if "photos" in vars(self):
            return self._explain(photos=self.photos)
        found = self._explain()  # in one pass where nobody has asked for the photos before
        self.photos = found.photos
        return found

    @cached_property
    def references(self) -> list[str]:
        """The true texts."""
        return list(self.data.corpus.targets[self.pairs.rows])

    @cached_property
    def sentences(self) -> Sentences:
        """The sentences of the written texts."""
        sentences, owners = split_sentences(self.texts)
        return Sentences(self._text_features(sentences), owners)

    @cached_property
    def sentence_confidences(self) -> np.ndarray:
        """How surely each sentence describes each chosen photo of its row (S, k)."""
        shown = self.photo_features[self.sentences.owners]  # (S, k, D)
        each = np.repeat(self.sentences.features, shown.shape[1], axis=0)
        confidence = self.resources.alignment.confidence(each, shown.reshape(-1, shown.shape[2]))
        return confidence.reshape(shown.shape[:2])

    # Statements

    @cached_property
    def statements(self) -> list[list[str]]:
        """The sentences of each written text."""
        return sentences_of(self.texts)

    @cached_property
    def reviews(self) -> list[list[str]]:
        """The sentences of each row's review, whatever of it is the true text."""
        return sentences_of(list(self.data.corpus.texts[self.pairs.rows]))

    @cached_property
    def item_evidence(self) -> list[list[list[str]]]:
        """For each row what others wrote of the item before, each text as its sentences."""
        limit = self.resources.settings.evidence_reviews
        texts = evidence_texts(self.data.corpus, self.pairs, limit)
        return [sentences_of(known) for known in texts]

    # Ratings

    @cached_property
    def predicted_ratings(self) -> np.ndarray:
        """Ratings that the explainer predicts beside its texts (N,), NaN where it has none."""
        found = self._written.ratings.astype(np.float64)
        if len(found) and np.isnan(found).all():
            name = self.model.showcase.settings.explainer
            self.resources.tell(f"explainer '{name}' predicts no rating: figures of it are NaN")
        return found

    @cached_property
    def true_ratings(self) -> np.ndarray:
        """Ratings of the rows (N,), NaN where they are not known."""
        found = self.data.corpus.interactions.ratings[self.pairs.rows].astype(np.float64)
        if len(found) and np.isnan(found).all():
            self.resources.tell(
                "no explained row has a rating, so errors of predicted ones are NaN; RecBole reads "
                "ratings where load_col names their field (RATING_FIELD)"
            )
        return found

    @cached_property
    def rating_scale(self) -> tuple[float, float]:
        """The lowest and the highest rating of the training split, NaN where there is none."""
        low, high = rating_scale(self.data.corpus.interactions)
        if not low < high:
            self.resources.tell(
                "no two ratings of the training split differ, so predicted ones say nothing and "
                "RatingCoherence is NaN"
            )
        return low, high

    # Features of a lexicon

    @cached_property
    def lexicon(self) -> list[str]:
        """F features, which stay the same over the evaluations of a run."""
        return self.resources.lexicon(self.data)

    @cached_property
    def mentions(self) -> Any:
        """Features that the written texts name, sparse (N, F)."""
        return feature_mentions(self.texts, self.lexicon)

    @cached_property
    def reference_mentions(self) -> Any:
        """Features that the true texts name, sparse (N, F)."""
        return feature_mentions(self.references, self.lexicon)

    @cached_property
    def supported(self) -> np.ndarray:
        """Features that training reviews or photos of the item support (N, F)."""
        threshold = self.resources.settings.support_cosine
        return supported_features(
            self.data, self.items, self.lexicon, self._text_features, threshold
        )

    @cached_property
    def item_features(self) -> np.ndarray:
        """Features that training reviews of the item name (N, F)."""
        return named_in_reviews(self.data, "items", self.items, self.lexicon)

    @cached_property
    def user_features(self) -> np.ndarray:
        """Features that training reviews of the user name (N, F)."""
        return named_in_reviews(self.data, "users", self.users, self.lexicon)

    # Features that the data give

    @cached_property
    def given(self) -> GivenFeatures:
        """The features that the source gives: all of them, and those of the rows."""
        found = given_features(self.data.corpus, self.pairs.rows)
        if not found.lexicon:
            self.resources.tell(
                "no row of .review has a given feature (column 'feature'), so GivenFMR, GivenFCR "
                "and GivenDIV are NaN; FMR, FCR and DIV are over a lexicon"
            )
        return found

    @cached_property
    def given_mentions(self) -> Any:
        """Features of all that are given that the written texts name, sparse (N, F)."""
        return self.given.mentions(self.texts)

    # The recommender's view

    @property
    def ranks(self) -> np.ndarray:
        """Place of the item in the user's recommendations from 1, 0 if it is not there (N,)."""
        return self._ranks_and_scores[0]

    @property
    def scores(self) -> np.ndarray:
        """The recommender's score of the pair, NaN if it did not score it (N,)."""
        return self._ranks_and_scores[1]

    @cached_property
    def _ranks_and_scores(self) -> tuple[np.ndarray, np.ndarray]:
        table, pairs = self._ranked(), self.pairs
        users, items, ranks = table[:3].astype(np.int64)
        width = max(items.max(initial=0), pairs.items.max(initial=0)) + 1
        keys, first = np.unique(users * width + items, return_index=True)
        rank_of, score_of = np.zeros(len(pairs), np.int64), np.full(len(pairs), np.nan)
        wanted = pairs.users * width + pairs.items
        known = np.flatnonzero(np.isin(wanted, keys))
        place = first[np.searchsorted(keys, wanted[known])]
        rank_of[known], score_of[known] = ranks[place], table[3, place]
        return rank_of, score_of

    # Texts written again: whether a text follows its photos and its user cannot be seen from the
    # text; it shows when they are swapped and all else stays the same.

    @cached_property
    def photo_swap(self) -> Swap:
        """Texts from the photos of another pair."""
        photos, swapped = other_photos(self.photos, self.model.seed)
        return Swap(self._explain(photos=photos).texts, swapped)

    @cached_property
    def user_swap(self) -> Swap:
        """Texts from the past and the vector of another user, and the same photos."""
        pairs, swapped = other_users(self.pairs, self.model.seed)
        return Swap(self.model.explain(pairs, photos=self.photos).texts, swapped)

    @cached_property
    def texts_from_posted_photos(self) -> list[str]:
        """Texts from photos that the user posted with the row, as in training."""
        head = self.model.showcase
        own = self.data.photos.of_row.first(self.pairs.rows, head.settings.max_photos)  # (N, P)
        return self.model.explain(self.pairs, photos=own).texts

    def _explain(self, *, text: bool = True, photos: np.ndarray | None = None) -> Explanations:
        return self.model.explain(self.pairs, text=text, photos=photos, progress=self._progress)

    def _text_features(self, texts: list[str]) -> np.ndarray:
        """CLIP features (S, D) of texts."""
        return self.resources.text_features(self.data.photos.features, texts)

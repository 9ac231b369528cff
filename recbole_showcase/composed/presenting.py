"""What a model gave for pairs, and what its data knows of users, for people to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recbole_showcase.atomic import PhotoFolder
from recbole_showcase.data.corpus import TRAIN
from recbole_showcase.data.explanation import ExplanationData
from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.errors import DataError
from recbole_showcase.showcase import Newcomers, Photo, Review, Showcase


@dataclass(frozen=True)
class Presenter:
    """Tells of rows, photos and pairs of a data set by the names that people know.

    Attributes:
        data: The data set.
        item_names, item_categories: What items are called, by internal id.
        photo_folder: Where the photos are, or None where they are not on this machine.
    """

    data: ExplanationData
    item_names: list[str]
    item_categories: list[str]
    photo_folder: PhotoFolder | None

    def showcases(
        self,
        pairs: Pairs,
        outputs: Explanations,
        ranks: np.ndarray | None = None,
        scores: np.ndarray | None = None,
    ) -> list[Showcase]:
        """What the model gave for pairs.

        Args:
            pairs: The pairs (N); user 0 is somebody whom the data set has not.
            outputs: What ``model.explain`` gave for them.
            ranks: Places in the recommendations (N,), where they were recommended.
            scores: The recommender's scores (N,), where it was asked; NaN where it was not.
        """
        corpus = self.data.corpus
        new = newcomers(self.data, pairs)
        return [
            Showcase(
                user=str(corpus.user_tokens[user]) if (user := pairs.users[n]) else "",
                item=str(corpus.item_tokens[pairs.items[n]]),
                item_name=self.item_names[pairs.items[n]],
                category=self.item_categories[pairs.items[n]],
                rank=None if ranks is None else int(ranks[n]),
                score=None if scores is None else _known(scores[n]),
                photos=tuple(
                    self.photo(photo, float(relevance))
                    for photo, relevance in zip(
                        outputs.photos[n], outputs.relevance[n], strict=True
                    )
                    if photo >= 0
                ),
                text=outputs.texts[n],
                review=self.review(pairs.rows[n]) if pairs.rows[n] else None,
                evidence=tuple(
                    str(corpus.interactions.reviews[row]) for row in outputs.evidence[n] if row >= 0
                ),
                newcomer=new[n],
            )
            for n in range(len(pairs))
        ]

    def history(self, user: int) -> tuple[Review, ...]:
        """The known reviews with a text or photos of a user by internal id, newest first."""
        inter = self.data.corpus.interactions
        rows = np.flatnonzero((inter.users == user) & (inter.splits == TRAIN))
        rows = rows[np.argsort(-inter.times[rows], kind="stable")]
        reviews = (self.review(row) for row in rows)
        return tuple(review for review in reviews if review.text or review.photos)

    def photo(self, photo: int, relevance: float | None = None) -> Photo:
        """A photo by its position in the photo table."""
        return Photo(str(self.data.photos.tokens[photo]), self.photo_file(photo), relevance)

    def photo_file(self, photo: int) -> Path | None:
        """The file of a photo, by its position in the photo table; None if it is not here."""
        relative = self.data.photos.paths[photo]
        if self.photo_folder is None or not relative:
            return None
        try:
            file = self.photo_folder.resolve(relative)
        except DataError:  # no path of that folder: embedding has said so with its row
            return None
        return file if file.is_file() else None

    def review(self, row: np.integer) -> Review:
        """What a user wrote and photographed at a visit, by its row."""
        corpus = self.data.corpus
        inter = corpus.interactions
        photos = self.data.photos.of_row
        own = photos.values[photos.offsets[row] : photos.offsets[row + 1]]
        return Review(
            id=str(inter.reviews[row]),
            item=str(corpus.item_tokens[inter.items[row]]),
            item_name=self.item_names[inter.items[row]],
            rating=_known(inter.ratings[row]),
            time=_known(inter.times[row]),
            text=str(corpus.texts[row]),
            photos=tuple(self.photo(photo) for photo in own),
        )


def newcomers(data: ExplanationData, pairs: Pairs) -> list[Newcomers | None]:
    """Whom or what of each pair (N) the model's training did not know.

    A user who is in no file, by the id 0, is one that it did not know.
    """
    n_users, n_items = data.corpus.trained
    users = (pairs.users == 0) | (pairs.users >= n_users)
    words: tuple[Newcomers | None, ...] = (None, "user", "item", "both")
    return [words[n] for n in (users + 2 * (pairs.items >= n_items)).tolist()]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

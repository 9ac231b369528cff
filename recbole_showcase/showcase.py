"""What an explained recommendation consists of, free of tensors and of RecBole."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from math import isnan
from pathlib import Path
from typing import Any, Literal

Newcomers = Literal["user", "item", "both"]


class PlainData:
    """What can be had as plain data, such as JSON holds."""

    def to_dict(self) -> dict[str, Any]:
        """By the names of the attributes: paths as texts, NaN as None, tuples as lists.

        >>> Photo("p1", Path("photos/p1.jpg"), 0.5).to_dict()
        {'id': 'p1', 'path': 'photos/p1.jpg', 'relevance': 0.5}
        """
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]

    def to_json(self) -> str:
        """The plain data as one line of JSON, letters as they are.

        >>> Photo("pâté", None, float("nan")).to_json()
        '{"id": "pâté", "path": null, "relevance": null}'
        """
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and isinstance(value, PlainData):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and isnan(value) else value


@dataclass(frozen=True)
class Photo(PlainData):
    """A photo of an item.

    Attributes:
        id: Token in ``.image``.
        path: The file, or None when it is not on this machine.
        relevance: How well it fits the user's taste, as the selector sees it; None for own photos.
    """

    id: str
    path: Path | None
    relevance: float | None = None


@dataclass(frozen=True)
class Review(PlainData):
    """A review that a user wrote.

    Attributes:
        id: Token in ``.review``.
        item: Token of the item.
        item_name: Display name, the token when the data set has no names.
        rating: Stars as in the data, or None.
        time: Seconds since 1970, or None.
        text: The words; may be empty.
        photos: The photos posted with it.
    """

    id: str
    item: str
    item_name: str
    rating: float | None
    time: float | None
    text: str
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class Showcase(PlainData):
    """The explanation of one (user, item) pair: chosen photos and a text written from them.

    Attributes:
        user: Token of the user.
        item: Token of the item.
        item_name: Display name, the token when the data set has no names.
        category: Categories of the item in words; may be empty.
        rank: Place in the user's recommendations from 1, or None when the pair was given.
        score: The recommender's score of the pair, or None when it was not asked for.
        photos: The selected photos in the order in which their selector shows them, the most
            relevant first with ``topk`` and ``kdpp``, in the order of choice with the others.
        text: The generated or quoted explanation; empty where there is nothing to say.
        review: The user's held-out review of this item, for pairs of the test split.
        evidence: Ids of the reviews that the text rests on: those that it quotes, one a sentence,
            or the user's past reviews that it was written from; empty where the explainer does
            not say, and where it found nothing to quote.
        newcomer: Whom or what the model's training did not know: the ``user``, who is in no file or
            came later, the ``item``, or ``both``; None for neither.
    """

    user: str
    item: str
    item_name: str
    category: str
    rank: int | None
    score: float | None
    photos: tuple[Photo, ...]
    text: str
    review: Review | None = None
    evidence: tuple[str, ...] = ()
    newcomer: Newcomers | None = None


@dataclass(frozen=True)
class UserShowcase(PlainData):
    """One user's page: what is known of them, what is recommended, and how held-out pairs fare.

    Attributes:
        user: Token of the user.
        history: Known reviews with a text or photos, newest first: of the training split and what
            came since, and under ``known="now"`` of what the run held out as well.
        recommended: Showcases of the recommended items, best first.
        held_out: Showcases of the user's test pairs, with the true reviews.
    """

    user: str
    history: tuple[Review, ...]
    recommended: tuple[Showcase, ...]
    held_out: tuple[Showcase, ...]

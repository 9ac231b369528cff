"""What requests and answers look like: strict, bounded, and the schema that clients read."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from recbole_showcase.serving.options import (
    MAX_DEADLINE_MS,
    MAX_GIVEN_PHOTOS,
    MAX_ID,
    MAX_OWN_PHOTOS,
    MAX_PAIRS,
    MAX_PHOTO_TEXT,
    MAX_REVIEW,
    MAX_REVIEWS,
)
from recbole_showcase.showcase import Newcomers, Photo, Review, Showcase

Missing = Literal["late", "failed"]  # why there is no text of the model's own
Id = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID)]
Base64 = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PHOTO_TEXT)]
Count = Annotated[int, Field(ge=1, le=MAX_PAIRS)]
GivenPhotos = Annotated[list[Id], Field(min_length=1, max_length=MAX_GIVEN_PHOTOS)]
Deadline = Annotated[
    int | None,
    Field(
        ge=1,
        le=MAX_DEADLINE_MS,
        description="After so many milliseconds the answer goes without the texts that are not "
        "there yet; by default the service's own.",
    ),
]


class Request(BaseModel):
    """Nothing is converted, and an unknown key is an error."""

    model_config = ConfigDict(strict=True, extra="forbid")


class RecommendRequest(Request):
    """Whom to recommend to."""

    user: Id
    k: Count = 5
    explain: Annotated[bool, Field(description="Whether to add photos and texts.")] = True
    deadline_ms: Deadline = None


class PairRequest(Request):
    """What to explain to whom."""

    user: Id
    item: Id
    photos: Annotated[
        GivenPhotos | None, Field(description="Photos of the item to write from, in place of ours.")
    ] = None


class ExplainRequest(Request):
    """Pairs to explain."""

    pairs: Annotated[list[PairRequest], Field(min_length=1, max_length=MAX_PAIRS)]
    deadline_ms: Deadline = None


class ItemRequest(Request):
    """An item to explain to somebody who is in no file."""

    item: Id
    photos: GivenPhotos | None = None


class ProfileRequest(Request):
    """What somebody who is in no file says and shows of their taste."""

    reviews: Annotated[
        list[Annotated[str, StringConstraints(max_length=MAX_REVIEW)]],
        Field(max_length=MAX_REVIEWS),
    ] = []
    photos: Annotated[
        list[Base64], Field(max_length=MAX_OWN_PHOTOS, description="Files in base64.")
    ] = []
    items: Annotated[
        list[ItemRequest] | None,
        Field(
            min_length=1,
            max_length=MAX_PAIRS,
            description="By default the k with the most visits that are known.",
        ),
    ] = None
    k: Count = 5
    deadline_ms: Deadline = None


class Versioned(BaseModel):
    """Which model answered, from which data."""

    model: str
    data: str


class PhotoOut(BaseModel):
    """A photo of an item, and how well it fits the user where the model says so."""

    id: str
    url: str
    relevance: float | None = None

    @classmethod
    def of(cls, photo: Photo) -> PhotoOut:
        """Without its file, which is nobody's business."""
        return cls(id=photo.id, url=photo_url(photo.id), relevance=_number(photo.relevance))


class ShowcaseOut(BaseModel):
    """An item with what speaks for it; with an error, nothing but who, what and the error."""

    user: str
    item: str
    name: str = ""
    category: str = ""
    rank: int | None = None
    score: float | None = None
    photos: list[PhotoOut] = []
    text: Annotated[
        str | None,
        Field(
            description="None if no text was asked for, or it is not there and nothing is quoted."
        ),
    ] = None
    evidence: Annotated[
        list[str],
        Field(
            description="Ids of the reviews that the text rests on: those that it quotes, one a "
            "sentence, or the user's own that it was written from; none where that is not known."
        ),
    ] = []
    newcomer: Annotated[
        Newcomers | None,
        Field(description="Whom or what the model's training did not know, if anyone."),
    ] = None
    late: Annotated[
        bool,
        Field(
            description="Whether the text was late: then it quotes what others wrote of the item, "
            "where that can be done."
        ),
    ] = False
    failed: Annotated[
        bool,
        Field(
            description="Whether the text could not be written: then it quotes, too, and the log "
            "of the service says why."
        ),
    ] = False
    error: str | None = None

    @classmethod
    def of(cls, showcase: Showcase, missing: Missing | None, texts: bool) -> ShowcaseOut:
        """A showcase as it stands when the answer goes.

        Args:
            showcase: The showcase.
            missing: Why its text is a quote, if anything; None if it is the model's.
            texts: Whether there are texts at all.
        """
        return cls(
            user=showcase.user,
            item=showcase.item,
            name=showcase.item_name,
            category=showcase.category,
            rank=showcase.rank,
            score=_number(showcase.score),
            photos=[PhotoOut.of(photo) for photo in showcase.photos],
            text=showcase.text if texts and (showcase.text or not missing) else None,
            evidence=list(showcase.evidence),
            newcomer=showcase.newcomer,
            late=missing == "late",
            failed=missing == "failed",
        )


class ShowcasesOut(Versioned):
    """Items, best first, or pairs in the order asked for."""

    showcases: list[ShowcaseOut]


class UsersOut(Versioned):
    """A page of users, and how many there are in all."""

    total: int
    users: list[str]


class ItemOut(BaseModel):
    """What an item is called."""

    id: str
    name: str
    category: str


class ItemsOut(Versioned):
    """A page of items, and how many there are in all."""

    total: int
    items: list[ItemOut]


class ItemPhotosOut(Versioned):
    """An item with a page of its photos."""

    item: ItemOut
    total: int
    photos: list[PhotoOut]


class ReviewOut(BaseModel):
    """A past review of a user."""

    id: str
    item: str
    name: str
    rating: float | None
    time: float | None
    text: str
    photos: list[PhotoOut]

    @classmethod
    def of(cls, review: Review) -> ReviewOut:
        """Without files."""
        return cls(
            id=review.id,
            item=review.item,
            name=review.item_name,
            rating=review.rating,
            time=review.time,
            text=review.text,
            photos=[PhotoOut.of(photo) for photo in review.photos],
        )


class UserOut(Versioned):
    """What is known of a user's past, a page of it."""

    user: str
    total: int
    reviews: list[ReviewOut]


class ErrorOut(BaseModel):
    """What was wrong, in one line."""

    error: str


class RefreshOut(Versioned):
    """Which data is served from now on."""

    users: int
    items: int
    photos: int


class StateOut(BaseModel):
    """Whether the service lives, or is ready."""

    status: str
    model: str | None = None
    data: str | None = None


def photo_url(photo: str) -> str:
    """Where the service has a photo."""
    return f"/v1/photo?id={quote(photo, safe='')}"


def _number(value: Any) -> float | None:
    """A number as JSON has them."""
    return None if value is None or not math.isfinite(value) else float(value)

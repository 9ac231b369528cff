"""What is asked of the model, in its two stages: photos are chosen first, then texts written.

Everything here runs in the one thread that works with the model.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.data.profiles import Newcomer
from recbole_showcase.errors import ShowcaseError, one_line
from recbole_showcase.serving.metrics import Metrics
from recbole_showcase.serving.refusals import NotFound
from recbole_showcase.serving.served import Served
from recbole_showcase.showcase import Showcase

LOG = logging.getLogger("uvicorn.error")  # the server's own, which has a handler
Photos = tuple[str, ...] | None  # to write from; None for the selector's


@dataclass(frozen=True)
class Recommend:
    """The best items of a user."""

    user: str
    k: int

    @property
    def size(self) -> int:
        """How many pairs it is at most."""
        return self.k


@dataclass(frozen=True)
class Explain:
    """Given pairs: user, item, photos."""

    pairs: tuple[tuple[str, str, Photos], ...]

    @property
    def size(self) -> int:
        """How many pairs it is."""
        return len(self.pairs)


@dataclass(frozen=True)
class Profile:
    """Items with photos for somebody who is in no file; the most visited where none are given."""

    texts: tuple[str, ...]
    own_photos: np.ndarray  # (H, h, w, 3) uint8, as the encoder looks at them
    items: tuple[tuple[str, Photos], ...] | None
    k: int

    @property
    def size(self) -> int:
        """How many pairs it is at most."""
        return self.k if self.items is None else len(self.items)


Job = Recommend | Explain | Profile


@dataclass(frozen=True)
class Chosen:
    """The first half of an answer: what there is to be shown before a text is written.

    Attributes:
        pairs: The pairs that can be answered (N).
        photos: Positions in the photo table (N, P), -1 if absent.
        relevance: Of the photos (N, P), NaN if absent or given.
        given: Where the photos are not the selector's to choose (N,).
        places: Which of the job's pairs they are (N,).
        errors: Of the other pairs, by place: who or what it is, and what is wrong.
        newcomer: Whose taste all pairs are explained by, if it is nobody's of the data set.
        ranks: Places in the recommendations (N,), where they were recommended.
        scores: The recommender's scores (N,), where they were recommended.
        quoted: What others wrote that fits, in case the texts are late or fail.
    """

    pairs: Pairs
    photos: np.ndarray
    relevance: np.ndarray
    given: np.ndarray
    places: np.ndarray
    errors: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    newcomer: Newcomer | None = None
    ranks: np.ndarray | None = None
    scores: np.ndarray | None = None
    quoted: Explanations | None = None

    def part(self, start: int, end: int) -> Chosen:
        """Some of the pairs, to be written for; neither recommended nor with an error."""
        some = slice(start, end)
        return Chosen(
            self.pairs[some],
            self.photos[some],
            self.relevance[some],
            self.given[some],
            self.places[some],
            newcomer=self.newcomer,
        )

    def showcases(self, served: Served, written: Explanations | None = None) -> list[Showcase]:
        """For people to read, with what was written of the pairs, if anything."""
        outputs = Explanations.of_photos(self.photos, self.relevance)
        if written is not None:
            outputs = replace(written, photos=self.photos, relevance=self.relevance)
        return served.recommender.showcases(self.pairs, outputs, self.ranks, self.scores)


def choose(
    served: Served, jobs: Sequence[Job], metrics: Metrics, photos: bool = True
) -> list[Chosen | NotFound]:
    """The pairs of several jobs with their photos and quotes, all jobs together."""
    with metrics.timed("rank"):
        found = _planned(served, jobs)
    for place, job in enumerate(jobs):
        chosen = found[place]
        if isinstance(job, Profile) and isinstance(chosen, Chosen):
            with metrics.timed("encode"):
                taste = served.recommender.newcomers.newcomer(job.texts, job.own_photos)
            found[place] = replace(chosen, newcomer=taste)
    if photos:
        with metrics.timed("photos"):
            _select(served, [chosen for chosen in found if isinstance(chosen, Chosen)])
    if photos and served.quoting is not None:
        with metrics.timed("quotes"):
            return _quoted(served, found)
    return found


def write(served: Served, parts: Sequence[Chosen], metrics: Metrics) -> list[Explanations]:
    """Texts and what they rest on, by job, of several jobs; written from the chosen photos."""
    with metrics.timed("text"):
        return _written_by(served.recommender.model, parts)


def _quoted(served: Served, found: Sequence[Chosen | NotFound]) -> list[Chosen | NotFound]:
    """The same with quotes, which cost little beside a choice of photos."""
    parts = [chosen for chosen in found if isinstance(chosen, Chosen)]
    try:
        quotes = iter(_written_by(served.quoting, parts))
    except ShowcaseError as error:  # such as a review that has changed since; photos go alone
        LOG.error("nothing is quoted in place of texts: %s", one_line(str(error)))
        return list(found)
    return [replace(c, quoted=next(quotes)) if isinstance(c, Chosen) else c for c in found]


def _written_by(model: Any, parts: Sequence[Chosen]) -> list[Explanations]:
    """What a model writes, or quotes, beside the chosen photos."""
    written = [Explanations.of_photos(part.photos, part.relevance) for part in parts]
    for group in _together(parts):
        some = [parts[n] for n in group]
        outputs = model.explain(
            _joined(part.pairs for part in some),
            photos=_stacked([part.photos for part in some]),
            newcomer=some[0].newcomer,
        )
        ends = np.cumsum([len(part.pairs) for part in some])
        for n, end in zip(group, ends, strict=True):
            written[n] = outputs[np.arange(end - len(parts[n].pairs), end)]
    return written


def _planned(served: Served, jobs: Sequence[Job]) -> list[Chosen | NotFound]:
    """The pairs of each job, with the photos that were given."""
    found: dict[int, Chosen | NotFound] = {}
    users = [(n, job) for n, job in enumerate(jobs) if isinstance(job, Recommend)]
    found.update(_ranked(served, users))
    for n, job in enumerate(jobs):
        if isinstance(job, Explain):
            found[n] = _pairs(served, job.pairs)
        elif isinstance(job, Profile) and job.items is not None:
            found[n] = _pairs(served, [(None, item, photos) for item, photos in job.items])
        elif isinstance(job, Profile):
            items = served.recommender.popular_items(job.k)
            ranks = np.arange(1, len(items) + 1)
            found[n] = _to_choose(served, Pairs.of_ids(np.zeros_like(items), items), ranks)
    return [found[n] for n in range(len(jobs))]


def _ranked(served: Served, jobs: Sequence[tuple[int, Recommend]]) -> dict[int, Chosen | NotFound]:
    """The best items of users, who are ranked together, by the number of the job."""
    found: dict[int, Chosen | NotFound] = {}
    ids = served.recommender.find("user", [job.user for _, job in jobs])
    lost = served.recommender.without_sequence(ids) & (ids > 0)
    for (n, job), user, no_sequence in zip(jobs, ids, lost, strict=True):
        if not user:
            found[n] = NotFound(_unknown("user", job.user))
        elif no_sequence:
            kind = served.recommender.model_name
            found[n] = NotFound(
                f"user '{one_line(job.user)}' has no sequence of items (two or more), which "
                f"{kind} recommends to"
            )
    asked = [(n, job, user) for (n, job), user in zip(jobs, ids, strict=True) if n not in found]
    if asked:
        best = served.recommender.ranked(
            np.array([user for *_, user in asked]), max(job.k for _, job, _ in asked)
        )
        for place, (n, job, _) in enumerate(asked):
            own = np.flatnonzero((best.place == place) & (best.ranks <= job.k))
            found[n] = _to_choose(served, best.pairs[own], best.ranks[own], best.scores[own])
    return found


def _to_choose(
    served: Served, pairs: Pairs, ranks: np.ndarray, scores: np.ndarray | None = None
) -> Chosen:
    """Ranked pairs, all of whose photos are the selector's to choose."""
    none = np.full((len(pairs), served.recommender.model.showcase.settings.photos), -1)
    return Chosen(
        pairs=pairs,
        photos=none,
        relevance=np.full(none.shape, np.nan, dtype=np.float32),
        given=np.zeros(len(pairs), dtype=bool),
        places=np.arange(len(pairs)),
        ranks=ranks,
        scores=scores,
    )


def _pairs(served: Served, asked: Sequence[tuple[str | None, str, Photos]]) -> Chosen | NotFound:
    """Given pairs; the user is None for somebody who is in no file."""
    users = served.recommender.find("user", [user or "" for user, *_ in asked])
    items = served.recommender.find("item", [item for _, item, _ in asked])
    errors: dict[int, tuple[str, str, str]] = {}
    given: dict[int, np.ndarray] = {}
    for place, (user, item, photos) in enumerate(asked):
        found = served.positions(int(items[place]), photos or ())
        if user is not None and not users[place]:
            error = _unknown("user", user)
        elif not items[place]:
            error = _unknown("item", item)
        elif isinstance(found, str):
            error = f"item '{one_line(item)}' has no photo '{one_line(found)}'"
        else:
            given[place] = found
            continue
        errors[place] = (user or "", item, error)
    if errors and len(asked) == 1:
        return NotFound(errors[0][2])
    places = np.array(sorted(given), dtype=np.int64)
    pairs = Pairs.of_ids(users[places], items[places])
    chosen = _to_choose(served, pairs, np.empty(0))
    photos_given = _stacked([chosen.photos[:0], *(given[place][None] for place in given)])
    return replace(
        chosen,
        photos=photos_given,
        relevance=np.full(photos_given.shape, np.nan, dtype=np.float32),
        given=np.array([len(given[place]) > 0 for place in places], dtype=bool),
        places=places,
        errors=errors,
        ranks=None,
    )


def _select(served: Served, parts: Sequence[Chosen]) -> None:
    """Choose the photos that were not given, in place."""
    for group in _together(parts):
        some = [parts[n] for n in group]
        free = [np.flatnonzero(~part.given) for part in some]
        pairs = _joined(part.pairs[own] for part, own in zip(some, free, strict=True))
        if not len(pairs):
            continue
        outputs = served.recommender.model.explain(pairs, text=False, newcomer=some[0].newcomer)
        start, width = 0, outputs.photos.shape[1]
        for part, own in zip(some, free, strict=True):
            end = start + len(own)
            part.photos[own, :width] = outputs.photos[start:end]
            part.relevance[own, :width] = outputs.relevance[start:end]
            start = end


def _together(parts: Sequence[Chosen]) -> list[list[int]]:
    """Numbers of the parts that one call can explain: all of known users, and each newcomer's."""
    known = [n for n, part in enumerate(parts) if part.newcomer is None and len(part.pairs)]
    new = [[n] for n, part in enumerate(parts) if part.newcomer is not None and len(part.pairs)]
    return [known, *new] if known else new


def _joined(pairs: Iterable[Pairs]) -> Pairs:
    every = list(pairs)
    return Pairs(
        np.concatenate([each.users for each in every]),
        np.concatenate([each.items for each in every]),
        np.concatenate([each.times for each in every]),
        np.concatenate([each.rows for each in every]),
    )


def _stacked(photos: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of photos (n, P) of different width under each other, filled with -1."""
    width = max(part.shape[1] for part in photos)
    return np.concatenate(
        [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=-1) for part in photos]
    )


def _unknown(kind: str, token: str) -> str:
    return f"{kind} '{one_line(token)}' is not in the data set"

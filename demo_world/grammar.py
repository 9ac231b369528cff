"""Write reviews: every user has a style of their own, and names what they ate and saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demo_world import phrases
from demo_world.catalogue import AMBIENCES, DISHES, Ambience, Dish


@dataclass(frozen=True)
class Style:
    """How a user writes.

    Attributes:
        good: Favourite words of praise.
        bad: Favourite words of blame.
        very: Favourite ways to stress.
        praise: Favourite sentences about a dish.
        room: Favourite sentences about a room.
        openings: How they begin.
        closings: How they end.
        opens: Chance of an opening.
        closes: Chance of a closing.
        chatter: Mean number of asides.
        exclaims: Chance that a sentence ends with an exclamation mark.
        other_names: Chance that they use another name of a dish.
    """

    good: tuple[str, ...]
    bad: tuple[str, ...]
    very: tuple[str, ...]
    praise: tuple[str, ...]
    room: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    opens: float
    closes: float
    chatter: float
    exclaims: float
    other_names: float


@dataclass(frozen=True)
class Text:
    """A review.

    Attributes:
        before: Sentences ahead of those about the meal.
        about: Sentences about dishes and room, and whether the photos show what each is about.
        after: Sentences behind these.
        dishes: Names of the dishes it names.
    """

    before: tuple[str, ...]
    about: tuple[tuple[str, bool], ...]
    after: tuple[str, ...]
    dishes: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it."""
        return " ".join((*self.before, *(sentence for sentence, _ in self.about), *self.after))

    @property
    def explanation(self) -> str:
        """The sentences about what its photos show; empty without photos."""
        return " ".join(sentence for sentence, is_shown in self.about if is_shown)


def _some(rng: np.random.Generator, choices: Sequence[str], n: int) -> tuple[str, ...]:
    return tuple(choices[i] for i in rng.choice(len(choices), n, replace=False))


def one_of(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """One of the choices, each as likely."""
    return choices[int(rng.integers(len(choices)))]


def draw_style(rng: np.random.Generator) -> Style:
    """Draw how one user writes."""
    return Style(
        good=_some(rng, phrases.GOOD, 5),
        bad=_some(rng, phrases.BAD, 4),
        very=_some(rng, phrases.VERY, 2),
        praise=_some(rng, phrases.PRAISE, 5),
        room=_some(rng, phrases.ROOM, 3),
        openings=_some(rng, phrases.OPENINGS, 3),
        closings=_some(rng, phrases.CLOSINGS, 2),
        opens=float(rng.beta(1, 1.6)),
        closes=float(rng.beta(1, 1.4)),
        chatter=float(rng.gamma(1.5, 0.5)),
        exclaims=float(rng.beta(0.5, 1.5)),
        other_names=float(rng.beta(1, 4)),
    )


def _dish_sentence(rng: np.random.Generator, style: Style, dish: Dish, sour: bool) -> str:
    other = bool(dish.also) and rng.random() < style.other_names
    name = one_of(rng, dish.also) if other else dish.name
    plural = dish.plural or (other and name.endswith(("rolls", "tacos", "pancakes", "fries")))
    adjectives = _some(rng, dish.adjectives, 2)
    parts = _some(rng, dish.parts, 2)
    bad = _some(rng, style.bad, 2)
    pattern = one_of(rng, phrases.COMPLAINTS if sour else style.praise)
    return pattern.format(
        dish=name,
        was="were" if plural else "was",
        it="they" if plural else "it",
        adj=adjectives[0],
        adj2=adjectives[1],
        part=parts[0],
        part2=parts[1],
        was_part="were" if parts[0].endswith("s") else "was",
        good=one_of(rng, style.good),
        bad=bad[0],
        bad2=bad[1],
        very=one_of(rng, style.very),
    )


def _room_sentence(rng: np.random.Generator, style: Style, ambience: Ambience) -> str:
    return one_of(rng, style.room).format(
        room=one_of(rng, ambience.phrases),
        mood=one_of(rng, ambience.moods),
        good=one_of(rng, style.good),
        very=one_of(rng, style.very),
    )


def finish(rng: np.random.Generator, style: Style, sentence: str) -> str:
    """A sentence with its capital and its mark, by the writer's habit."""
    end = "!" if rng.random() < style.exclaims else "."
    return sentence[0].upper() + sentence[1:] + end


def write_review(
    rng: np.random.Generator,
    style: Style,
    rating: int,
    eaten: Sequence[int],
    ambience: int,
    shown: Sequence[int],
) -> Text:
    """Write one review.

    Args:
        rng: Where the words come from.
        style: How the user writes.
        rating: Stars, 1 to 5; below 4 something is wrong with a dish.
        eaten: Indices of the dishes eaten.
        ambience: Index of the room's ambience.
        shown: What the photos show: dish indices, and number of dishes + ambience for the room.
    """
    named = [d for k, d in enumerate(eaten) if k == 0 or d in shown or rng.random() < 0.5]
    about: list[tuple[str, bool]] = []
    for d in named:
        sour = rating <= 2 or (rating == 3 and rng.random() < 0.5)
        about.append((finish(rng, style, _dish_sentence(rng, style, DISHES[d], sour)), d in shown))
    room_shown = len(DISHES) + ambience in shown
    if room_shown or rng.random() < 0.15:
        sentence = _room_sentence(rng, style, AMBIENCES[ambience])
        about.append((finish(rng, style, sentence), room_shown))
    before, after = _frame(rng, style, rating)
    return Text(tuple(before), tuple(about), tuple(after), tuple(DISHES[d].name for d in named))


def _frame(rng: np.random.Generator, style: Style, rating: int) -> tuple[list[str], list[str]]:
    """Return the sentences before and after those about the meal."""
    happy = rating >= 3
    before = [one_of(rng, style.openings)] if rng.random() < style.opens else []
    asides = phrases.ASIDES if happy else phrases.SOUR_ASIDES
    after = list(_some(rng, asides, min(int(rng.poisson(style.chatter)), 4)))
    if rng.random() < style.closes:
        after.append(one_of(rng, style.closings if happy else phrases.SOUR_CLOSINGS))
    return (
        [finish(rng, style, sentence) for sentence in before],
        [finish(rng, style, sentence) for sentence in after],
    )

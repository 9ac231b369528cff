"""Reviews as generic as real ones: sentences that would fit any restaurant.

They have a stream of random numbers of their own, so that a world with them has the visits, photos
and other sentences of the world without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from demo_world import phrases
from demo_world.grammar import Style, Text, finish, one_of
from demo_world.settings import WorldSettings

_STREAM = 0x67656E65  # keeps these sentences' randomness apart from everything else drawn
_OWN_WORDS = 0.3  # how often praise is in the writer's own words rather than in everybody's
_MORE_SENTENCES = 0.8  # of a review that says nothing else, on average behind the first


def with_generic(
    settings: WorldSettings,
    texts: Sequence[Text | None],
    styles: Sequence[Style],
    ratings: Sequence[int],
) -> list[Text | None]:
    """Make some reviews generic, and put generic sentences into the others.

    Args:
        settings: Of the world; its two shares of what is generic.
        texts: Reviews, None where a visit has none.
        styles: How the writer of each writes.
        ratings: Stars of each.
    """
    if not (settings.share_generic_reviews or settings.share_generic_sentences):
        return list(texts)
    rng = np.random.default_rng([settings.seed, _STREAM])
    return [
        None if text is None else _generic(rng, settings, text, style, rating)
        for text, style, rating in zip(texts, styles, ratings, strict=True)
    ]


def _generic(
    rng: np.random.Generator, settings: WorldSettings, text: Text, style: Style, rating: int
) -> Text:
    """A review without its sentences about dishes and room, or one with some sentences more."""
    if rng.random() < settings.share_generic_reviews:
        more = 1 + int(rng.poisson(_MORE_SENTENCES))
        text = replace(text, about=(), dishes=())
    else:
        share = settings.share_generic_sentences
        own = len(text.before) + len(text.about) + len(text.after)
        more = int(rng.poisson(own * share / (1 - share)))
    said = [finish(rng, style, generic_sentence(rng, style, rating)) for _ in range(more)]
    said = list(dict.fromkeys(said))
    ahead = int(rng.integers(len(said) + 1))
    return replace(text, before=(*text.before, *said[:ahead]), after=(*said[ahead:], *text.after))


def generic_sentence(rng: np.random.Generator, style: Style, rating: int) -> str:
    """One sentence that would fit any restaurant; the commoner a pattern, the likelier."""
    patterns = phrases.GENERIC if rating >= 3 else phrases.SOUR_GENERIC
    weights = 1 / np.arange(1, len(patterns) + 1)
    pattern = patterns[int(rng.choice(len(patterns), p=weights / weights.sum()))]
    thing, thing2 = (phrases.THINGS[k] for k in rng.choice(len(phrases.THINGS), 2, replace=False))
    good, good2, good_a = (_praise(rng, style) for _ in range(3))
    bad, bad2 = one_of(rng, style.bad), one_of(rng, style.bad)
    return pattern.format(
        thing=thing,
        thing2=thing2,
        was=_was(thing),
        was2=_was(thing2),
        good=good,
        good2=good2,
        # Behind an "a".
        good_a=good_a if good_a[0] not in "aeiou" else "great",
        very=one_of(rng, style.very),
        bad=bad,
        bad2=bad2,
    )


def _praise(rng: np.random.Generator, style: Style) -> str:
    own = rng.random() < _OWN_WORDS
    return one_of(rng, style.good if own else phrases.ANYBODYS_GOOD)


def _was(thing: str) -> str:
    return "were" if thing.endswith("s") else "was"

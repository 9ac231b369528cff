"""Texts in pieces, words with the white space before them, of which few are new.

Reviews say the same words again and again. What a tokenizer or a rule gives for a piece, whatever
stands around it, is kept for the next text that has it: looking it up takes a fiftieth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

# Unicode's white space; Python's also has four control characters.
_SPACE = r"[^\S\x1c-\x1f]"
_PIECE = re.compile(rf"{_SPACE}*[\S\x1c-\x1f]+|{_SPACE}+")
_MOST = 100_000  # pieces that are kept, some 30 MB
_LONGEST = 32  # characters of one: longer ones, as texts without spaces are, do not come again


def pieces(text: str) -> list[str]:
    r"""Cut a text before each run of white space, and nowhere else.

    >>> pieces("The soup,\n  hot. ")
    ['The', ' soup,', '\n  hot.', ' ']
    """
    return _PIECE.findall(text)


class Recall(Generic[T]):
    """What a function gives for pieces, kept where they are likely to come again.

    Threads may share one: what one of them looks up is never taken away by another.
    """

    def __init__(self, function: Callable[[Sequence[str]], Iterable[T]]) -> None:
        """Keep the function, which gives one thing for each of some pieces."""
        self._function = function
        self._known: dict[str, T] = {}

    def of(self, texts: Sequence[Sequence[str]]) -> list[list[T]]:
        """What the function gives for each piece of each text."""
        known = self._known
        try:
            return [[known[piece] for piece in text] for text in texts]
        except KeyError:
            new = list(set().union(*texts).difference(known))
        fresh = dict(zip(new, self._function(new), strict=True))
        found = [[fresh[p] if p in fresh else known[p] for p in text] for text in texts]
        known.update((piece, own) for piece, own in fresh.items() if len(piece) <= _LONGEST)
        if len(known) > _MOST:
            self._known = {}
        return found

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_known": {}}

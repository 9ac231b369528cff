"""What a checkpoint remembers of its data: which token has which id, the tokenizer, and the rows.

A model's tables are by internal id, and RecBole numbers tokens in the order of the files. So a data
set that is built for a checkpoint takes the numbers from it, whatever the order of its rows now. It
has the rows of then, and splits them as they were, whatever else the files hold by now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from logging import getLogger
from typing import Any

import numpy as np
from recbole.utils import FeatureSource

from recbole_showcase.data.marks import DataMarks
from recbole_showcase.errors import CheckpointError
from recbole_showcase.text.tokenizer import TextTokenizer


@dataclass(frozen=True)
class Remembered:
    """What is known of the data that a checkpoint was trained on.

    Attributes:
        tokens: By field, its tokens in the order of their ids, padding first.
        tokenizer: The tokenizer as text; None if it cannot be written as one.
        marks: Which rows, reviews and photos there were; None in checkpoints that do not say.
    """

    tokens: Mapping[str, list[str]] = field(default_factory=dict)
    tokenizer: str | None = None
    marks: DataMarks | None = None

    def text_tokenizer(self) -> TextTokenizer | None:
        """The tokenizer; None if none is remembered.

        Raises:
            CheckpointError: If it is damaged.
        """
        if self.tokenizer is None:
            return None
        try:
            return TextTokenizer.from_text(self.tokenizer)
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"the checkpoint's tokenizer is damaged: {error}") from error


_NOTHING = Remembered()
_remembered: ContextVar[Remembered | None] = ContextVar("remembered", default=None)


def remembered() -> Remembered:
    """What the checkpoint remembers for which a data set is being built; nothing otherwise."""
    return _remembered.get() or _NOTHING


@contextmanager
def data_of(checkpoint: Mapping[str, Any]) -> Iterator[None]:
    """Build data sets for a checkpoint, in this thread.

    Raises:
        CheckpointError: If what it remembers is damaged.
    """
    stored = checkpoint.get("data") or {}
    try:
        tokens = {str(name): list(map(str, own)) for name, own in stored.get("tokens", {}).items()}
        marks = DataMarks.from_plain(stored["marks"]) if "marks" in stored else None
        found = Remembered(tokens, stored.get("tokenizer"), marks)
    except (AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"what the checkpoint remembers of its data is damaged: {error}"
        ) from error
    token = _remembered.set(found)
    try:
        yield
    finally:
        _remembered.reset(token)


def to_remember(dataset: Any) -> Mapping[str, list[str]]:
    """Tokens of users, items and what else interactions, users and items have, by their ids."""
    sources = {FeatureSource.INTERACTION, FeatureSource.USER, FeatureSource.ITEM}
    sources |= {FeatureSource.USER_ID, FeatureSource.ITEM_ID}
    return {
        str(name): list(map(str, tokens))
        for name, tokens in dataset.field2id_token.items()
        if dataset.field2source[name] in sources
    }


def digests_of(dataset: Any) -> Mapping[str, str]:
    """By field, a digest of its tokens in the order of their ids; equal where ids mean the same."""
    return {str(name): _digest(tokens) for name, tokens in dataset.field2id_token.items()}


def renumbered(
    known: np.ndarray, wanted: list[str], name: str, *, others: bool = False
) -> np.ndarray:
    """The ids that a checkpoint has for the tokens of a data set.

    Args:
        known: The tokens by their ids now (N,).
        wanted: The tokens by their ids in the checkpoint.
        name: The field, for the error.
        others: Whether there may be others, which get the id 0, as what is missing has.

    Returns:
        The id in the checkpoint for each id now (N,).

    Raises:
        CheckpointError: If the data set has tokens that the checkpoint has not.
    """
    number = {token: place for place, token in enumerate(wanted)}
    found = np.array([number.get(str(token), -1) for token in known], dtype=np.int64)
    new = int((found < 0).sum())
    if new and others:
        getLogger().warning(
            f"{new} values of '{name}' came after the checkpoint, such as "
            f"'{known[np.flatnonzero(found < 0)[0]]}': they are read as missing"
        )
        return np.maximum(found, 0)
    if new:
        first = str(known[np.flatnonzero(found < 0)[0]])
        gone = len(wanted) - (len(found) - new)
        raise CheckpointError(
            f"the data set has {new} values of '{name}' that the checkpoint was not trained on, "
            f"such as '{first}', and {gone} of its {len(wanted) - 1} are gone; train again, or "
            "name the data that it was trained on"
        )
    return found


def check_same_ids(stored: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Refuse a checkpoint whose ids are of other tokens than a data set's.

    Args:
        stored: What :func:`digests_of` gave for the checkpoint's data set.
        here: What it gives for this one.

    Raises:
        CheckpointError: Naming the fields that are numbered in another way.
    """
    others = sorted(name for name in stored if stored[name] != here.get(name))
    if others:
        raise CheckpointError(
            f"the checkpoint numbers the values of {', '.join(others)} in another way than this "
            "data set: its rows are in another order, or it has changed; load_explainer and "
            "load_data_and_model build the data set in the checkpoint's way"
        )


def _digest(tokens: Iterable[Any]) -> str:
    found = hashlib.sha256()
    for token in tokens:
        found.update(str(token).encode("utf-8", "surrogatepass") + b"\0")
    return found.hexdigest()

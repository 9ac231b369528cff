"""What is judged: texts of (user, item) pairs with what they may be held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from recbole_showcase.files.replace import replaced

PairKey = tuple[str, str, int]  # user, item, and which of their pairs it is, from 0


@dataclass(frozen=True)
class Pair:
    """A text that explains an item to a user; a line of a file of pairs.

    Attributes:
        user, item: Tokens.
        text: The explanation; may be empty.
        item_name: What the item is called.
        reference: What the user wrote of the item; empty where it is not known.
        evidence: What others wrote of the item before, the latest first.
        history: What the user wrote of other items before, the latest first.
        metrics: Values of metrics of this pair by name, None where undefined.
    """

    user: str
    item: str
    text: str
    item_name: str = ""
    reference: str = ""
    evidence: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """The pairs of one system.

    Attributes:
        name: What tables call it.
        path: The file or folder.
        digest: SHA-256 of the file, or of the manifest of the folder.
        pairs: In the order of the file.
    """

    name: str
    path: Path
    digest: str
    pairs: tuple[Pair, ...]

    def pair_keys(self) -> list[PairKey]:
        """What tells each pair from the others: a user may have an item twice."""
        seen: dict[tuple[str, str], int] = {}
        found = []
        for pair in self.pairs:
            number = seen.get((pair.user, pair.item), 0)
            seen[pair.user, pair.item] = number + 1
            found.append((pair.user, pair.item, number))
        return found


def write_pairs(pairs: Iterable[Pair], out: Path) -> None:
    """Write pairs as JSON lines, whole or not at all."""
    with replaced(out) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        for pair in pairs:
            file.write(json.dumps(asdict(pair), ensure_ascii=False, allow_nan=False) + "\n")

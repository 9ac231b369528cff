"""What the reviews of a data set say of the pairs of showcases, which have ids of reviews alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from recbole_showcase.arguments import name_of
from recbole_showcase.atomic import read_atomic, read_fields
from recbole_showcase.judging.pairs import Pair

MOST_TEXTS = 10  # reviews of a pair that a judge reads, on either side


@dataclass(frozen=True)
class Shown:
    """What is read of a showcase; ``evidence`` has ids of reviews."""

    user: str
    item: str
    text: str
    evidence: tuple[str, ...]


class JoinedReviews:
    """The reviews of a data set by user and item, the latest first.

    The atomic files know no splits and showcases no times: what a judge reads is all that others
    wrote of the item and the user of other items, whenever that was.
    """

    def __init__(self, dataset_dir: Path) -> None:
        """Read ``.inter``, ``.review`` and ``.item``.

        Raises:
            DataError: A file is missing or damaged, or has not the columns of the format.
        """
        self._path = dataset_dir / name_of(dataset_dir)
        inter = self._read("inter", ["user_id", "item_id", "review_id", "timestamp"])
        reviews = self._read("review", ["review_id", "text"])
        rows = inter.merge(reviews, on="review_id")
        if "timestamp" in rows:
            rows = rows.sort_values("timestamp", ascending=False, kind="stable")
        self._rows = rows[rows["text"].str.strip() != ""]
        self._texts = dict(zip(reviews["review_id"], reviews["text"], strict=True))
        self._item_of = dict(zip(rows["review_id"], rows["item_id"], strict=True))

    def _read(self, suffix: str, columns: list[str]) -> pd.DataFrame:
        path = self._path.with_name(f"{self._path.name}.{suffix}")
        there = {field.name for field in read_fields(path)}
        return read_atomic(path, [c for c in columns if c in there or c != "timestamp"])

    @cached_property
    def _names(self) -> dict[str, str]:
        path = self._path.with_name(f"{self._path.name}.item")
        if not path.is_file() or "name" not in {field.name for field in read_fields(path)}:
            return {}
        items = read_atomic(path, ["item_id", "name"])
        return dict(zip(items["item_id"], items["name"], strict=True))

    def complete(self, shown: Iterable[Shown]) -> Iterator[Pair]:
        """Pairs with what may be read beside them: see :class:`Pair`.

        Evidence are the reviews of the item that the showcase names, then what others wrote of it.
        """
        by_user = {key: rows for key, rows in self._rows.groupby("user_id", sort=False)}
        by_item = {key: rows for key, rows in self._rows.groupby("item_id", sort=False)}
        none = self._rows.iloc[:0]
        for one in shown:
            of_user, of_item = by_user.get(one.user, none), by_item.get(one.item, none)
            named = [i for i in one.evidence if self._item_of.get(i) == one.item]
            others = of_item["review_id"][of_item["user_id"] != one.user]
            own = of_user["text"][of_user["item_id"] == one.item]
            past = of_user["text"][of_user["item_id"] != one.item]
            evidence = list(dict.fromkeys([*named, *others[: MOST_TEXTS + len(named)]]))
            yield Pair(
                one.user,
                one.item,
                one.text,
                item_name=self._names.get(one.item, ""),
                reference=str(own.iloc[0]) if len(own) else "",
                evidence=tuple(self._texts[i] for i in evidence[:MOST_TEXTS]),
                history=tuple(past[:MOST_TEXTS]),
            )

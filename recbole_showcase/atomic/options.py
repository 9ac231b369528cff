"""The options of the converters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from recbole_showcase.atomic.regions import state_codes
from recbole_showcase.errors import DataError


def _check_number(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise DataError(f"{name} is {value}; it must be {least} or more")


def _check_delimiter(delimiter: str | None) -> None:
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise DataError(f"delimiter is {delimiter!r}; it must be one character, and no quote")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What concerns the machine and the output folder, whatever is written there.

    Attributes:
        photos: Folder with the photos; ``None``: not on this machine, and every photo is listed.
        overwrite: Replace a data set that a converter wrote.
        memory_limit: DuckDB's limit; beyond it, it spills to disk beside the output.
        threads: DuckDB's threads; ``None``: one per core.
    """

    photos: Path | None = None
    overwrite: bool = False
    memory_limit: str = "1GB"
    threads: int | None = None
    unused: ClassVar[frozenset[str]] = frozenset()  # options that say nothing here

    def __post_init__(self) -> None:
        _check_number("threads", self.threads, 1)

    def recorded(self) -> dict[str, Any]:
        """The options that decide what comes out, as they stand in ``conversion.json``."""
        left_out = {"photos", "overwrite", "memory_limit", "threads"} | self.unused
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in left_out}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@dataclass(frozen=True, kw_only=True)
class AttachOptions(RunOptions):
    """Options of ``attach``.

    Attributes:
        user_field: RecBole's ``USER_ID_FIELD``, the column of ``.inter``.
        item_field: RecBole's ``ITEM_ID_FIELD``.
        time_field: RecBole's ``TIME_FIELD``, where ``.inter`` has it.
        delimiter: What separates the columns of CSV files; ``None``: as their headers show.
        item_photos: Give each item one row of ``.image``, which features of the item stand for.
    """

    user_field: str = "user_id"
    item_field: str = "item_id"
    time_field: str = "timestamp"
    delimiter: str | None = None
    item_photos: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_delimiter(self.delimiter)


@dataclass(frozen=True, kw_only=True)
class ConvertOptions(RunOptions):
    """What the converters have in common; they find photos by id, at any depth of their folder.

    Attributes:
        k_core: Keep users and items with this many rows or more, to a fixed point; 0: all.
        with_photos: Keep only reviews with a photo (that the photo folder has).
        with_text: Keep only reviews with text.
        english: Of "(Translated by Google) … (Original) …" keep the English part.
        limit: Read only this many rows.
    """

    k_core: int = 0
    with_photos: bool = False
    with_text: bool = False
    english: bool = True
    limit: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_number("k-core", self.k_core, 0)
        _check_number("limit", self.limit, 1)


@dataclass(frozen=True, kw_only=True)
class ReviewOptions(ConvertOptions):
    """Options of sources of reviews whose times and items are told.

    Attributes:
        since: First moment kept, ISO 8601; UTC if it names no zone.
        until: First moment no longer kept.
        one_per_pair: Of a user's reviews of one item keep the latest.
        require_meta: Drop reviews of items without metadata.
    """

    since: str | None = None
    until: str | None = None
    one_per_pair: bool = True
    require_meta: bool = False
    asks_of_items: ClassVar[str] = "require-meta"  # options that only metadata can answer

    def __post_init__(self) -> None:
        super().__post_init__()
        since, until = self.moment("since"), self.moment("until")
        if since is not None and until is not None and since >= until:
            raise DataError(f"since {self.since} is not before until {self.until}")

    def moment(self, name: Literal["since", "until"]) -> int | None:
        """Return a bound of the time range in milliseconds since 1970.

        Raises:
            DataError: It is no ISO 8601 date or time.
        """
        text = getattr(self, name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise DataError(f"{name} is {text!r}; expected such as 2019-01-31") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)


@dataclass(frozen=True, kw_only=True)
class GoogleLocalOptions(ReviewOptions):
    """Options of ``convert_google_local``.

    Attributes:
        categories: Keep businesses with one of these categories, whatever the case;
            ``restaurants`` stands for all kinds of places to eat.
        states: Keep businesses whose address is in one of these states of the USA.
    """

    categories: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    asks_of_items: ClassVar[str] = "categories, states and require-meta"

    def __post_init__(self) -> None:
        super().__post_init__()
        state_codes(self.states)


@dataclass(frozen=True, kw_only=True)
class YelpOptions(ReviewOptions):
    """Options of ``convert_yelp``.

    Attributes:
        categories: Keep businesses with one of these categories, whatever the case.
        states: Keep businesses of one of these states, as Yelp writes them (``PA``).
        cities: Keep businesses of one of these cities, whatever the case.
    """

    categories: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    asks_of_items: ClassVar[str] = "categories, states, cities and require-meta"
    unused: ClassVar[frozenset[str]] = frozenset({"english"})


@dataclass(frozen=True, kw_only=True)
class AmazonOptions(ReviewOptions):
    """Options of ``convert_amazon``.

    Attributes:
        titles: Put the title of a review before its text.
        markup: Keep tags and entities of HTML as they stand in the texts.
    """

    titles: bool = False
    markup: bool = False
    unused: ClassVar[frozenset[str]] = frozenset({"english"})


@dataclass(frozen=True, kw_only=True)
class ExplainedPairsOptions(ConvertOptions):
    """Options of ``convert_explained_pairs``, which looks at no photos.

    Attributes:
        user_column: Column of the interactions that names the user.
        item_column: Column of the interactions that names the item.
        delimiter: What separates the columns of the interactions; ``None``: the first of comma,
            tab, semicolon and bar with which the header names both columns.
        pair_user: Field of an explained pair that names the user.
        pair_item: Field of an explained pair that names the item.
        train: Explained pairs to train on; ``None``: all that are not held out.
        valid: Explained pairs held out for validation.
        test: Explained pairs held out for the test.
        fold: Which test part: the first, the one after it, and so on. Those of two folds have no
            pair in common.
        profiles: Keep the summaries of users and items as their profiles.
    """

    user_column: str = "user"
    item_column: str = "item"
    delimiter: str | None = None
    pair_user: str = "uid"
    pair_item: str = "iid"
    train: int | None = None
    valid: int = 200
    test: int = 200
    fold: int = 0
    profiles: bool = True
    unused: ClassVar[frozenset[str]] = frozenset({"with_photos", "with_text", "english"})

    def __post_init__(self) -> None:
        super().__post_init__()
        for part in ("train", "valid", "test"):
            _check_number(part, getattr(self, part), 1)
        _check_number("fold", self.fold, 0)
        _check_delimiter(self.delimiter)


@dataclass(frozen=True, kw_only=True)
class GestOptions(ConvertOptions):
    """Options of ``convert_gest``.

    Attributes:
        split: ``official`` keeps the released split as RecBole benchmark files;
            ``pooled`` writes one ``.inter`` file; ``None``: official if the file has a split.
        history: Make interactions of the history reviews too, each once.
    """

    split: str | None = None
    history: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split not in (None, "official", "pooled"):
            raise DataError(f"split is {self.split!r}; allowed: official, pooled")


@dataclass(frozen=True, kw_only=True)
class NLG4RSOptions(ConvertOptions):
    """Options of ``convert_nlg4rs``, which has a text in every row and no photos."""

    unused: ClassVar[frozenset[str]] = frozenset({"with_photos", "with_text", "english"})

"""The options of the converters."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from recbole_showcase.atomic.regions import state_codes
from recbole_showcase.errors import DataError


def _check_number(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise DataError(f"{name} is {value}; it must be {least} or more")


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """What the converters have in common.

    Attributes:
        photos: Folder with the photos, in any depth; ``None``: not on this machine, so that
            every photo is listed as ``<id>.jpg``.
        k_core: Keep users and items with this many rows or more, to a fixed point; 0: all.
        with_photos: Keep only reviews with a photo (that the photo folder has).
        with_text: Keep only reviews with text.
        english: Of "(Translated by Google) … (Original) …" keep the English part.
        limit: Read only this many rows.
        overwrite: Replace a data set that a converter wrote.
        memory_limit: DuckDB's limit; beyond it, it spills to disk beside the output.
        threads: DuckDB's threads; ``None``: one per core.
    """

    photos: Path | None = None
    k_core: int = 0
    with_photos: bool = False
    with_text: bool = False
    english: bool = True
    limit: int | None = None
    overwrite: bool = False
    memory_limit: str = "1GB"
    threads: int | None = None

    def __post_init__(self) -> None:
        _check_number("k-core", self.k_core, 0)
        _check_number("limit", self.limit, 1)
        _check_number("threads", self.threads, 1)

    def recorded(self) -> dict[str, Any]:
        """The options that decide what comes out, as they stand in ``conversion.json``."""
        machine = {"photos", "overwrite", "memory_limit", "threads"}
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in machine}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@dataclass(frozen=True, kw_only=True)
class GoogleLocalOptions(ConvertOptions):
    """Options of ``convert_google_local``.

    Attributes:
        since: First moment kept, ISO 8601; UTC if it names no zone.
        until: First moment no longer kept.
        categories: Keep businesses with one of these categories, whatever the case;
            ``restaurants`` stands for all kinds of places to eat.
        states: Keep businesses whose address is in one of these states of the USA.
        one_per_pair: Of a user's reviews of one business keep the latest.
        require_meta: Drop reviews of businesses without metadata.
    """

    since: str | None = None
    until: str | None = None
    categories: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    one_per_pair: bool = True
    require_meta: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        state_codes(self.states)
        since, until = self.moment("since"), self.moment("until")
        if since is not None and until is not None and since >= until:
            raise DataError(f"since {self.since} is not before until {self.until}")

    @property
    def needs_meta(self) -> bool:
        """Whether an option asks what only the metadata of the businesses tell."""
        return bool(self.require_meta or self.categories or self.states)

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
    profiles: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for part in ("train", "valid", "test"):
            _check_number(part, getattr(self, part), 1)
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise DataError(
                f"delimiter is {self.delimiter!r}; it must be one character, and no quote"
            )

    def recorded(self) -> dict[str, Any]:
        """The options that decide what comes out; not those about photos and reviews."""
        elsewhere = {"with_photos", "with_text", "english"}
        return {k: v for k, v in super().recorded().items() if k not in elsewhere}


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

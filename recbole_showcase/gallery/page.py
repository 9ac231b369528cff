"""One self-contained HTML file from user showcases: no script, no request, all text escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.files.replace import replaced, require_writable
from recbole_showcase.gallery.album import collect_album
from recbole_showcase.showcase import Photo, UserShowcase

# What HTML cannot hold (controls, null) and what UTF-8 cannot (lone surrogates).
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render_gallery(
    users: Sequence[UserShowcase],
    out: Path,
    *,
    title: str,
    subtitle: str,
    figures: Mapping[str, float] | None,
    figures_note: str = "",
    max_photo_side: int = 256,
) -> Path:
    """Write the showcases of some users as one HTML file.

    The file is complete in itself: styles are inline, photos are embedded, each
    distinct one once. It appears whole or not at all; a file that was there before
    stays until the new one is finished.

    Args:
        users: The users to show, in this order.
        out: The file to write, in a folder that exists.
        title: Headline of the page.
        subtitle: The line under it, such as the model and the data set.
        figures: Metric values to show at the top, by name, or None.
        figures_note: A line under them, such as on how many rows they rest.
        max_photo_side: Longest side of an embedded photo, in pixels.

    Returns:
        ``out``.

    Raises:
        DataError: ``out`` cannot be written.
        SettingsError: ``max_photo_side`` is not positive.
    """
    if max_photo_side < 1:
        raise SettingsError(f"max_photo_side is {max_photo_side}; it must be at least 1 pixel")
    require_writable(out)
    album = collect_album(users, max_photo_side)
    template = environment().get_template("page.html")
    page = template.stream(
        users=users,
        title=title,
        subtitle=subtitle,
        figures=figures or {},
        figures_note=figures_note,
        album=album,
        top_relevance=top_relevance(users),
    )
    page.enable_buffering(64)
    try:
        with replaced(out) as partial:
            page.dump(str(partial), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"cannot write {out}: {reason}; it was left as it was") from error
    return out


def environment(*packages: str) -> Environment:
    """Templates that escape what they are given.

    Args:
        packages: Whose templates come before the gallery's and may take the place of its parts,
            such as ``tile.html``.
    """
    found = Environment(
        loader=ChoiceLoader([PackageLoader(p) for p in (*packages, "recbole_showcase.gallery")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(figure=_figure, compact=_compact, day=_day)
    found.globals.update(shared_ids=_shared_ids, share=_share)
    return found


def _printable(value: object) -> object:
    """Replace what a page cannot hold; markup of our own templates passes as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNPRINTABLE.sub("\ufffd", value)
    return value


def _figure(value: float) -> str:
    """A metric value, with as many decimals as its size deserves."""
    if not math.isfinite(value):
        return "n/a"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:,.2f}"


def _compact(value: float) -> str:
    """A score, rating or relevance in three significant digits."""
    return f"{value:.3g}" if math.isfinite(value) else "n/a"


def _day(seconds: float | None) -> str | None:
    """The UTC day as 2021-03-09, or None for a time that no calendar has."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _shared_ids(selected: Sequence[Photo], own: Sequence[Photo]) -> set[str]:
    """Ids of the photos that were selected and are the user's own."""
    return {photo.id for photo in selected} & {photo.id for photo in own}


def _share(relevance: float, top: float) -> float:
    """Length of a bar in percent; what is not above zero has none."""
    return round(100 * relevance / top, 1) if relevance > 0 and top > 0 else 0.0


def top_relevance(users: Sequence[UserShowcase]) -> float:
    """The relevance that fills a bar: the page's greatest, so bars compare across cards."""
    values = [
        photo.relevance
        for user in users
        for showcase in (*user.recommended, *user.held_out)
        for photo in showcase.photos
        if photo.relevance is not None and math.isfinite(photo.relevance)
    ]
    return max(values, default=0.0)

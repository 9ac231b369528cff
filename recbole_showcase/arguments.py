"""What functions that people call ask of their arguments, refused in the same words everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from logging import getLogger
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from recbole_showcase.errors import DataError, ShowcaseError

Unknown = Literal["raise", "skip"]  # what becomes of names that nothing is known of

_NAMED = 10  # how many names a message lists


def texts_of(name: str, given: Any, example: str = "") -> list[str]:
    """The entries of a list of texts.

    Args:
        name: What the argument is called.
        given: The argument.
        example: An entry that is allowed, for the error.

    Raises:
        DataError: If it is a single text or no list, or an entry is no text, such as None.
    """
    hint = f", such as ['{example}']" if example else ""
    if isinstance(given, str | bytes):
        raise DataError(
            f"{name} is a single text of {len(given)} characters, {given[:40]!r}; "
            f"allowed is a list{hint}"
        )
    if not isinstance(given, Iterable):
        raise DataError(f"{name} is {given!r}; allowed is a list{hint}")
    entries = list(given)
    for place, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise DataError(f"{name}[{place}] is {entry!r}, no text; allowed is a list{hint}")
    return entries


def check_count(error: type[ShowcaseError], **named: Any) -> None:
    """Raise an error that names the first value that is no whole number of 1 or more."""
    for name, value in named.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise error(f"{name} is {value!r}; allowed: a whole number, 1 or more")


def check_file(error: type[ShowcaseError], what: str, path: str | os.PathLike[str]) -> None:
    """Raise an error that names what is not there, or is a folder, where a file is meant."""
    if not os.path.isfile(path):
        found = "is a folder; a file is meant" if Path(path).is_dir() else "does not exist"
        raise error(f"{what} '{os.fspath(path)}' {found}")


def check_device(error: type[ShowcaseError], name: str) -> None:
    """Raise an error that names a device that torch cannot compute on, before any work is done."""
    import torch

    try:
        torch.zeros(1, device=torch.device(name)).item()  # which "meta" has no number for
    except (RuntimeError, AssertionError, ImportError) as reason:
        said = " ".join((str(reason).splitlines() or ["it is not there"])[0].split())
        raise error(
            f"device '{name}' cannot be used: {said}; allowed: cpu, or one of this machine's"
        ) from reason


def check_out(path: str | os.PathLike[str]) -> None:
    """Raise an error where a folder is to be made or filled, and a file is in its place."""
    if os.path.isfile(path):
        raise DataError(f"'{os.fspath(path)}' is a file; a folder is meant")


def name_of(dataset_dir: Path) -> str:
    """The name of a data set by its folder, which may be ``.`` or a link, also one in a circle."""
    return os.path.basename(os.path.realpath(dataset_dir))


def report_unknown(
    kind: str, missing: list[str], n_given: int, what: str, unknown: Unknown
) -> None:
    """Say once which users or items cannot be answered; an error where that is asked for."""
    different = list(dict.fromkeys(missing))
    if len(different) == 1:
        said = f"{kind} '{different[0]}' is {what}"
    else:
        names = ", ".join(f"'{name}'" for name in different[:_NAMED])
        more = ", …" * (len(different) > _NAMED)
        said = f"{len(missing)} of {n_given} {kind}s are {what}: {names}{more}"
    if unknown == "raise":
        others = "; unknown='skip' answers the others" if len(missing) < n_given else ""
        raise DataError(said + others)
    getLogger().warning(f"{said}; None stands in their place")

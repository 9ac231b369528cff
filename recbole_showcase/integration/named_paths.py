"""Paths that the settings of a checkpoint name, and which of them are followed.

A checkpoint may be somebody else's, and is not to choose what of a user's files is read and shown.
What it names is followed below the working directory and in data that ships; elsewhere if the user
chose it: named in this call, in the run of this process that wrote the file, or in a run of an
earlier one, which the user's own key has signed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from recbole_showcase.encoders.names import LOCAL
from recbole_showcase.errors import CheckpointError, one_line
from recbole_showcase.integration.own_files import written_here
from recbole_showcase.integration.own_key import is_signed, signature_of
from recbole_showcase.resources import dataset_atomic_path, properties_path, weights_path

Named = Mapping[str, Sequence[str]]

_DATA = "data_path"
_NO_PATHS = frozenset({"field_separator", "seq_separator"})
# Parts of file names, which are put together with the data set's.
_NAMES = ("benchmark_filename", "additional_feat_suffix")


@dataclass(frozen=True)
class Permission:
    """What of the paths of a checkpoint may be followed beside those that always may.

    Attributes:
        everything: Whether all of them.
        allowed: Files, and folders with all below them.
        signed: By setting, what the user chose in an earlier process.
    """

    everything: bool = False
    allowed: tuple[str, ...] = ()
    signed: Named = field(default_factory=dict)

    def covers(self, setting: str, place: str) -> bool:
        """Whether a setting may name a place, all symbolic links of which are followed."""
        if self.everything or place in self.signed.get(setting, ()):
            return True
        return any(_is_below(place, folder) for folder in (*_always(), *self.allowed))


def signed_paths(config: Mapping[str, Any], skipped: Iterable[str]) -> dict[str, Any]:
    """What a checkpoint keeps to show that its paths were chosen by the user who trained it.

    Args:
        config: The stored settings.
        skipped: Settings that are not restored.

    Returns:
        The places by setting and their signature; nothing where the user has no key.
    """
    places: dict[str, list[str]] = {}
    for setting, _, place in _existing(config, skipped):
        places.setdefault(setting, []).append(place)
    signature = signature_of(places)
    return {} if signature is None else {"places": places, "signature": signature}


def permission(
    checkpoint: Mapping[str, Any],
    path: str | os.PathLike[str],
    allow_paths: Sequence[str | os.PathLike[str]] = (),
    trusted: bool = False,
) -> Permission:
    """What may be followed of a checkpoint's paths.

    Args:
        checkpoint: Its content.
        path: Its file.
        allow_paths: What the caller allows.
        trusted: Whether the caller allows everything.

    Raises:
        CheckpointError: The caller allows what is not there.
    """
    for missing in (each for each in allow_paths if not os.path.exists(each)):
        raise CheckpointError(f"there is no '{os.fspath(missing)}', which allow_paths names")
    own = False
    with suppress(OSError, ValueError):
        own = written_here(path)
    allowed = tuple(os.path.realpath(each) for each in allow_paths)
    kept = checkpoint.get("paths")
    signed: Named = {}
    if isinstance(kept, Mapping) and _is_named(kept.get("places")):
        signed = kept["places"] if is_signed(kept["places"], kept.get("signature")) else {}
    return Permission(trusted or own, allowed, signed)


def require_allowed(
    config: Mapping[str, Any], path: str, may: Permission, skipped: Iterable[str], data_given: bool
) -> None:
    """Refuse a checkpoint that leads to what its user did not choose.

    Args:
        config: The stored settings.
        path: The file, for messages.
        may: What may be followed.
        skipped: Settings that are not restored.
        data_given: Whether the caller names the data set's folder.

    Raises:
        CheckpointError: Naming what it names, and what would allow it.
    """
    for setting in _NAMES:
        for text in _texts(config["final"].get(setting), config["external"].get(setting)):
            if "/" in text or "\\" in text:
                raise CheckpointError(
                    f"checkpoint '{path}' has {setting} '{one_line(text)}'; allowed: a name, not "
                    "a path"
                )
    for setting, text, place in _existing(config, skipped):
        if may.covers(setting, place) or (data_given and setting == _DATA):
            continue
        what, how = f"its setting '{setting}'", "allow it by allow_paths, or --allow-path"
        if setting == _DATA:
            what = "its data set"
            how = "name the folder that holds the data set's by data_path, or --data-path"
        raise CheckpointError(
            f"checkpoint '{path}' names '{one_line(text)}' for {what}, which is outside the "
            "working directory, and no training of yours is known to have chosen it; to have it "
            f"read, {how} on the command line"
        )


def chosen_paths(config: Mapping[str, Any], may: Permission, skipped: Iterable[str]) -> list[str]:
    """What is followed outside the working directory, as it is named."""
    always = Permission()
    return [
        os.path.abspath(text)
        for setting, text, place in _existing(config, skipped)
        if may.covers(setting, place) and not always.covers(setting, place)
    ]


def _existing(config: Mapping[str, Any], skipped: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Each setting with a text of it that leads to something, and the place it leads to.

    Parts of others have settings too, so every text may be a path.
    """
    skipped = {*skipped, *_NO_PATHS}
    external, final = config["external"], config["final"]
    named = {
        str(key): _texts(external.get(key), final.get(key))
        for key in {**external, **final}
        if key not in skipped
    }
    named[_DATA] = [os.path.join(config["data_path"], config["dataset"])]
    for setting, texts in named.items():
        for text in texts:
            if text.startswith(LOCAL):
                text = os.path.expanduser(text.removeprefix(LOCAL))
            if _leads_somewhere(text):
                yield setting, text, os.path.realpath(text)


def _leads_somewhere(text: str) -> bool:
    """Whether a text is a path of something, or may be the beginning of one."""
    parts = Path(text).parts
    begins = os.path.isabs(text) or os.pardir in parts
    return os.path.exists(text) or (begins and os.path.isdir(os.path.dirname(text)))


def _is_named(places: Any) -> bool:
    """Whether data of a file is lists of texts by text."""
    return isinstance(places, dict) and all(
        isinstance(key, str) and isinstance(found, list) and all(isinstance(x, str) for x in found)
        for key, found in places.items()
    )


def _texts(*values: Any) -> list[str]:
    """All texts in lists and mappings, each once."""
    found: dict[str, None] = {}
    left = list(values)
    while left:
        value = left.pop()
        if isinstance(value, str):
            found[value] = None
        elif isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
    return sorted(found)


def _always() -> list[str]:
    """Folders whose files a checkpoint may name: where the user is, and data that ships.

    A service often runs in the root folder, which holds everything and says nothing.
    """
    here = os.path.realpath(os.curdir)
    folders = [dataset_atomic_path(), properties_path(), weights_path()]
    if (spec := find_spec("recbole")) is not None and spec.origin is not None:
        folders.append(Path(spec.origin).parent / "dataset_example")
    return [*map(os.path.realpath, folders), *([here] if here != os.path.abspath(os.sep) else [])]


def _is_below(place: str, folder: str) -> bool:
    return Path(place).is_relative_to(folder)

"""Which encoder a name asks for, checked before anything is loaded."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import open_clip

from recbole_showcase.encoders.names import (
    HUB,
    LOCAL,
    SHIPPED,
    absolute,
    brings_its_weights,
    folder_name,
    store_name,
)
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.resources import require_whole, weights_path


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder that can be asked of open_clip.

    Attributes:
        name: Folder name of its features.
        architecture: As the user gave it; folders by their absolute path, so that it is found from
            anywhere.
        weights: Tag, path, or where the architecture's own weights come from.
        model_name: What open_clip calls it.
        pretrained: Tag or path for open_clip; None where the name brings its weights.
    """

    name: str
    architecture: str
    weights: str
    model_name: str
    pretrained: str | None


def choose_encoder(architecture: str, weights: str | None = None) -> EncoderChoice:
    """Resolve an architecture and its weights.

    Raises:
        FeatureStoreError: The architecture or tag is unknown (the nearest are named), weights
            are missing or superfluous, a folder or file is not there, or the shipped weights are
            not as they were shipped.
    """
    if brings_its_weights(architecture):
        if weights is not None:
            raise FeatureStoreError(
                f"encoder '{architecture}' brings its own weights; leave out weights '{weights}'"
            )
        return _self_contained(architecture)
    known = open_clip.list_models()
    if architecture.replace("/", "-") not in known:
        near = _nearest(architecture, [SHIPPED, *known])
        raise FeatureStoreError(
            f"unknown encoder '{architecture}'; {near} "
            f"(or {LOCAL}FOLDER, {HUB}OWNER/NAME, {SHIPPED})"
        )
    return _with_weights(architecture.replace("/", "-"), weights)


def _self_contained(architecture: str) -> EncoderChoice:
    if architecture == SHIPPED:
        model_name = f"{LOCAL}{require_whole(weights_path() / SHIPPED)}"
        return EncoderChoice(SHIPPED, SHIPPED, "shipped with the package", model_name, None)
    if architecture.startswith(HUB):
        identifier = architecture.removeprefix(HUB)
        return EncoderChoice(store_name(architecture), architecture, identifier, architecture, None)
    found = absolute(architecture)
    folder = Path(found.removeprefix(LOCAL))
    _require_folder(folder)
    return EncoderChoice(store_name(found), found, str(folder), found, None)


def _with_weights(architecture: str, weights: str | None) -> EncoderChoice:
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    listed = ", ".join(tags) or "none"
    if not weights:
        raise FeatureStoreError(
            f"encoder '{architecture}' needs weights: a tag ({listed}) or the path of a file"
        )
    if weights in tags:
        name = folder_name(f"{architecture}--{weights}")
        return EncoderChoice(name, architecture, weights, architecture, weights)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise FeatureStoreError(
            f"weights '{weights}' are neither a file nor a tag of '{architecture}'; "
            f"{_nearest(weights, tags)} (tags: {listed})"
        )
    name = folder_name(f"{architecture}--{path.stem}")
    return EncoderChoice(name, architecture, str(path.resolve()), architecture, str(path.resolve()))


def _require_folder(folder: Path) -> None:
    config = folder / "open_clip_config.json"
    if not config.is_file():
        raise FeatureStoreError(f"{folder}: is no encoder folder, {config.name} is missing")


def _nearest(name: str, known: list[str]) -> str:
    by_lower = {entry.lower(): entry for entry in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    if not near:
        return "nothing known is like it"
    return "did you mean " + " or ".join(f"'{by_lower[entry]}'" for entry in near) + "?"

"""The commands that errors advise: what embeds a data set so that a store is there and whole."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from recbole_showcase.arguments import name_of
from recbole_showcase.encoders.names import HUB, LOCAL, SHIPPED, brings_its_weights
from recbole_showcase.resources import dataset_atomic_path

USUAL_DTYPE = "float16"
# In place of an architecture in meta.json, and as a field that says from which files.
IMPORTED = "imported"
# The weights to advise for an architecture, if it has them: those of the manual.
_USUAL = "laion2b_s34b_b79k"


def embed_command(
    dataset_dir: Path,
    architecture: str,
    weights: str | None = None,
    dtype: str = USUAL_DTYPE,
    *,
    sentences: bool = False,
) -> str:
    """The command that embeds a data set.

    Args:
        dataset_dir: ``DATA/NAME``.
        architecture: As ``meta.json`` has it.
        weights: As ``meta.json`` has it; left out where the architecture brings its own.
        dtype: As ``meta.json`` has it; another one would have everything encoded anew.
        sentences: Whether the sentences of the reviews are embedded as well.
    """
    typed = [] if dtype == USUAL_DTYPE else ["--dtype", dtype]
    typed += ["--sentences"] if sentences else []
    words = ["recbole-showcase", "embed", *typed, str(dataset_dir), "--encoder", architecture]
    words += ["--weights", weights] if weights and not brings_its_weights(architecture) else []
    return shlex.join(words)


def import_command(
    dataset_dir: Path, name: str, files: Mapping[str, Mapping[str, object]], dtype: str
) -> str:
    """The command that imports the features of a store again, or converts what they came with.

    Args:
        dataset_dir: ``DATA/NAME``.
        name: Of the store.
        files: What was imported, by modality, as ``meta.json`` has it; nothing where the features
            came with a data set, whose conversion writes them.
        dtype: As ``meta.json`` has it.
    """
    if not files:
        words = ["recbole-showcase", "convert", name, "--folder", "CITY", "--out", str(dataset_dir)]
        return shlex.join([*words, "--overwrite"])
    words = ["recbole-showcase", "import-features", str(dataset_dir), "--name", name]
    for modality, flag in (("image", "--images"), ("review", "--reviews")):
        file = files.get(modality)
        if not isinstance(file, Mapping):
            continue
        ids = "--image-ids" if modality == "image" else "--review-ids"
        for option, key in (
            (flag, "features"), (ids, "ids"), ("--items", "items"),
            ("--item-column", "item_column"), ("--row-column", "row_column"),
        ):  # fmt: skip
            value = file.get(key)
            if isinstance(value, str) and (file.get("items") or "column" not in key):
                words += [option, value]
    words += [] if dtype == USUAL_DTYPE else ["--dtype", dtype]
    return shlex.join([*words, "--overwrite"])


def check_command(dataset_dir: Path) -> str:
    """The command that says what a data set lacks and what in it does not join."""
    return shlex.join(["recbole-showcase", "check", str(dataset_dir)])


def making(dataset_dir: Path, store: str) -> str:
    """How to make the feature store of a name, as the end of an error.

    A store is called after the options of ``embed``, which are found out again here.
    """
    if store == SHIPPED:
        return f"make them: {embed_command(dataset_dir, SHIPPED)}"
    import open_clip  # seconds, which only an error takes

    known = {model.lower(): model for model in open_clip.list_models()}
    architecture, dashes, weights = store.partition("--")
    if model := known.get(architecture.lower()):
        tags = open_clip.list_pretrained_tags_by_model(model)
        near = get_close_matches(weights, tags, n=1)
        usual = _USUAL if _USUAL in tags else "WEIGHTS"
        tag = near[0] if near else weights or usual
        if tag not in tags:
            file = f"FOLDER/{tag}.pt"
            command = embed_command(dataset_dir, model, file)
            return f"make '{model}--{tag}' from a file of weights: {command}"
        named = "them" if store == f"{model}--{tag}" else f"'{model}--{tag}'"
        return f"make {named}: {embed_command(dataset_dir, model, tag)}"
    if dashes:
        return f"make them: {embed_command(dataset_dir, f'{HUB}{architecture}/{weights}')}"
    folder = f"{LOCAL}FOLDER/{store}"
    return f"make them from the encoder's folder: {embed_command(dataset_dir, folder)}"


def shipped_encoder_notes(encoder: str, dataset_dir: Path) -> list[str]:
    """What there is to say where the shipped encoder is used on data that do not ship with it.

    Args:
        encoder: Name of the feature store.
        dataset_dir: ``DATA/NAME``.
    """
    if encoder != SHIPPED or (dataset_atomic_path() / name_of(dataset_dir)).is_dir():
        return []
    return [
        f"{SHIPPED} knows the painted dishes of the demo only, and so does the classifier that "
        "ships for it; for real photos and reviews choose another encoder, such as by: "
        f"{embed_command(dataset_dir, 'ViT-B-32', 'laion2b_s34b_b79k')}"
    ]

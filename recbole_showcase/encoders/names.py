"""What encoders and the folders of their features are called; nothing is loaded for it."""

from __future__ import annotations

import os
import re
from pathlib import Path

SHIPPED = "showcase-tiny"
# Architectures that bring their weights.
LOCAL, HUB = "local-dir:", "hf-hub:"


def brings_its_weights(architecture: str) -> bool:
    """Whether an architecture's name also names its weights."""
    return architecture == SHIPPED or architecture.startswith((LOCAL, HUB))


def store_name(encoder: str) -> str:
    """The folder of an architecture's features, given it or the name of the folder."""
    if encoder.startswith(HUB):
        return folder_name(encoder.removeprefix(HUB).replace("/", "--"))
    if encoder.startswith(LOCAL):
        return folder_name(Path(absolute(encoder).removeprefix(LOCAL)).name)
    return encoder


def absolute(architecture: str) -> str:
    """An architecture, its folder by an absolute path if it is one."""
    if not architecture.startswith(LOCAL):
        return architecture
    return f"{LOCAL}{os.path.realpath(os.path.expanduser(architecture.removeprefix(LOCAL)))}"


def folder_name(text: str) -> str:
    """A name of a folder that any disk takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip(".") or "encoder"

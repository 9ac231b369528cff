"""Atomic files: their schemas, reader, writer and photo folders, and one converter per source."""

from recbole_showcase.atomic.photos import PhotoFolder, photo_folder
from recbole_showcase.atomic.reader import read_atomic, read_fields
from recbole_showcase.atomic.schema import (
    ATOMIC_FILES,
    IMAGE,
    INTER,
    ITEM,
    REVIEW,
    AtomicFile,
    Field,
)
from recbole_showcase.atomic.writer import write_atomic

__all__ = [
    "ATOMIC_FILES",
    "IMAGE",
    "INTER",
    "ITEM",
    "REVIEW",
    "AtomicFile",
    "Field",
    "PhotoFolder",
    "photo_folder",
    "read_atomic",
    "read_fields",
    "write_atomic",
]

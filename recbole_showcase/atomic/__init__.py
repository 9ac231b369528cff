"""Atomic files: their schemas, reader, writer and photo folders, and one converter per source."""

from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.columns import StoredColumn, as_arrow, positions, repeated
from recbole_showcase.atomic.explained_pairs import convert_explained_pairs
from recbole_showcase.atomic.gest import convert_gest
from recbole_showcase.atomic.google_local import convert_google_local
from recbole_showcase.atomic.options import (
    ConvertOptions,
    ExplainedPairsOptions,
    GestOptions,
    GoogleLocalOptions,
)
from recbole_showcase.atomic.photos import PhotoFolder, photo_folder, photo_folder_or_none
from recbole_showcase.atomic.reader import (
    line_blocks,
    line_starts,
    read_atomic,
    read_columns,
    read_fields,
    read_in_parts,
    read_table,
)
from recbole_showcase.atomic.schema import (
    ATOMIC_FILES,
    IMAGE,
    INTER,
    ITEM,
    PROFILED_REVIEW,
    REVIEW,
    AtomicFile,
    Field,
)
from recbole_showcase.atomic.tripadvisor import convert_tripadvisor
from recbole_showcase.atomic.writer import write_atomic

__all__ = [
    "ATOMIC_FILES",
    "IMAGE",
    "INTER",
    "ITEM",
    "PROFILED_REVIEW",
    "REVIEW",
    "Account",
    "AtomicFile",
    "ConvertOptions",
    "ExplainedPairsOptions",
    "Field",
    "GestOptions",
    "GoogleLocalOptions",
    "PhotoFolder",
    "StoredColumn",
    "as_arrow",
    "convert_explained_pairs",
    "convert_gest",
    "convert_google_local",
    "convert_tripadvisor",
    "line_blocks",
    "line_starts",
    "photo_folder",
    "photo_folder_or_none",
    "positions",
    "read_atomic",
    "read_columns",
    "read_fields",
    "read_in_parts",
    "read_table",
    "repeated",
    "write_atomic",
]

"""Atomic files: their schemas, reader, writer and photo folders, and one converter per source."""

from recbole_showcase.atomic.account import Account
from recbole_showcase.atomic.amazon import convert_amazon
from recbole_showcase.atomic.attach import attach
from recbole_showcase.atomic.columns import (
    StoredColumn,
    as_arrow,
    as_texts,
    positions,
    repeated,
)
from recbole_showcase.atomic.csv_rows import read_csv_columns
from recbole_showcase.atomic.explained_pairs import convert_explained_pairs
from recbole_showcase.atomic.gest import convert_gest
from recbole_showcase.atomic.google_local import convert_google_local
from recbole_showcase.atomic.nlg4rs import convert_nlg4rs
from recbole_showcase.atomic.options import (
    AmazonOptions,
    AttachOptions,
    ConvertOptions,
    ExplainedPairsOptions,
    GestOptions,
    GoogleLocalOptions,
    NLG4RSOptions,
    YelpOptions,
)
from recbole_showcase.atomic.photos import (
    PhotoFolder,
    download_hint,
    photo_folder,
    photo_folder_or_none,
)
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
    LINKED_IMAGE,
    PROFILED_REVIEW,
    REVIEW,
    AtomicFile,
    Field,
)
from recbole_showcase.atomic.tripadvisor import convert_tripadvisor
from recbole_showcase.atomic.writer import write_atomic
from recbole_showcase.atomic.yelp import convert_yelp

__all__ = [
    "ATOMIC_FILES",
    "IMAGE",
    "INTER",
    "ITEM",
    "LINKED_IMAGE",
    "PROFILED_REVIEW",
    "REVIEW",
    "Account",
    "AmazonOptions",
    "AtomicFile",
    "AttachOptions",
    "ConvertOptions",
    "ExplainedPairsOptions",
    "Field",
    "GestOptions",
    "GoogleLocalOptions",
    "NLG4RSOptions",
    "PhotoFolder",
    "StoredColumn",
    "YelpOptions",
    "as_arrow",
    "as_texts",
    "attach",
    "convert_amazon",
    "convert_explained_pairs",
    "convert_gest",
    "convert_google_local",
    "convert_nlg4rs",
    "convert_tripadvisor",
    "convert_yelp",
    "download_hint",
    "line_blocks",
    "line_starts",
    "photo_folder",
    "photo_folder_or_none",
    "positions",
    "read_atomic",
    "read_columns",
    "read_csv_columns",
    "read_fields",
    "read_in_parts",
    "read_table",
    "repeated",
    "write_atomic",
]

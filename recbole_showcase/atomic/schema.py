"""What the four atomic files are made of, in RecBole's ``name:type`` dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from recbole_showcase.errors import DataError

FieldType = Literal["token", "token_seq", "float", "float_seq"]
FIELD_TYPES: tuple[str, ...] = get_args(FieldType)
# RecBole reads by Python's csv, which takes no longer value.
LONGEST_ID = 131_072


@dataclass(frozen=True)
class Field:
    """One column of an atomic file.

    Attributes:
        name: The column's name, as RecBole's configuration speaks of it.
        type: RecBole's type of the column.
        required: Whether an empty value is an error (the ids that rows are found by).
    """

    name: str
    type: FieldType
    required: bool = False

    @property
    def header(self) -> str:
        """The column's head in the file, ``name:type``."""
        return f"{self.name}:{self.type}"

    @classmethod
    def parse(cls, header: str) -> Field:
        """Read a column's head.

        Raises:
            DataError: There is no type, or RecBole has no such type.
        """
        name, _, kind = header.partition(":")
        if not name or kind not in FIELD_TYPES:
            raise DataError(
                f"column head {header!r} is not of the form name:type; "
                f"allowed types: {', '.join(FIELD_TYPES)}"
            )
        return cls(name, kind)  # type: ignore[arg-type]


@dataclass(frozen=True)
class AtomicFile:
    """The columns of one atomic file, in order.

    Attributes:
        suffix: The file is ``NAME/NAME.<suffix>``.
        fields: Its columns.
    """

    suffix: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names without types."""
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        """Return a column by its name.

        Raises:
            DataError: There is no such column.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise DataError(f".{self.suffix} has no column {name!r}; it has {', '.join(self.names)}")

    def without(self, *names: str) -> AtomicFile:
        """Return the same file without some columns (a source may lack, say, times)."""
        for name in names:
            self.field(name)
        return AtomicFile(self.suffix, tuple(f for f in self.fields if f.name not in names))

    def also(self, *fields: Field) -> AtomicFile:
        """Return the same file with more columns behind its own."""
        return AtomicFile(self.suffix, (*self.fields, *fields))


INTER = AtomicFile(
    "inter",
    (
        Field("user_id", "token", required=True),
        Field("item_id", "token", required=True),
        Field("rating", "float"),
        Field("timestamp", "float"),
        Field("review_id", "token"),
    ),
)
ITEM = AtomicFile(
    "item",
    (
        Field("item_id", "token", required=True),
        Field("name", "token_seq"),
        Field("category", "token_seq"),
        Field("latitude", "float"),
        Field("longitude", "float"),
        Field("price", "float"),
        Field("avg_rating", "float"),
        Field("num_reviews", "float"),
    ),
)
REVIEW = AtomicFile(
    "review",
    (
        Field("review_id", "token", required=True),
        Field("text", "token_seq"),
        Field("explanation", "token_seq"),
    ),
)
# With the owners of profiles: a row that names a user or an item is a text about it.
PROFILED_REVIEW = AtomicFile(
    "review", (*REVIEW.fields, Field("user_id", "token"), Field("item_id", "token"))
)
IMAGE = AtomicFile(
    "image",
    (
        Field("image_id", "token", required=True),
        Field("item_id", "token", required=True),
        Field("review_id", "token"),
        Field("path", "token", required=True),
    ),
)
# What .image has behind these where a source tells it, in this order: the words under a photo, the
# kind of thing that it shows, and where it can be had.
IMAGE_EXTRAS = (Field("caption", "token_seq"), Field("label", "token"), Field("url", "token"))
# With the photos' URLs alone.
LINKED_IMAGE = IMAGE.also(IMAGE_EXTRAS[-1])
ATOMIC_FILES: tuple[AtomicFile, ...] = (INTER, ITEM, REVIEW, IMAGE)

"""Write small atomic files; the converters write large ones from SQL by the same rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_showcase.atomic.cleaning import clean_value, join_tokens
from recbole_showcase.atomic.schema import LONGEST_ID, AtomicFile, Field
from recbole_showcase.errors import DataError
from recbole_showcase.files.replace import replaced

if TYPE_CHECKING:
    import pandas as pd


def write_atomic(
    path: str | Path,
    schema: AtomicFile | Sequence[Field],
    rows: pd.DataFrame | Iterable[Mapping[str, Any]],
) -> None:
    """Write an atomic file, cleaning every value by the rules of ``atomic.cleaning``.

    A list, tuple or array in a ``token_seq`` column is a sequence of tokens: white space
    inside a token becomes ``_``. A string is a text whose words are the tokens. ``None``
    and NaN are written as nothing.

    Args:
        path: The file; it appears whole or not at all.
        schema: Its columns.
        rows: A frame, or mappings, with exactly these columns (in any order).

    Raises:
        DataError: A column is missing or unknown, a number is none or infinite, a required value
            is empty, or an id is too long for RecBole.
    """
    import pandas as pd

    path = Path(path)
    fields = schema.fields if isinstance(schema, AtomicFile) else tuple(schema)
    names = [field.name for field in fields]
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    if len(frame) and set(frame.columns) != set(names):
        raise DataError(
            f"{path}: the rows have the columns {', '.join(map(str, frame.columns))}; "
            f"the file has {', '.join(names)}"
        )
    texts = [_texts(path, field, list(frame[field.name])) for field in fields if len(frame)]
    with replaced(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(field.header for field in fields) + "\n")
        file.writelines("\t".join(row) + "\n" for row in zip(*texts, strict=True))


def _texts(path: Path, field: Field, values: list[Any]) -> list[str]:
    """Turn a column's values into what stands in the file."""
    texts = []
    for row, value in enumerate(values):
        try:
            text = _text(field, value)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{path}, row {row + 1}, column {field.name}: {value!r} is no {field.type}"
            ) from error
        if field.required and not text:
            raise DataError(f"{path}, row {row + 1}, column {field.name}: a value is needed")
        if field.type == "token" and len(text) > LONGEST_ID:
            raise DataError(
                f"{path}, row {row + 1}, column {field.name}: {len(text):,} characters; "
                f"RecBole reads no id of more than {LONGEST_ID:,}"
            )
        texts.append(text)
    return texts


def _text(field: Field, value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if field.type == "float":
        number = float(value)
        if math.isinf(number):
            raise ValueError("infinite")
        return "" if math.isnan(number) else repr(number)
    if isinstance(value, str):
        return clean_value(value)
    if field.type == "token_seq":
        return join_tokens(map(str, value))
    if field.type == "float_seq":
        return " ".join(repr(float(number)) for number in value)
    return clean_value(str(value))

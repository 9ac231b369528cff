"""Reading atomic files faster than RecBole does, with the same result.

RecBole parses with pandas' Python engine and then looks up every token to give it an id. Arrow
parses several times faster and finds the different tokens on the way; and it can hand us columns
that RecBole was not asked to load, in the same pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas._libs.parsers import STR_NA_VALUES
from pyarrow import csv

from recbole_showcase.integration.compat import LibraryView
from recbole_showcase.integration.pandas3 import fill_sequences


@dataclass(frozen=True)
class _Request:
    """What is asked for while a file is parsed: columns to keep aside, and where they go."""

    aside: tuple[str, ...]
    found: dict[str, Any] = field(default_factory=dict)


# By thread, so that a data set that somebody else loads meanwhile is parsed as ever.
_request: ContextVar[_Request | None] = ContextVar("request", default=None)


def install() -> None:
    """Give the module of RecBole's ``Dataset`` a pandas that :func:`fast_parsing` can speed up."""
    module = import_module("recbole.data.dataset.dataset")
    module.pd = LibraryView(pd, read_csv=_read_csv)  # type: ignore[attr-defined]


@contextmanager
def fast_parsing(aside: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Let RecBole's ``Dataset`` parse with Arrow inside a ``with`` block, in this thread.

    Columns of tokens come as pandas categoricals, which behave like the strings they stand for.

    Args:
        aside: Columns, without types, to read in the same pass and keep from RecBole.

    Yields:
        A dict that holds, after a file was read, those of the columns that the file has: float64
        for ``float`` columns, Arrow's texts with ``""`` for missing ones otherwise.
    """
    request = _Request(aside)
    token = _request.set(request)
    try:
        yield request.found
    finally:
        _request.reset(token)


def read_like_recbole(
    path: Path, tokens: Sequence[str], numbers: Sequence[str], separator: str, encoding: str
) -> pd.DataFrame:
    """Those of some columns that a file of RecBole's has, read as its data sets have them.

    Args:
        path: The file.
        tokens: Names, without types, of columns to have as categoricals.
        numbers: Of columns to have as float64.
        separator: RecBole's ``field_separator``.
        encoding: RecBole's ``encoding``.

    Raises:
        ValueError: A column is of another type or cannot be read.
        OSError: The file cannot be read.
    """
    options: dict[str, Any] = {"delimiter": separator, "encoding": encoding, "engine": "python"}
    heads = pd.read_csv(path, nrows=0, delimiter=separator, encoding=encoding).columns
    names = {head: head.partition(":")[0] for head in heads}
    wanted = [head for head, name in names.items() if name in (*tokens, *numbers)]
    types: dict[str, Any] = {head: float if names[head] in numbers else str for head in wanted}
    columns = _read_columns(os.fspath(path), types, options)
    return pd.DataFrame(
        {names[n]: _for_recbole(own, token=names[n] in tokens) for n, own in columns.items()}
    )


def _read_csv(path: str, **options: Any) -> Any:
    """Pandas' ``read_csv``, faster where it was asked for."""
    request = _request.get()
    frame = _read_aside(path, request, **options) if request else pd.read_csv(path, **options)
    return fill_sequences(frame)


def _read_aside(
    path: str, request: _Request, *, usecols: list[str], dtype: dict[str, Any], **options: Any
) -> pd.DataFrame:
    header = pd.read_csv(
        path, delimiter=options["delimiter"], encoding=options["encoding"], nrows=0
    )
    extra = [name for name in header.columns if name.partition(":")[0] in request.aside]
    types = {name: float if name.endswith(":float") else str for name in extra} | dtype
    wanted = [name for name in header.columns if name in usecols or name in extra]
    columns = _read_columns(path, {name: types[name] for name in wanted}, options)
    for name in extra:
        own = columns[name]
        found = own.to_numpy() if own.type == pa.float64() else own.fill_null("")
        request.found[name.partition(":")[0]] = found
    kept = [name for name in wanted if name in usecols]
    return pd.DataFrame({n: _for_recbole(columns[n], token=n.endswith(":token")) for n in kept})


def _read_columns(
    path: str, types: dict[str, Any], options: dict[str, Any]
) -> dict[str, pa.ChunkedArray]:
    """Columns as float64 or texts, null where there is nothing; by Arrow where it takes them."""
    schema = pa.schema(
        {
            name: pa.float64() if kind in (float, np.float64) else pa.large_string()
            for name, kind in types.items()
        }
    )
    table = _read_arrow(path, schema, options)
    if table is None:
        frame = pd.read_csv(path, usecols=list(types), dtype=types, **options)
        table = pa.Table.from_pandas(frame, schema, preserve_index=False)
    return {name: table[name] for name in types}


def _read_arrow(path: str, schema: pa.Schema, options: dict[str, Any]) -> pa.Table | None:
    """Read columns, or return None where pandas' Python engine has to."""
    if len(options["delimiter"]) > 1 or (options["encoding"] or "utf-8").lower() not in (
        "utf-8",
        "utf8",
    ):
        return None
    try:
        return csv.read_csv(
            path,
            parse_options=csv.ParseOptions(
                delimiter=options["delimiter"],
                newlines_in_values=_has_quotes(path),  # which takes a third longer
            ),
            convert_options=csv.ConvertOptions(
                include_columns=schema.names,
                column_types=schema,
                null_values=sorted(STR_NA_VALUES),
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None  # what Arrow does not take as it stands, pandas reads or refuses


def _has_quotes(path: str) -> bool:
    """Whether a file has a quotation mark, without which no value has a line break."""
    with open(path, "rb", buffering=0) as file:
        return any(b'"' in block for block in iter(lambda: file.read(1 << 20), b""))


def _for_recbole(column: pa.ChunkedArray, *, token: bool) -> Any:
    """A float64 array, strings with None for missing ones, or a categorical of tokens.

    Its categories are in order of appearance.
    """
    if not token or column.type == pa.float64():
        return column.to_numpy()
    encoded = column.dictionary_encode().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    tokens = encoded.dictionary.to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, categories=tokens, validate=False)

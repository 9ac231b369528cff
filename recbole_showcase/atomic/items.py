"""What a source knows of its items: files of JSON lines as the table ``meta``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recbole_showcase.atomic.beside import AGAIN, Fates, read_beside

if TYPE_CHECKING:
    import duckdb

_OTHER = "of no review kept"


@dataclass(frozen=True, kw_only=True)
class ItemSource:
    """How the metadata of items are laid out.

    Attributes:
        what: What an item is called.
        plural: The same of several.
        fields: What is read of a line, and the DuckDB types.
        key: The field that names the item.
        columns: SQL over ``fields`` of the columns of ``meta`` beside ``id``: those of ``.item``,
            and any that conditions on items read.
    """

    what: str
    plural: str
    fields: Mapping[str, str]
    key: str
    columns: str


def read_items(
    connection: duckdb.DuckDBPyConnection,
    source: ItemSource,
    files: Sequence[Path],
    scratch: Path,
) -> Fates:
    """Make ``meta`` of the items in ``rows``; of an item listed twice the first line counts.

    Args:
        connection: A DuckDB with the table ``rows``, whose ids are clean.
        source: How the files are laid out.
        files: gz or plain files; may be none.
        scratch: Folder for their pieces.
    """
    connection.execute(
        "CREATE TEMP TABLE wanted AS SELECT DISTINCT i FROM rows WHERE reason IS NULL"
    )
    reasons = {
        f"no {source.what}": f"blank({source.key})",
        _OTHER: f"hash(clean({source.key})) NOT IN (FROM wanted)",
    }
    read = read_beside(connection, "told", "metadata", files, scratch, source.fields, reasons)
    connection.execute(
        f"""
        CREATE TABLE meta AS SELECT clean({source.key}) AS id, {source.columns} FROM told
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY told.rowid) = 1;
        DROP TABLE wanted;
        DROP TABLE told
        """
    )
    return read


def item_fates(
    connection: duckdb.DuckDBPyConnection, source: ItemSource, read: Fates
) -> dict[str, dict[str, int]]:
    """What became of each line of the metadata, once it is known which items are kept."""
    if not read.counts["read"]:
        return {}
    items, kept = connection.execute(
        """SELECT count(*), count(*) FILTER (id IN (SELECT DISTINCT item_id FROM rows))
        FROM meta"""
    ).fetchall()[0]
    other = read.counts[_OTHER] + items - kept
    return {source.plural: read.counts | {_OTHER: other, AGAIN: read.left - items, "kept": kept}}

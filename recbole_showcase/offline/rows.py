"""Showcases as rows of a table: arrays of a model's in, Arrow's columns out, no object a row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recbole_showcase.atomic import as_arrow
from recbole_showcase.composed.presenting import newcomers
from recbole_showcase.composed.ranking import Ranked
from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.recommender import ShowcaseRecommender

SCHEMA = pa.schema(
    [
        pa.field("user", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("rank", pa.int32()),  # from 1; null where the pair was given
        pa.field("score", pa.float32()),  # null where the pair was given
        pa.field("photo_ids", pa.list_(pa.string()), nullable=False),
        pa.field("photo_paths", pa.list_(pa.string()), nullable=False),  # null: not on the machine
        pa.field("relevance", pa.list_(pa.float32()), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("evidence", pa.list_(pa.string()), nullable=False),
        pa.field("newcomer", pa.string()),  # user, item or both; null where the model knows them
        pa.field("model", pa.string(), nullable=False),
        pa.field("data", pa.string(), nullable=False),
    ]
)


def table_of(
    recommender: ShowcaseRecommender, asked: Ranked | Pairs, model: str, data: str
) -> pa.Table:
    """Explain pairs: a row of ``SCHEMA`` each, in their order.

    Args:
        recommender: The trained model.
        asked: The pairs, with ranks and scores where they were recommended.
        model: Which model it is.
        data: What it explains from.
    """
    pairs, ranks, scores = (
        (asked.pairs, asked.ranks, asked.scores)
        if isinstance(asked, Ranked)
        else (asked, None, None)
    )
    found: Explanations = recommender.model.explain(pairs)
    corpus, n = recommender.model.showcase.data.corpus, len(pairs)
    ids, paths = _photos(recommender, found.photos)
    there = found.photos >= 0
    columns = {
        "user": as_arrow(corpus.user_tokens[pairs.users]),
        "item": as_arrow(corpus.item_tokens[pairs.items]),
        "rank": pa.nulls(n) if ranks is None else pa.array(ranks),
        "score": pa.nulls(n) if scores is None else pa.array(scores, from_pandas=True),
        "photo_ids": _lists(ids, there),
        "photo_paths": _lists(paths, there),
        "relevance": _lists(pa.array(found.relevance[there], from_pandas=True), there),
        "text": pa.array(found.texts, pa.string()),
        "evidence": _lists(
            as_arrow(corpus.interactions.reviews[found.evidence[found.evidence >= 0]]),
            found.evidence >= 0,
        ),
        "newcomer": pa.array(newcomers(recommender.model.showcase.data, pairs), pa.string()),
        "model": pa.repeat(model, n),
        "data": pa.repeat(data, n),
    }
    return pa.table([columns[f.name].cast(f.type) for f in SCHEMA], schema=SCHEMA)


def write_table(table: pa.Table, path: Path, form: str) -> None:
    """Write a part, as ``parquet`` or as ``jsonl``, of the same values."""
    if form == "parquet":
        pq.write_table(table, path)
        return
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(table.to_pylist()))


def _lines(rows: Iterable[dict[str, Any]]) -> Iterable[str]:
    return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)


def _photos(recommender: ShowcaseRecommender, photos: np.ndarray) -> tuple[pa.Array, pa.Array]:
    """Ids and files of the photos (B, k) that are there, row by row; each is looked up once."""
    different, place = np.unique(photos[photos >= 0], return_inverse=True)
    ids = as_arrow(recommender.model.showcase.data.photos.tokens[different])
    files = (recommender.photo_file(photo) for photo in different.tolist())
    paths = pa.array([None if file is None else str(file) for file in files], pa.string())
    return ids.take(pa.array(place)), paths.take(pa.array(place))


def _lists(values: pa.Array, there: np.ndarray) -> pa.ListArray:
    """Lists of the values of each row (B), given which places of it are filled (B, k)."""
    ends = np.concatenate([[0], there.sum(axis=1).cumsum()])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values)

"""Which model explained, and what it explained from."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from recbole_showcase.atomic import ATOMIC_FILES
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.recommender import ShowcaseRecommender


def data_record(recommender: ShowcaseRecommender) -> dict[str, Any]:
    """What is known of a data set as it was loaded: sizes, and digests where there are some."""
    data = recommender.model.showcase.data
    corpus, folder = data.corpus, data.corpus.path.parent
    files = [folder / f"{recommender.dataset_name}.{kind.suffix}" for kind in ATOMIC_FILES]
    photos, reviews = data.photos.features.store, corpus.features.store
    return {
        "name": recommender.dataset_name,
        "known": recommender.known,
        "users": len(corpus.user_tokens) - 1,
        "items": len(corpus.item_tokens) - 1,
        "rows": len(corpus) - 1,
        "reviews": int(corpus.has_text.sum()),
        "photos": len(data.photos.tokens),
        "files": {file.name: digest_of_file(file) for file in files if file.is_file()},
        "ids": recommender.model.id_digests,
        "encoder": {key: reviews.meta.get(key) for key in ("encoder", "weights_digest")},
        "features": {**photos.digests, **reviews.digests},
    }


def fingerprint(name: str, record: dict[str, Any]) -> str:
    """A name and the SHA-256 of a record of plain data."""
    text = json.dumps(record, sort_keys=True)
    return f"{name} sha256:{hashlib.sha256(text.encode()).hexdigest()}"

"""A world in which what an item shows is what its visitors like, and models built on it once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, write_atomic
from tests.integration.test_training import prepare
from tests.tiny import DIM, TOPICS, TinyWorld, _write_features

N_USERS, N_ITEMS, COLD, BLIND = 32, 20, "cold", "i1"
MODELS = ("VBPR", "BM3", "FREEDOM")


@pytest.fixture(scope="session")
def seen_world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """Item i and user u have topics i and u mod 4; five visits of six are to the own topic.

    ``cold`` is of the first topic, and all of its visits are test rows: it is seen by photos that
    came with none. ``i1`` has no photo.
    """
    return write_seen_world(tmp_path_factory.mktemp("seen"))


def write_seen_world(data_path: Path) -> TinyWorld:
    random = np.random.default_rng(3)
    folder = data_path / "seen"
    folder.mkdir()
    inter, reviews, photos, topics = [], [], [], {}
    for user in range(N_USERS):
        topic = user % len(TOPICS)
        own = [f"i{i}" for i in range(N_ITEMS) if i % len(TOPICS) == topic]
        other = f"i{random.integers(N_ITEMS)}"
        visits = [*random.permutation([*own[:5], *({other} - set(own))])]
        visits += [COLD] if topic == 0 else []
        for step, item in enumerate(visits):
            review = f"r{user}-{item}"
            inter.append((f"u{user}", item, 5.0, 1000.0 + 10 * step + user / 100, review))
            reviews.append((review, f"The {TOPICS[topic]} was great.", f"{TOPICS[topic]} great"))
            topics[review] = 0 if item == COLD else int(item[1:]) % len(TOPICS)
            if item != BLIND:
                photos.append((f"p{review}", item, review, f"{review}.jpg"))
    photos += [(f"p{n}-{COLD}", COLD, "", f"{n}.jpg") for n in range(32)]
    items = [(i, i, "food", 0.0, 0.0, 1.0, 4.0, 1.0) for i in dict.fromkeys(r[1] for r in inter)]
    for schema, rows in ((INTER, inter), (ITEM, items), (REVIEW, reviews), (IMAGE, photos)):
        table = pd.DataFrame(rows, columns=[field.name for field in schema.fields])
        write_atomic(folder / f"seen.{schema.suffix}", schema, table)
    shown = {photo: topics.get(review, 0) for photo, _, review, _ in photos}
    counts = {"image": len(shown), "review": len(topics)}
    for modality, tokens in (("image", shown), ("review", topics)):
        vectors = np.eye(DIM)[list(tokens.values())]
        vectors += random.normal(scale=0.1, size=vectors.shape)
        _write_features(folder, modality, tokens, vectors)
    meta: dict[str, Any] = {
        "encoder": "topics",
        "architecture": "showcase-tiny",
        "weights": "",
        "weights_digest": "",
        "preprocessing": {},
        "dim": DIM,
        "dtype": "float32",
        "modalities": {m: {"count": n, "skipped": {}} for m, n in counts.items()},
        "package_version": "test",
    }
    (folder / "seen.features" / "topics" / "meta.json").write_text(json.dumps(meta))
    return TinyWorld(data_path, "seen", shown)


def built(model: str, world: TinyWorld, work: Path, **changes: object) -> Any:
    """Trainer and loaders of a plain recommender, small and quick."""
    settings = {"metrics": ["Recall", "NDCG"], "embedding_size": 8, **changes}
    return prepare(model, world, work, **settings)


@pytest.fixture(scope="module", params=MODELS)
def trained(
    request: pytest.FixtureRequest, seen_world: TinyWorld, tmp_path_factory: Any
) -> tuple[Any, Any]:
    """A trainer whose model has learned the world, and its loaders."""
    trainer, loaders = built(
        request.param,
        seen_world,
        tmp_path_factory.mktemp("run"),
        epochs=60,
        learning_rate=0.02,
        train_batch_size=64,
        eval_step=20,
    )
    trainer.fit(loaders[0], loaders[1])
    trainer.evaluate(loaders[2])
    return trainer, loaders

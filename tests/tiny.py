"""A tiny data set whose answer is known: users, photos and words all follow from topics."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, write_atomic
from recbole_showcase.encoders.plan import read_source
from recbole_showcase.encoders.sentences import sentence_source

TOPICS = ("soup", "pizza", "salad", "burger")
DIM = 16


@dataclass(frozen=True)
class TinyWorld:
    """Where the data set is.

    Attributes:
        data_path: The folder that holds the data set's folder, as RecBole wants it.
        name: The data set.
        topic_of_photo: Topic number by photo token.
    """

    data_path: Path
    name: str
    topic_of_photo: dict[str, int]

    @property
    def folder(self) -> Path:
        return self.data_path / self.name

    def config(self, work: Path, **changes: Any) -> dict[str, Any]:
        """Settings for a short run that writes below a folder."""
        return {
            "data_path": str(self.data_path),
            "checkpoint_dir": str(work / "saved"),
            "showcase_encoder": "topics",
            "epochs": 2,
            "train_batch_size": 256,
            "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "topk": [5],
            "valid_metric": "Recall@5",
            "metrics": ["Recall", "NDCG", "ImageF1", "BLEU1"],
            "show_progress": False,
            "showcase_max_tokens": 8,
            "showcase_vocab_size": 300,
            "explainer_hidden_size": 32,
            "explainer_attention_layers": 1,
            "explainer_decoder_layers": 1,
            "embedding_size": 16,
            "gpu_id": "",
            **changes,
        }

    @classmethod
    def write(
        cls,
        data_path: Path,
        name: str = "tiny",
        n_users: int = 40,
        n_items: int = 24,
        seed: int = 0,
        topics: tuple[str, ...] = TOPICS,
        texts: tuple[str, str] = ("I went there. The {} was great.", "The {} was great."),
    ) -> TinyWorld:
        """Write the atomic files and features of a world.

        User u likes topic u mod 4. An item has three photos of each topic from others; a review
        praises the user's topic and has one photo of it. The topics' names, the review and its
        explanation may be in another language.
        """
        rng = np.random.default_rng(seed)
        folder = data_path / name
        folder.mkdir(parents=True)
        inter, reviews, photos, topic_of_photo = [], [], [], {}
        for user in range(n_users):
            topic = user % len(TOPICS)
            for step, item in enumerate(rng.choice(n_items, 7, replace=False)):
                review = f"r{user}-{item}"
                inter.append((f"u{user}", f"i{item}", 5.0, 1000.0 + 10 * step + user / 100, review))
                reviews.append((review, *(text.format(topics[topic]) for text in texts)))
                photo = f"p{review}"
                topic_of_photo[photo] = topic
                photos.append((photo, f"i{item}", review, f"{photo}.jpg"))
        items = [(f"i{i}", f"Place {i}", "food", 0.0, 0.0, 1.0, 4.0, 1.0) for i in range(n_items)]
        for schema, rows in ((INTER, inter), (ITEM, items), (REVIEW, reviews), (IMAGE, photos)):
            columns = [field.name for field in schema.fields]
            write_atomic(
                folder / f"{name}.{schema.suffix}", schema, pd.DataFrame(rows, columns=columns)
            )
        axes = np.eye(DIM)[: len(TOPICS)]
        topic_of_review = {row[0]: int(row[0][1:].split("-")[0]) % len(TOPICS) for row in reviews}
        for modality, shown in (("image", topic_of_photo), ("review", topic_of_review)):
            noise = rng.normal(scale=0.1, size=(len(shown), DIM))
            _write_features(folder, modality, shown, axes[list(shown.values())] + noise)
        counts = {"image": len(topic_of_photo), "review": len(topic_of_review)}
        meta = {
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
        store = folder / f"{name}.features" / "topics"
        (store / "meta.json").write_text(json.dumps(meta))
        return cls(data_path, name, topic_of_photo)


def write_sentences(world: TinyWorld, topics: tuple[str, ...] = TOPICS) -> None:
    """Give a world features of the sentences of its reviews.

    A sentence that names a topic lies at its axis, any other at the axis behind the topics'.
    """
    source, _ = sentence_source(read_source(world.folder, "review"))
    named = [[topic in text for topic in topics] for text in source.values]
    axis = np.array([own.index(True) if any(own) else len(topics) for own in named])
    noise = np.random.default_rng(3).normal(scale=0.05, size=(len(axis), DIM))
    tokens = dict(zip(source.tokens, axis.tolist(), strict=True))
    _write_features(world.folder, "sentence", tokens, np.eye(DIM)[axis] + noise)
    store = world.folder / f"{world.name}.features" / "topics"
    np.save(store / "sentence.sources.npy", source.hashes)
    meta = json.loads((store / "meta.json").read_text())
    meta["modalities"]["sentence"] = {"count": len(tokens), "skipped": {}}
    (store / "meta.json").write_text(json.dumps(meta))


def _write_features(
    folder: Path, modality: str, tokens: dict[str, int], features: np.ndarray
) -> None:
    store = folder / f"{folder.name}.features" / "topics"
    store.mkdir(parents=True, exist_ok=True)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.save(store / f"{modality}.npy", unit.astype(np.float32))
    (store / f"{modality}.ids").write_text("".join(f"{token}\n" for token in tokens))

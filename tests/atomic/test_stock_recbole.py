"""RecBole's own BPR loads and trains on what the converters write, unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from recbole_showcase.atomic import GestOptions, convert_gest, convert_google_local
from tests.atomic.raw import business, lines, review
from tests.processes import finish_python

RUN = """
import json, sys
import recbole_showcase
from recbole.quick_start import run_recbole
settings = json.loads(sys.argv[2])
settings |= {"epochs": 1, "show_progress": False, "eval_step": 1, "train_batch_size": 64,
             "data_path": sys.argv[1], "state": "ERROR", "embedding_size": 8, "use_gpu": False}
sys.argv = sys.argv[:1]
result = run_recbole(model="BPR", dataset="d", config_dict=settings, saved=False)
print(json.dumps(dict(result["test_result"])))
"""


def _train(data: Path, settings: dict[str, object]) -> dict[str, float]:
    done = finish_python("-c", RUN, str(data), json.dumps(settings), cwd=data)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_google_local(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = ['"quoted', "null", "tab\t", "🍕", None]
    rows = [
        review(f"u{u}", f"i{i}", int(t), text=texts[t % 5])
        for u, i, t in zip(
            rng.integers(0, 30, 600), rng.integers(0, 40, 600), rng.permutation(600), strict=True
        )
    ]
    reviews = lines(tmp_path / "r.json", rows)
    meta = lines(tmp_path / "m.json", [business(f"i{i}", name='"N"') for i in range(30)])
    account = convert_google_local([reviews], [meta], tmp_path / "d")
    columns = {
        "inter": ["user_id", "item_id", "rating", "timestamp"],
        "item": ["item_id", "name", "category", "latitude", "avg_rating"],
    }
    result = _train(tmp_path, {"load_col": columns})
    assert account.users == 30
    assert 0 <= result["recall@10"] <= 1


def test_gest_with_its_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    parts: dict[str, list[dict[str, object]]] = {"train": [], "val": [], "test": []}
    for user in range(40):
        part = ("train", "train", "val", "test")[user % 4]
        items = rng.permutation(20)[:9].tolist()
        for n, item in enumerate(items[:3]):
            history = [[f"{user}_b{past}", "words"] for past in items[3:]]
            parts[part].append(
                {"business_id": f"b{item}", "user_id": str(user), "rating": 4,
                 "pics": [f"p{user}{n}"], "review_text": "words", "history_reviews": history}
            )  # fmt: skip
    file = tmp_path / "filter_all_t.json"
    file.write_text(json.dumps(parts))
    convert_gest(file, tmp_path / "d", GestOptions(split="official"))
    settings: dict[str, object] = {
        "load_col": {"inter": ["user_id", "item_id", "rating"]},
        "benchmark_filename": ["train", "valid", "test"],
    }
    assert 0 <= _train(tmp_path, settings)["recall@10"] <= 1

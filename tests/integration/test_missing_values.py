"""What a file leaves out is filled as RecBole fills it, whatever pandas is installed."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.integration.checkpoint import clean_argv
from recbole_showcase.integration.parsing import fast_parsing

FILES = {
    "inter": [
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\ttags:token_seq\tlook:float_seq",
        "u1\ti1\t4\t1\tred blue\t0.5 1.5",
        "u1\ti2\t\t2\t\t",
        "u2\ti1\t1\t3\tred\t2.5",
        "u2\ti3\t\t4\t\t",
    ],
    "item": [
        "item_id:token\tbrand:token\tprice:float\tkinds:token_seq",
        "i1\tacme\t10\tcup",
        "i2\t\t\t",
        "i3\tacme\t40\tcup plate",
    ],
    "user": ["user_id:token\tage:float", "u1\t", "u2\t30"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gaps").mkdir()
    for suffix, lines in FILES.items():
        (tmp_path / "gaps" / f"gaps.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def load(folder: Path) -> Any:
    from recbole.config import Config
    from recbole.data import create_dataset

    settings = {"data_path": str(folder), "load_col": None, "benchmark_filename": None}
    with clean_argv():
        dataset = create_dataset(Config("BPR", "gaps", config_dict=settings))
    dataset._change_feat_format()
    return dataset


@pytest.mark.parametrize("fast", [False, True])
def test_missing_values_are_filled(folder: Path, fast: bool) -> None:
    """Tokens by 0, numbers by the mean of the others, sequences by none."""
    import recbole.quick_start  # noqa: F401

    with fast_parsing() if fast else nullcontext():
        dataset = load(folder)
    inter, item, user = dataset.inter_feat, dataset.item_feat, dataset.user_feat
    assert inter["rating"].tolist() == [4, 2.5, 1, 2.5]
    red, blue = dataset.token2id("tags", ["red", "blue"])
    assert sorted(dataset.field2id_token["tags"][1:]) == ["blue", "red"]
    assert inter["tags"].tolist() == [[red, blue], [0, 0], [red, 0], [0, 0]]
    assert inter["look"].tolist() == [[0.5, 1.5], [0, 0], [2.5, 0], [0, 0]]
    acme = dataset.token2id("brand", "acme")
    cup, plate = dataset.token2id("kinds", ["cup", "plate"])
    assert item["brand"].tolist() == [0, acme, 0, acme]
    assert item["price"].tolist() == [25, 10, 25, 40]
    assert item["kinds"].tolist() == [[0, 0], [cup, 0], [0, 0], [cup, plate]]
    assert user["age"].tolist() == [30, 30, 30]

"""The converter of pickles of explanations: rows, splits, and the lexicon."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import Account, NLG4RSOptions, convert_nlg4rs, read_atomic
from recbole_showcase.cli.convert import app
from recbole_showcase.data.check import check_dataset
from recbole_showcase.errors import DataError
from recbole_showcase.metrics import read_lexicon
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


def row(user: Any, item: Any, feature: str = "pool", **more: Any) -> dict[str, Any]:
    """One row of reviews.pickle."""
    sentence = f"the {feature} of {item} is great"
    return {
        "user": user, "item": item, "rating": 4, "template": (feature, "great", sentence, 1),
        "predicted": "room",
    } | more  # fmt: skip


def write(folder: Path, rows: Any, parts: tuple[str, str, str] | None = None) -> Path:
    """A data set in the released layout, with the split 1."""
    (folder / "1").mkdir(exist_ok=True)
    for name, numbers in zip(("train", "validation", "test"), parts or (), strict=False):
        (folder / "1" / f"{name}.index").write_text(numbers)
    path = folder / "reviews.pickle"
    path.write_bytes(pickle.dumps(rows))
    return path


def convert(folder: Path, rows: Any, parts: tuple[str, str, str] | None, **options: Any) -> Account:
    path = write(folder, rows, parts)
    split = folder / "1" if parts else None
    return convert_nlg4rs(path, folder / "d", NLG4RSOptions(**options), split)


def some(fates: dict[str, int]) -> dict[str, int]:
    return {fate: count for fate, count in fates.items() if count}


ROWS = [
    row("U1", "7", "pool"), row("U2", 7, "bar", rating=2.5), row("U1", "8", "pool"),
    row("U2", "8", "view"), row("U1", "7", "spa"), row("U2", "9", "lift"),
]  # fmt: skip


def test_the_split_is_kept_row_by_row(tmp_path: Path) -> None:
    account = convert(tmp_path, ROWS, ("0 1 2\n", "5 3", "4"))
    out = tmp_path / "d"
    parts = {part: read_atomic(out / f"d.{part}.inter") for part in ("train", "valid", "test")}
    pairs = {part: f[["user_id", "item_id"]].to_numpy().tolist() for part, f in parts.items()}
    assert pairs == {
        "train": [["U1", "7"], ["U2", "7"], ["U1", "8"]],
        "valid": [["U2", "8"], ["U2", "9"]], "test": [["U1", "7"]],
    }  # fmt: skip
    assert list(parts["train"]) == ["user_id", "item_id", "rating", "review_id"]
    assert parts["train"].rating.tolist() == [4, 2.5, 4]
    review = read_atomic(out / "d.review").set_index("review_id")
    assert len(review) == 6, "a pair that is there twice has two ids"
    said = review.loc[parts["test"].review_id[0]]
    assert said.text == said.explanation == "the spa of 7 is great" and said.feature == "spa"
    assert account.parts == {"train": 3, "valid": 2, "test": 1}
    assert "1 held-out rows have a user and an item of a training row." in account.notes
    report = check_dataset(out, min_photos=0)
    assert all("features" in error for error in report.errors), report.errors


def test_the_lexicon_is_that_of_training_rows(tmp_path: Path) -> None:
    account = convert(tmp_path, ROWS, ("0 1 2", "3", "4 5"))
    lexicon = tmp_path / "d" / "d.lexicon"
    assert read_lexicon(lexicon) == ["pool", "bar"], "by number, and none of held-out rows"
    assert any(f"showcase_lexicon: {lexicon}" in note for note in account.notes)
    convert(tmp_path, ROWS, None, overwrite=True)
    assert not lexicon.exists(), "without a split nobody can say what is held out"
    assert len(read_atomic(tmp_path / "d" / "d.inter")) == 6


def test_every_row_is_counted_once(tmp_path: Path) -> None:
    rows = [
        *ROWS, None, ["user"], row(None, "7"), row(" \t", "7"), row("U1", ""), row("U1", 1.5),
        row(True, "7"), row("U1", "7", rating=None), row("U1", "7", rating=float("nan")),
        row("U1", "7", rating="4"), row("U1", "7", rating=10**400), row("U1", "7", template=None),
        row("U1", "7", template=("a", "b", "", 1)), row("U1", "7", template="abcd"),
        {"user": "U1", "item": "7"}, row("U" * 140_000, "7"), row("U1", "7") | {"item": 10**5000},
        row("null", '"quoted"', "牛肉面\ud83c"),
    ]  # fmt: skip
    last = len(rows) - 1
    account = convert(
        tmp_path, rows, (f"0 1 2 {last} {' '.join(map(str, range(6, last)))}", "3", "4")
    )
    assert some(account.dropped) == {
        "row of another form": 2, "no user": 3, "no item": 3, "no rating": 5,
        "no explanation": 3, "in no part of the split": 1, "id too long for RecBole": 1,
    }  # fmt: skip
    assert (account.rows_read, account.rows_kept) == (len(rows), 6)
    train = read_atomic(tmp_path / "d" / "d.train.inter")
    assert train.iloc[-1, :2].tolist() == ["null.", '“quoted"']
    assert "牛肉面\ufffd" in (tmp_path / "d" / "d.lexicon").read_text().splitlines()


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("0 1", "2", "1 3"), r"test\.index: row 1 is in train\.index as well"),
        (("0 0", "2", "3"), r"train\.index: row 0 is there twice"),
        (("0", "6", "3"), r"validation\.index: row 6 is none of the 6 rows"),
        (("0", "-1", "3"), r"validation\.index: '-1' is no number of a row"),
        (("0", "1,2", "3"), r"validation\.index: '1,2' is no number"),
        (("9" * 30, "1", "3"), r"train\.index: '9{30}' is no number"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    tmp_path: Path, parts: tuple[str, str, str], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        convert(tmp_path, ROWS, parts)
    assert not (tmp_path / "d").exists()


def test_what_is_no_list_of_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds a dict; a list of reviews is meant"):
        convert(tmp_path, {"a": 1}, None)
    with pytest.raises(DataError, match=r"there is no file .*none\.pickle"):
        convert_nlg4rs(tmp_path / "none.pickle", tmp_path / "d")
    with pytest.raises(DataError, match=r"test\.index cannot be read: No such file"):
        path = write(tmp_path, ROWS, ("0", "1", "2"))
        (tmp_path / "1" / "test.index").unlink()
        convert_nlg4rs(path, tmp_path / "d", split=tmp_path / "1")
    with pytest.raises(DataError, match="no row is left of 1"):
        convert(tmp_path, [3], None)


def test_rows_that_repeat_each_other_without_end(tmp_path: Path) -> None:
    long = row("U1", "7", template=("f", "o", "word " * 20_000, 1))
    with pytest.raises(DataError, match="repeat each other to more than 100 times"):
        convert(tmp_path, [long] * 1000, None)


AMAZON = {
    "item": "7", "title": "Pool\tHouse", "price": 9.5, "brand": "none", "imUrl": "http://a/7.jpg",
    "categories": [["Movies & TV", "Movies"], ["Movies & TV", "Blu-ray"]],
}  # fmt: skip
YELP = {
    "item": "8", "name": "The View", "categories": "Bars, Fine Dining, ", "latitude": 1.5,
    "longitude": -2, "stars": 4.5, "review_count": 31,
    "attributes": {"RestaurantsPriceRange2": "2"},
}  # fmt: skip
STRANGE: list[Any] = [
    {"item": 9, "title": {"a": 1}, "name": "Lift \ud83c", "price": "9",
     "categories": [1, [["x"]], "y"], "latitude": float("nan"), "stars": True,
     "review_count": 10**400, "attributes": [1]},
    {"item": "7", "title": "another"}, {"item": "none of these"}, {"title": "nobody"}, [], None,
]  # fmt: skip


def test_what_items_are_called(tmp_path: Path) -> None:
    (tmp_path / "item.json").write_text(json.dumps([AMAZON, YELP, *STRANGE]))
    account = convert(tmp_path, ROWS, None)
    found = read_atomic(tmp_path / "d" / "d.item").set_index("item_id")
    assert found.name.tolist() == ["Pool House", "The View", "Lift \ufffd"]
    told = {"7": "Movies_&_TV Movies Blu-ray", "8": "Bars Fine_Dining", "9": "y"}
    assert found.category.to_dict() == told
    assert found.price.tolist()[:2] == [9.5, 2.0]
    numbers = ["latitude", "longitude", "avg_rating", "num_reviews"]
    assert found.loc["8", numbers].tolist() == [1.5, -2.0, 4.5, 31.0]
    assert found.loc["9", ["price", *numbers]].isna().all()
    assert account.others["items"] == {
        "read": 8, "broken line": 0, "no item": 3, "of no review kept": 1, "listed before": 1,
        "kept": 3,
    }  # fmt: skip
    assert any("item.json" in source for source in map(str, account.sources))


def test_items_are_named_by_another_file_or_by_none(tmp_path: Path) -> None:
    path = write(tmp_path, ROWS)
    account = convert_nlg4rs(path, tmp_path / "d")
    assert not account.others
    assert not read_atomic(tmp_path / "d" / "d.item").name.any()
    other = tmp_path / "places.json"
    other.write_text(json.dumps([YELP]))
    convert_nlg4rs(path, tmp_path / "d", NLG4RSOptions(overwrite=True), items=other)
    assert "The View" in read_atomic(tmp_path / "d" / "d.item").name.tolist()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"7": {"title": "x"}}', r"item\.json holds a dict; a list of items is meant"),
        ('[{"item": "7"}', r"item\.json cannot be read: Expecting"),
        ("[" * 200_000, r"item\.json cannot be read: it is nested too deeply"),
        (None, r"there is no file .*none\.json"),
    ],
)
def test_a_file_of_items_that_is_none(tmp_path: Path, content: str | None, said: str) -> None:
    path = write(tmp_path, ROWS)
    if content is not None:
        (tmp_path / "item.json").write_text(content)
    with pytest.raises(DataError, match=said):
        convert_nlg4rs(path, tmp_path / "d", items=None if content else tmp_path / "none.json")
    assert not (tmp_path / "d").exists()


def test_recbole_trains_on_the_split(tmp_path: Path) -> None:
    rows = [row(f"u{n % 12}", f"i{n * 7 % 31}") for n in range(120)]
    parts = [" ".join(map(str, range(*ends))) for ends in ((0, 90), (90, 105), (105, 120))]
    convert(tmp_path, rows, (parts[0], parts[1], parts[2]))
    changes: dict[str, Any] = {
        "load_col": {"inter": ["user_id", "item_id", "rating"]},
        "benchmark_filename": ["train", "valid", "test"], "metrics": ["Recall"], "epochs": 1,
        "eval_args": {"order": "RO", "mode": "full"},
    }  # fmt: skip
    world = TinyWorld(tmp_path, "d", {})
    trainer, (train, valid, test) = prepare("BPR", world, tmp_path, **changes)
    assert [len(part._dataset) for part in (train, valid, test)] == [90, 15, 15]
    trainer.fit(train, valid)
    assert 0 <= trainer.evaluate(test)["recall@5"] <= 1


def test_the_command(tmp_path: Path) -> None:
    path = write(tmp_path, ROWS, ("0 1 2", "3", "4"))
    result = CliRunner().invoke(
        app,
        ["nlg4rs", "--reviews", str(path), "--split", str(tmp_path / "1"), "--limit", "4",
         "--out", str(tmp_path / "d")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len(read_atomic(tmp_path / "d" / "d.valid.inter")) == 1
    assert not len(read_atomic(tmp_path / "d" / "d.test.inter")), "row 4 was not read"

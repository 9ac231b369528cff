"""The converter of explained pairs on small files whose right answer is known."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import (
    Account,
    ExplainedPairsOptions,
    convert_explained_pairs,
    csv_rows,
    read_atomic,
)
from recbole_showcase.cli.convert import app
from recbole_showcase.errors import DataError
from tests.atomic.raw import lines

N_USERS, N_ITEMS = 6, 5
EXPLAINED = [(user, (user + step) % N_ITEMS) for user in range(N_USERS) for step in range(2)]
SPLIT = ExplainedPairsOptions(valid=2, test=3)


def _pair(user: Any, item: Any, **more: Any) -> dict[str, Any]:
    row = {
        "uid": user, "iid": item, "title": f"Place {item}", "explanation": f"{user} likes {item}.",
        "user_summary": f"{user} is hungry.", "item_summary": f"{item} is open.",
    }  # fmt: skip
    return row | more


def _files(tmp_path: Path, pairs: list[Any] | None = None) -> tuple[Path, Path]:
    """All users at all items, and two explained pairs a user."""
    table = tmp_path / "interactions.csv.gz"
    rows = [f"{user},{item}" for user in range(N_USERS) for item in range(N_ITEMS)]
    table.write_bytes(gzip.compress("\n".join(["user,item", *rows, ""]).encode()))
    pairs = [_pair(*pair) for pair in EXPLAINED] if pairs is None else pairs
    return table, lines(tmp_path / "pairs.jsonl", pairs)


def _by_hash() -> list[tuple[str, str]]:
    """The explained pairs in the order in which parts are filled, told without DuckDB."""
    ids = [(str(user), str(item)) for user, item in EXPLAINED]
    return sorted(ids, key=lambda pair: hashlib.md5("\t".join(pair).encode()).hexdigest())


def test_parts_follow_from_the_hash_of_the_ids(tmp_path: Path) -> None:
    out = tmp_path / "x"
    account = convert_explained_pairs(*_files(tmp_path), out, SPLIT)
    parts = {part: read_atomic(out / f"x.{part}.inter") for part in ("train", "valid", "test")}
    pairs = {p: set(zip(f.user_id, f.item_id, strict=True)) for p, f in parts.items()}
    assert pairs["test"] == set(_by_hash()[:3])
    assert pairs["valid"] == set(_by_hash()[3:5])
    assert len(pairs["train"]) == N_USERS * N_ITEMS - 5
    assert not pairs["train"] & (pairs["valid"] | pairs["test"])
    assert list(parts["train"]) == ["user_id", "item_id", "review_id"], "no time, no rating"
    explained = parts["train"][parts["train"].review_id != ""]
    assert set(zip(explained.user_id, explained.item_id, strict=True)) == set(_by_hash()[5:])
    assert account.parts == {"train": 25, "valid": 2, "test": 3}
    assert account.rows_read == 30 + 12 and account.rows_kept == 30
    assert {k: v for k, v in account.dropped.items() if v} == {
        "interaction of an explained pair": 12
    }
    assert (account.users, account.items, account.photos) == (N_USERS, N_ITEMS, 0)
    told = json.loads((out / "conversion.json").read_text())
    assert told["options"] == {
        "k_core": 0, "limit": None, "user_column": "user", "item_column": "item",
        "delimiter": None, "pair_user": "uid", "pair_item": "iid", "train": 7,
        "valid": 2, "test": 3, "fold": 0, "profiles": True,
    }  # fmt: skip


def test_texts_profiles_and_names(tmp_path: Path) -> None:
    out = tmp_path / "x"
    account = convert_explained_pairs(*_files(tmp_path), out, SPLIT)
    review = read_atomic(out / "x.review").set_index("review_id")
    test = read_atomic(out / "x.test.inter")
    for row in test.itertuples():
        said = review.loc[row.review_id]
        assert said.text == said.explanation == f"{row.user_id} likes {row.item_id}."
        assert (said.user_id, said.item_id) == ("", "")
    assert review.loc["user-4"].tolist() == ["4 is hungry.", "", "4", ""]
    assert review.loc["item-2"].tolist() == ["2 is open.", "", "", "2"]
    assert len(review) == account.reviews_with_text == 12 + N_USERS + N_ITEMS
    items = read_atomic(out / "x.item", ["item_id", "name"])
    assert items.name.tolist() == [f"Place {item}" for item in range(N_ITEMS)]
    assert (out / "x.image").read_text().count("\n") == 1, "a header only"


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name
        convert_explained_pairs(*_files(tmp_path), folder / "x", SPLIT)
    for path in (tmp_path / "a" / "x").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "x" / path.name).read_bytes()


def test_fewer_to_train_on_leaves_the_other_parts(tmp_path: Path) -> None:
    files = _files(tmp_path)
    few = ExplainedPairsOptions(train=2, valid=2, test=3, profiles=False)
    convert_explained_pairs(*files, tmp_path / "few", few)
    convert_explained_pairs(*files, tmp_path / "all", SPLIT)
    for part in ("valid", "test"):
        one, other = (tmp_path / n / f"{n}.{part}.inter" for n in ("few", "all"))
        assert one.read_bytes() == other.read_bytes()
    train = read_atomic(tmp_path / "few" / "few.train.inter")
    assert len(train) == 25 and (train.review_id != "").sum() == 2
    assert len(read_atomic(tmp_path / "few" / "few.review")) == 2 + 2 + 3, "and no profiles"


def test_folds_share_no_test_pair_and_go_round(tmp_path: Path) -> None:
    files, order = _files(tmp_path), _by_hash()
    parts: dict[int, dict[str, set[tuple[str, str]]]] = {}
    for fold in range(4):
        out = tmp_path / f"x-{fold}"
        convert_explained_pairs(*files, out, replace(SPLIT, fold=fold))
        parts[fold] = {}
        for part in ("train", "valid", "test"):
            rows = read_atomic(out / f"x-{fold}.{part}.inter")
            rows = rows[rows.review_id != ""]
            parts[fold][part] = set(zip(rows.user_id, rows.item_id, strict=True))
    for fold in range(4):
        turned = order[3 * fold :] + order[: 3 * fold]
        assert parts[fold]["test"] == set(turned[:3])
        assert parts[fold]["valid"] == set(turned[3:5])
        assert parts[fold]["train"] == set(turned[5:])
    assert set.union(*(parts[fold]["test"] for fold in range(4))) == set(order)
    with pytest.raises(DataError, match="12 explained pairs are left, which make 4 folds of 3"):
        convert_explained_pairs(*files, tmp_path / "y", replace(SPLIT, fold=4))
    with pytest.raises(DataError, match="fold is -1; it must be 0 or more"):
        replace(SPLIT, fold=-1)


def test_a_pickled_frame_says_the_same_as_json_lines(tmp_path: Path) -> None:
    """As XRec releases its pairs: ids are numbers, which pandas widens where one is missing."""
    table, pairs = _files(tmp_path)
    with pairs.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"iid": 3, "explanation": "of nobody"}) + "\n")
    frame = pd.read_json(pairs, lines=True)
    assert frame.uid.dtype == float
    for ending in ("pkl", "pickle"):
        path = tmp_path / f"pairs.{ending}"
        frame.to_pickle(path)
        for name, source in (("a", pairs), ("b", path)):
            options = replace(SPLIT, overwrite=True, limit=40)
            account = convert_explained_pairs(table, source, tmp_path / name / "x", options)
            assert account.dropped["no user"] == 1
        for file in ("x.test.inter", "x.train.inter", "x.review", "x.item"):
            a, b = (tmp_path / name / "x" / file for name in "ab")
            assert a.read_bytes() == b.read_bytes()


def test_pickled_frames_that_are_refused(tmp_path: Path) -> None:
    table, pairs = _files(tmp_path)
    frame = pd.read_json(pairs, lines=True)
    path = tmp_path / "pairs.pkl"
    bare = frame[["uid", "iid", "explanation"]]
    bare.to_pickle(path)
    assert convert_explained_pairs(table, path, tmp_path / "x", SPLIT).reviews_with_text == 12
    for content, said in (
        (frame.drop(columns="explanation"), "has no column 'explanation'"),
        (bare.assign(uid=True), "row 0: 'uid' is True; allowed: a text or a whole number"),
        (bare.assign(iid=0.5), "row 0: 'iid' is 0.5; allowed: a text or a whole number"),
        (Path("/"), "allowed: a DataFrame of pandas"),
    ):
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(DataError, match=said):
            convert_explained_pairs(table, path, tmp_path / "y", SPLIT)
        assert not (tmp_path / "y").exists()


def test_rows_that_are_dropped(tmp_path: Path) -> None:
    pairs = [
        *(_pair(*pair) for pair in EXPLAINED),
        "{broken",
        _pair(None, 1),
        _pair(1, " "),
        _pair(1, 4, explanation="\n"),
        _pair(*EXPLAINED[0], explanation="again"),
        _pair(99, 99, title='"Q"', user_summary="", item_summary=None),
        _pair(0, 4, user_summary="0 was full."),
    ]
    table, told = _files(tmp_path, pairs)
    rows = gzip.decompress(table.read_bytes()).decode() + "3,0\n,3\n3,\n"
    table.write_bytes(gzip.compress(rows.encode()))
    out = tmp_path / "x"
    account = convert_explained_pairs(table, told, out, SPLIT)
    assert account.dropped == {
        "broken line": 1, "no user": 2, "no item": 2, "no explanation": 1,
        "pair explained before": 1, "interaction of an explained pair": 12 + 1, "repeated row": 1,
        "older review of the pair": 0, "id too long for RecBole": 0,
    }  # fmt: skip
    assert account.rows_kept == 31, "a pair that is no interaction becomes one"
    assert account.broken_lines[0].line == 13
    review = read_atomic(out / "x.review").set_index("review_id")
    assert review.loc["user-0"].text == "0 is hungry." and "user-99" not in review.index
    assert any("1 users have several summaries" in note for note in account.notes)
    names = read_atomic(out / "x.item").set_index("item_id").name
    assert names["99"] == '“Q"'


def test_other_columns(tmp_path: Path) -> None:
    table, told = _files(tmp_path)
    text = gzip.decompress(table.read_bytes()).decode().replace("user,item", "who,where")
    plain = tmp_path / "plain.csv"
    plain.write_text(text)
    with pytest.raises(DataError, match=r"plain\.csv has no column 'user'; it has who, where"):
        convert_explained_pairs(plain, told, tmp_path / "x", SPLIT)
    assert not (tmp_path / "x").exists()
    renamed = [
        {{"uid": "u", "iid": "i"}.get(key, key): value for key, value in _pair(*pair).items()}
        for pair in EXPLAINED
    ]
    lines(told, renamed)
    result = CliRunner().invoke(
        app,
        [
            "explained-pairs", "--interactions", str(plain), "--pairs", str(told),
            "--out", str(tmp_path / "x"), "--user-column", "who", "--item-column", "where",
            "--pair-user", "u", "--pair-item", "i", "--valid", "2", "--test", "3",
        ],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "rows kept" in result.output and "benchmark_filename" in result.output


def test_too_few_pairs(tmp_path: Path) -> None:
    said = "12 explained pairs are left, which is too few for 1 to train on, 6 valid and 6 test"
    with pytest.raises(DataError, match=said):
        convert_explained_pairs(
            *_files(tmp_path), tmp_path / "x", ExplainedPairsOptions(valid=6, test=6)
        )
    with pytest.raises(DataError, match="test is 0; it must be 1 or more"):
        ExplainedPairsOptions(test=0)
    with pytest.raises(DataError, match="no interactions file"):
        convert_explained_pairs(tmp_path / "none.csv", tmp_path / "pairs.jsonl", tmp_path / "x")


def _table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode())
    return path


SMALL = ExplainedPairsOptions(valid=1, test=1)


def _small(tmp_path: Path, text: str, pairs: list[Any], **options: Any) -> Account:
    told = lines(tmp_path / "pairs.jsonl", pairs)
    return convert_explained_pairs(
        _table(tmp_path, text), told, tmp_path / "x", replace(SMALL, overwrite=True, **options)
    )


@pytest.mark.parametrize(
    "text",
    [
        "user,item\n#1,7\n2,8\n3,7\n",
        "\ufeffitem;n;user\r\n7;a,b;#1\r\n8;;2\r\n\r\n7;x;3",
        'user\titem\n"#1"\t7\n2\t8\n3\t"7"\n',
        "item|user\n7|#1\n8|2\n7|3\n",
    ],
)
def test_a_csv_is_read_by_its_header(tmp_path: Path, text: str) -> None:
    account = _small(tmp_path, text, [_pair("#1", 7), _pair(2, 8), _pair(3, 7)])
    assert (account.rows_read, account.rows_kept, account.users, account.items) == (6, 3, 3, 2)
    assert not any("join" in note for note in account.notes)


def test_quotes_in_a_csv(tmp_path: Path) -> None:
    text = 'user,item\n"a ""b"", c",7\n"two\nlines",7\nin"side,7\n'
    pairs = [_pair('a "b", c', 7), _pair("two lines", 7), _pair('in"side', 7)]
    assert _small(tmp_path, text, pairs).users == 3


def test_a_delimiter_may_be_named(tmp_path: Path) -> None:
    pairs = [_pair(n, 7) for n in range(3)]
    text = "user:item,x:item\n0:7:a\n1:7:b\n2:7:c\n"
    assert _small(tmp_path, text, pairs, delimiter=":", item_column="item,x").users == 3
    with pytest.raises(DataError, match="delimiter is '::'; it must be one character"):
        ExplainedPairsOptions(delimiter="::")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user,item\n1,7\n2\n", "line 3: 1 values; the header has 2 columns"),
        ('user,item\n"1\n1",7\n\n2,7,8\n', "line 5: 3 values; the header has 2 columns"),
        ('user,item\n1,7\n"2,7\n3,7\n', "line 3: unexpected end of data"),
        ('user,item\n"1"2,7\n', "line 2: ',' expected after '\"'"),
        ("user,item,user\n1,7,1\n", "line 1: column 'user' is named twice"),
        ("", "has no column 'user'; it has "),
    ],
)
def test_a_csv_that_breaks_the_rules(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=f"table.csv.*{re.escape(said)}"):
        _small(tmp_path, text, [_pair(1, 7)])
    (tmp_path / "table.csv").write_bytes(b"user,item\n\xff,1\n")
    with pytest.raises(DataError, match=r"table\.csv is not UTF-8"):
        convert_explained_pairs(tmp_path / "table.csv", tmp_path / "pairs.jsonl", tmp_path / "y")


def test_a_csv_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "LONGEST_LINE", 1000)
    for text, line in (("user,item\n1,7\n" + "x" * 5000, 3), ("u" * 5000, 1)):
        with pytest.raises(DataError, match=f"table.csv.*, line {line}: longer than 1,000 char"):
            _small(tmp_path, text, [_pair(1, 7)])


def test_ids_that_recbole_cannot_read_are_dropped_by_name(tmp_path: Path) -> None:
    long = "u" * 131_000
    text = f"user,item\n1,7\n2,8\n3,9\n{long},7\n{long}{'牛' * 70},7\n"
    pairs = [_pair(1, 7), _pair(2, 8), _pair(3, 9), _pair(1, long * 2)]
    account = _small(tmp_path, text, pairs)
    assert account.dropped["id too long for RecBole"] == 2


@pytest.mark.parametrize(
    ("table", "told", "kept"),
    [
        ([("1.0", "07.0"), ("2.0", "8.0")], [("1", "7"), ("2", "8")], {"1", "2"}),
        ([("1", "7"), ("20", "8")], [("001", "7"), ("020", "8")], {"001", "020"}),
        ([("1.0", "7"), ("20.0", "8")], [("001", "7"), ("020", "8")], {"001", "020"}),
        ([("1", "7"), ("2", "8")], [("1.0", "7"), ("2.0", "8")], {"1", "2"}),
    ],
)
def test_ids_that_were_written_as_numbers_join(
    tmp_path: Path, table: list[tuple[str, str]], told: list[tuple[str, str]], kept: set[str]
) -> None:
    table = [("user", "item"), *table, ("9", table[1][1])]
    text = "".join(f"{user},{item}\n" for user, item in table)
    account = _small(tmp_path, text, [_pair(*pair) for pair in [*told, ("9", told[1][1])]])
    assert account.rows_kept == account.users == 3
    assert account.dropped["interaction of an explained pair"] == 3
    files = [read_atomic(path) for path in (tmp_path / "x").glob("*.inter")]
    assert {user for file in files for user in file.user_id} == {*kept, "9"}
    assert any("users are spelled in two ways" in note for note in account.notes)


def test_ids_that_might_be_those_of_two_people_do_not_join(tmp_path: Path) -> None:
    text = "user,item\n7,1\n007,1\n8,1\n"
    account = _small(tmp_path, text, [_pair("7.0", 1), _pair(8, 1), _pair(9, 1)])
    assert account.users == 5
    assert any(note.startswith("1 users are told apart") for note in account.notes)
    said = "1 of 3 explained pairs join: their user and item have interactions."
    assert said in account.notes


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    text = "user,item\na,1\nb,1\n"
    pairs = [_pair("c", 1), _pair("d", 1), _pair("a", 2)]
    said = (
        "0 of 3 explained pairs join.*pairs.jsonl has users such as 'a', 'c', 'd', items.*'1', '2'"
    )
    with pytest.raises(DataError, match=said):
        _small(tmp_path, text, pairs)
    assert not (tmp_path / "x").exists()
    account = _small(tmp_path, text, pairs, limit=3)
    assert account.rows_kept == 5, "of a part of the files nothing need join"


def test_broken_pairs_are_shown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0 explained pairs are left.*pairs\.jsonl:1: '<html>'"):
        _small(tmp_path, "user,item\n1,1\n", ["<html>"])

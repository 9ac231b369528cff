"""What is judged is read as it is, and figures of verdicts are those of the definition."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from recbole_showcase.atomic import INTER, ITEM, REVIEW, write_atomic
from recbole_showcase.cli import app
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.judging import (
    Pair,
    Results,
    judge_results,
    read_all,
    read_grades,
    read_prompt,
    read_results,
    report_of,
    write_pairs,
    write_verdicts,
)
from recbole_showcase.judging.asking import Question
from recbole_showcase.metrics import holm, paired_bootstrap
from recbole_showcase.offline import SCHEMA
from recbole_showcase.offline.folder import ShowcaseFolder
from tests.judging.stub import Fixed, some_pairs


def write_world(folder: Path) -> Path:
    """Three visits of two users to two places; the ids of reviews tell who and where."""
    folder.mkdir(parents=True)
    rows = [("a", "x", 3, "ax"), ("b", "x", 2, "bx"), ("b", "x", 5, "bx2"), ("a", "y", 1, "ay")]
    inter = [
        {"user_id": u, "item_id": i, "rating": 5.0, "timestamp": t, "review_id": r}
        for u, i, t, r in rows
    ]
    reviews = [{"review_id": r, "text": f"text {r}", "explanation": ""} for *_, r in rows]
    items = [{"item_id": i, "name": n, "category": ""} for i, n in [("x", "Xanadu"), ("y", "")]]
    fields = ITEM.without("latitude", "longitude", "price", "avg_rating", "num_reviews")
    for schema, own in ((INTER, inter), (REVIEW, reviews), (fields, items)):
        write_atomic(folder / f"{folder.name}.{schema.suffix}", schema, own)
    return folder


def write_folder(folder: Path, form: str, complete: bool = True) -> Path:
    """Showcases of three pairs, the last of an item that its user knows nothing of."""
    shown = ShowcaseFolder(folder)
    shown.begin({})
    rows: list[dict[str, Any]] = [
        {
            "user": user,
            "item": item,
            "photo_ids": [],
            "photo_paths": [],
            "relevance": [],
            "text": f"{item} for {user}",
            "evidence": evidence,
            "model": "m",
            "data": "d",
        }
        for user, item, evidence in [("a", "x", ["bx", "ay"]), ("b", "y", []), ("c", "x", [])]
    ]
    whole = [{name: row.get(name) for name in SCHEMA.names} for row in rows]
    shown.add(pa.Table.from_pylist(whole[:2], SCHEMA), {}, 2, form)
    shown.add(pa.Table.from_pylist(whole[2:], SCHEMA), {}, 3, form)
    if complete:
        shown.finish({}, 3)
    return folder


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_showcases_are_joined_with_their_reviews(tmp_path: Path, form: str) -> None:
    folder = write_folder(tmp_path / "ours", form)
    result = read_results(folder, write_world(tmp_path / "town"))
    assert result.name == "ours"
    assert result.pairs == (
        # The named review of the item first, then others', the latest first; ay is of elsewhere.
        Pair("a", "x", "x for a", "Xanadu", "text ax", ("text bx", "text bx2"), ("text ay",)),
        Pair("b", "y", "y for b", "", "", ("text ay",), ("text bx2", "text bx")),
        Pair("c", "x", "x for c", "Xanadu", "", ("text bx2", "text ax", "text bx"), ()),
    )


def test_folders_that_cannot_be_judged(tmp_path: Path) -> None:
    world = write_world(tmp_path / "town")
    with pytest.raises(DataError, match="with --dataset"):
        read_results(write_folder(tmp_path / "ours", "jsonl"))
    with pytest.raises(DataError, match="not complete"):
        read_results(write_folder(tmp_path / "half", "jsonl", complete=False), world)
    with pytest.raises(DataError, match=r"holds no manifest\.json"):
        read_results(world, world)


def test_a_benchmarks_folder_names_the_steps(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "demo-ShowcaseBPR-1-0"
    run.mkdir(parents=True)
    (run / "record.json").write_text("{}")
    with pytest.raises(DataError, match="kept no checkpoint: run it with keep: true"):
        read_results(tmp_path)
    (run / "checkpoint.pth").touch()
    for folder in (tmp_path, run):
        with pytest.raises(DataError) as refused:
            read_results(folder)
        assert f"judge pairs {run / 'checkpoint.pth'} --out NAME.jsonl" in str(refused.value)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_files_of_pairs(tmp_path: Path, ending: str) -> None:
    pairs = [*some_pairs(3), Pair("ü", "食", "良い。", metrics={"BLEU1": 3.5, "CIDEr": None})]
    path = tmp_path / f"ours.{ending}"
    if ending == "jsonl":
        write_pairs(pairs, path)
    else:
        pq.write_table(pa.Table.from_pylist([asdict(p) | {"extra": 1} for p in pairs]), path)
    (found,) = read_all([path])
    assert [replace(pair, metrics={}) for pair in found.pairs] == [
        replace(pair, metrics={}) for pair in pairs
    ]
    assert found.pairs[3].metrics["BLEU1"] == 3.5 and found.pairs[3].metrics.get("CIDEr") is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"user": "u", "item": "i"}', r"line 2: \.?text Field required|line 2: .*text"),
        ('{"user": 3, "item": "i", "text": ""}', "line 2: .*user"),
        ('{"user": "u", "item": "i", "text": "t", "evidence": "one text"}', "line 2: .*evidence"),
        ("[1]", "line 2"),
        ("{", "line 2"),
        ("", "line 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "ours.jsonl"
    path.write_text('{"user": "u", "item": "i", "text": "t"}\n' + line + "\n{}\n")
    with pytest.raises(DataError, match=said) as refused:
        read_results(path)
    assert "\n" not in str(refused.value)


def test_systems_have_names_of_their_own(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        write_pairs(some_pairs(1), tmp_path / folder / "out.jsonl")
    paths = [tmp_path / folder / "out.jsonl" for folder in "ab"]
    assert [result.name for result in read_all(paths)] == [*map(str, paths)]
    with pytest.raises(DataError, match="given twice"):
        read_all([paths[0], paths[0]])
    (tmp_path / "none.jsonl").touch()
    with pytest.raises(DataError, match="holds no pair"):
        read_all([tmp_path / "none.jsonl"])


def grade(question: Question) -> str:
    """Grades that follow from the text: soup is better than pizza, and 'very' no grade."""
    said = question.message.question.partition("The explanation to grade:")[2]
    if "very very very" in said:
        return "unsure"
    return str(3 + ("soup" in said) - question.sample)


def test_figures_of_verdicts(tmp_path: Path) -> None:
    ours, theirs = some_pairs(12), some_pairs(13, "pizza")
    ours[3] = replace(ours[3], text="")  # is not asked about
    theirs.append(replace(theirs[0], text="soup"))  # the same pair for the second time
    results = [
        Results("ours", Path("a"), "A", tuple(ours)),
        Results("theirs", Path("b"), "B", (*reversed(theirs[:13]), theirs[13])),
    ]
    prompt, out = read_prompt(), tmp_path / "verdicts.json"
    judge = Fixed(grade)
    criteria = prompt.chosen(["fluency", "faithfulness"])
    judged = judge_results(results, judge, prompt, criteria, out, progress=False)
    report = report_of(judged)
    write_verdicts(judged, report, prompt, judge.identity(), out)
    own = report.graded["ours"]["fluency"]
    # Of texts with 3 or 4 'very', numbers 3 (which is empty), 4, 8 and 9, there is no grade.
    assert (own.pairs, own.users, own.unread, own.answers, own.ungraded) == (8, 8, 1, 22, 6)
    assert own.mean == 3.5 and own.spread == pytest.approx(np.std([4, 3], ddof=1))
    assert (own.low, own.high) == (3.5, 3.5) and np.isnan(own.mass)
    (first, second) = report.differences
    assert (first.first, first.second, first.criterion) == ("ours", "theirs", "fluency")
    assert first.pairs == 8 and first.comparison.difference == 1.0
    expected = paired_bootstrap([3.5] * 8, [2.5] * 8, np.arange(8))
    assert first.comparison.p == expected.p
    assert [first.corrected, second.corrected] == holm([expected.p] * 2)
    told = json.loads(out.read_text())
    assert told["systems"][1]["pairs"][0] == {
        "user": "u12",
        "item": "i2",
        "number": 0,
        "grades": {"fluency": 2.5, "faithfulness": 2.5},
        "answers": {"fluency": [3.0, 2.0], "faithfulness": [3.0, 2.0]},
    }
    last = told["systems"][1]["pairs"][13]
    assert (last["user"], last["number"], last["grades"]["fluency"]) == ("u0", 1, 3.5)
    assert told["systems"][0]["criteria"]["fluency"]["mass"] is None
    grades = read_grades(out)
    assert grades["A", ("u4", "i4", 0)] == {"fluency": None, "faithfulness": None}
    assert grades["A", ("u3", "i3", 0)] == {}
    with pytest.raises(DataError, match="cannot be read as verdicts"):
        read_grades(tmp_path / "verdicts.answers.jsonl")


def test_nothing_to_ask(tmp_path: Path) -> None:
    bare = [Results("ours", Path("a"), "A", (Pair("u", "i", "text"),))]
    prompt, judge = read_prompt(), Fixed(grade)
    with pytest.raises(DataError, match="no pair has what the criteria read: evidence"):
        judge_results(bare, judge, prompt, prompt.chosen(["faithfulness"]), tmp_path / "v.json")
    assert judge.asked == 0 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "name the judge"),
        (["--local", "m", "--endpoint", "http://x", "--model", "m"], "name the judge"),
        (["--endpoint", "http://x"], "belong together"),
        (["--local", "m", "--criterion", "beauty"], "no criterion 'beauty'"),
    ],
)
def test_the_command_without_a_name_judges_texts(
    tmp_path: Path, more: list[str], said: str
) -> None:
    write_pairs(some_pairs(1), tmp_path / "ours.jsonl")
    words = [str(tmp_path / "ours.jsonl"), "--out", str(tmp_path / "v.json"), *more]
    for command in (["judge"], ["judge", "texts"]):
        ended = CliRunner().invoke(app, [*command, *words])
        assert isinstance(ended.exception, SettingsError) and said in str(ended.exception)

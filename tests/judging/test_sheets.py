"""Sheets are blind, escaped and read back as they were filled in; agreement by hand."""

from __future__ import annotations

import csv
import json
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from recbole_showcase.cli import app
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.judging import (
    Results,
    agreement_of,
    read_key,
    read_prompt,
    read_ratings,
    write_pairs,
    write_sheets,
)
from recbole_showcase.judging.sheets import Key, Task
from recbole_showcase.metrics import krippendorff_alpha, mean_correlation, rouge_values
from tests.judging.stub import some_pairs

NAN = float("nan")
HOSTILE = '=HYPERLINK("http://x")<script>alert(1)</script></section>\'\u202e'


def two_systems() -> list[Results]:
    ours, theirs = some_pairs(8), some_pairs(8, "pizza")
    ours[2] = replace(ours[2], text=HOSTILE, history=(HOSTILE,))
    theirs[5] = replace(theirs[5], text="")  # so that pair 5 is not drawn
    return [
        Results("our-secret-name", Path("a.jsonl"), "A" * 64, tuple(ours)),
        Results("their-secret-name", Path("b.jsonl"), "B" * 64, tuple(theirs)),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prompt = read_prompt()
    out = tmp_path / "sheets"
    criteria = prompt.chosen(["personalisation", "overall"])
    assert write_sheets(two_systems(), prompt, criteria, out, raters=2, pairs=50, seed=3) == 7
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fill(folder: Path, rater: int, grade: dict[str, tuple[object, object]]) -> Path:
    """A sheet with grades by task: personalisation and overall."""
    path = folder / f"filled-{rater}.csv"
    lines = [f"{task},{a},{b}" for task, (a, b) in grade.items()]
    path.write_text("\n".join(["task,personalisation,overall", *lines]) + "\n", encoding="utf-8")
    return path


def test_all_grade_the_same_in_orders_of_their_own(folder: Path, tmp_path: Path) -> None:
    key = read_key(folder / "key.json")
    orders = [[row["task"] for row in rows_of(folder / f"rater-{n}.csv")] for n in (1, 2)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])
    assert sorted(orders[0]) == sorted(task.id for task in key.tasks) and len(key.tasks) == 14
    assert {(task.user, task.system) for task in key.tasks} == {
        (f"u{n}", name)
        for n, name in product([0, 1, 2, 3, 4, 6, 7], ["our-secret-name", "their-secret-name"])
    }
    texts = {task.id: task for task in key.tasks}
    for row in rows_of(folder / "rater-1.csv"):
        task = texts[row["task"]]
        systems = {result.name: result for result in two_systems()}
        pair = systems[task.system].pairs[int(task.user[1:])]
        said = row["The explanation to grade"]
        assert said == pair.text or (task.user == "u2" and said.startswith("'=HYPERLINK"))
        assert row["personalisation"] == row["overall"] == ""
        rouge = rouge_values([pair.text], [pair.reference], kind="rougeL")[0]
        assert task.metrics["ROUGEL"] == pytest.approx(rouge)
    again = tmp_path / "again"
    prompt = read_prompt()
    criteria = prompt.chosen(["personalisation", "overall"])
    write_sheets(two_systems(), prompt, criteria, again, raters=2, pairs=50, seed=3)
    for path in sorted(folder.iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_sheets_tell_no_system_and_run_nothing_of_a_text(folder: Path) -> None:
    for path in folder.glob("rater-*"):
        text = path.read_text(encoding="utf-8")
        assert "secret-name" not in text and "A" * 64 not in text and ".jsonl" not in text
        if path.suffix == ".html":
            assert "<script>alert" not in text and "&lt;script&gt;alert" in text
            (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
            digest = b64encode(sha256(script.encode()).digest()).decode()
            assert f"script-src 'sha256-{digest}'" in text and "default-src 'none'" in text
            assert not re.search(r"\b(?:src|href)=", text)


def test_a_folder_of_sheets_is_not_written_over(folder: Path) -> None:
    prompt = read_prompt()
    with pytest.raises(DataError, match="may hold grades"):
        write_sheets(two_systems(), prompt, prompt.chosen([]), folder, raters=1, pairs=1)
    bare = [Results("a", Path("a"), "A", (replace(some_pairs(1)[0], evidence=()),))]
    with pytest.raises(DataError, match="no pair has a text by every system"):
        write_sheets(bare, prompt, prompt.chosen([]), folder / "x", raters=1, pairs=1)


def test_filled_in_sheets_are_read_in_any_order(folder: Path) -> None:
    key = read_key(folder / "key.json")
    ids = [task.id for task in key.tasks]
    prompt = read_prompt()
    first = fill(folder, 1, {task: (n % 5 + 1, n * 7) for n, task in enumerate(ids)})
    second = fill(folder, 2, {task: ("", 100) for task in reversed(ids[:3])})
    text = second.read_text(encoding="utf-8").replace(",", ";")
    second.write_text("\ufeff" + text.replace("\n", "\r\n"), encoding="utf-8")  # of a spreadsheet
    names, ratings = read_ratings([first, second], key, prompt.criteria)
    assert names == ["filled-1", "filled-2"]
    np.testing.assert_array_equal(ratings["personalisation"][0], [n % 5 + 1 for n in range(14)])
    np.testing.assert_array_equal(ratings["personalisation"][1], [NAN] * 14)
    np.testing.assert_array_equal(ratings["overall"][1], [100] * 3 + [NAN] * 11)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["task,personalisation", "x,1"], "has no column 'overall'; it has task, personalisation"),
        (["task,personalisation,overall", "nobody,1,1"], "line 2: task 'nobody' is not in the key"),
        (["task,personalisation,overall", "ID,6,1"], "'personalisation': '6'; allowed: a whole"),
        (["task,personalisation,overall", "ID,2.5,1"], "'2.5'; allowed: a whole number from 1"),
        (["task,personalisation,overall", "ID,good,1"], "'good'; allowed"),
        (["task,personalisation,overall", "ID,nan,1"], "'nan'; allowed"),
        (["task,personalisation,overall", "ID,1,1", "ID,1,1"], "line 3: task 'ID' is there twice"),
        (["task,personalisation,overall", "ID,,"], "there is no grade in it"),
        (["task,personalisation,overall", "ID"], "there is no grade in it"),
    ],
)
def test_ratings_that_cannot_be(folder: Path, lines: list[str], said: str) -> None:
    key = read_key(folder / "key.json")
    path, own = folder / "bad.csv", key.tasks[0].id
    path.write_text("\n".join(lines).replace("ID", own), encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_ratings([path], key, read_prompt().criteria)
    assert said.replace("ID", own) in str(refused.value)


def test_agreement_by_hand() -> None:
    """Two users with two pairs each, by two systems."""
    places = list(product(["A", "B"], ["u", "v"], ["i", "j"]))
    tasks = [
        Task(f"{n}", s, s, u, i, 0, {"words": float(n), "odd": None})
        for n, (s, u, i) in enumerate(places)
    ]
    key = Key("", 0, 1, ["fluency"], tasks)
    one = np.array([1, 2, 3, 4, 2, 2, 4, 4], float)
    two = np.array([1, 2, 3, 4, 2, NAN, 4, 2], float)
    judged = {
        (t.sha256, (t.user, t.item, 0)): {"fluency": float(v)}
        for t, v in zip(tasks, one, strict=True)
    }
    found = agreement_of(["x", "y"], {"fluency": np.stack([one, two])}, key, judged)
    assert found.rated == {"fluency": 15}
    levels = ("nominal", "ordinal", "interval")
    assert found.alpha["fluency"] == {
        level: krippendorff_alpha([one, two], level) for level in levels
    }
    assert found.alpha_with_judge["fluency"] == {
        level: krippendorff_alpha([one, two, one], level) for level in levels[1:]
    }
    assert found.alpha["fluency"]["interval"] < found.alpha_with_judge["fluency"]["interval"] < 1
    alone = agreement_of(["x", "y"], {"fluency": np.stack([one, two])}, key)
    assert alone.alpha_with_judge == {} and alone.alpha == found.alpha
    people = np.array([1, 2, 3, 4, 2, 2, 4, 3])
    by = {(own.measure, own.level): own for own in found.correlated}
    assert {measure for measure, _ in by} == {"judge", "words", "odd"}
    assert by["judge", "dataset"].spearman == mean_correlation(one, people)[0]
    users = [u for _, u, _ in places]
    assert by["judge", "user"].kendall == mean_correlation(one, people, "kendall", users)[0]
    # Within pairs (u, i) 1 < 2, (v, i) 3 < 4 and (u, j) 2 = 2; (v, j): 4 = 4 by the judge.
    assert (by["judge", "pair"].kendall, by["judge", "pair"].groups) == (1.0, 2)
    # Words grow from system A to B: so do people's grades of (u, i) and (v, i), not of (v, j).
    assert (by["words", "pair"].spearman, by["words", "pair"].groups) == (pytest.approx(1 / 3), 3)
    assert np.isnan(by["odd", "dataset"].spearman) and by["odd", "dataset"].groups == 0


def test_the_commands_one_after_the_other(tmp_path: Path) -> None:
    paths = []
    for name, pairs in (("ours", some_pairs(8)), ("theirs", some_pairs(8, "pizza"))):
        paths.append(str(tmp_path / f"{name}.jsonl"))
        write_pairs(pairs, Path(paths[-1]))
    out = tmp_path / "sheets"
    words = [
        "judge",
        "sheets",
        *paths,
        "--out",
        str(out),
        "--raters",
        "2",
        "--criterion",
        "fluency",
    ]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0 and "8 pairs by 2 system(s), for 2 rater(s)" in made.stdout
    key = read_key(out / "key.json")
    for n in (1, 2):
        lines = [f"{t.id},{5 if t.system == 'ours' else n}" for t in key.tasks]
        (out / f"rater-{n}.csv").write_text("\n".join(["task,fluency", *lines]))
    sheets = [str(out / f"rater-{n}.csv") for n in (1, 2)]
    more = ["--key", str(out / "key.json"), "--out", str(tmp_path / "agreement.json")]
    ended = CliRunner().invoke(app, ["judge", "agreement", *sheets, *more])
    assert ended.exit_code == 0, ended.exception
    told = json.loads((tmp_path / "agreement.json").read_text())
    assert told["raters"] == ["rater-1", "rater-2"] and told["rated"] == {"fluency": 32}
    table = np.array([[5] * 8 + [1] * 8, [5] * 8 + [2] * 8])
    assert told["alpha"]["fluency"]["interval"] == krippendorff_alpha(table, "interval")
    assert "BLEU1" in ended.stdout and "0." in ended.stdout
    (out / "key.json").write_text("{}")
    refused = CliRunner().invoke(app, ["judge", "agreement", *sheets, *more])
    assert "cannot be read as the key of sheets" in str(refused.exception)


def test_levels_and_kinds_are_named() -> None:
    with pytest.raises(SettingsError, match="level is 'ratio'"):
        krippendorff_alpha([[1, 2]], "ratio")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="kind is 'pearson'"):
        mean_correlation([1, 2], [1, 2], "pearson")  # type: ignore[arg-type]

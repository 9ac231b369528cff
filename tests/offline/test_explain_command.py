"""Showcases written to a folder: the same as asked one by one, and whole after any interruption."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import recbole_showcase
from recbole_showcase.cli import app
from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.offline import SCHEMA, OfflineOptions, write_showcases
from recbole_showcase.offline.folder import MANIFEST, ShowcaseFolder
from recbole_showcase.offline.rows import table_of
from recbole_showcase.recommender import ShowcaseRecommender
from recbole_showcase.showcase import Showcase
from tests.offline.folders import content, file_of, manifest, rows_in
from tests.tiny import TinyWorld

OPTIONS = OfflineOptions(top_k=3, batch=7, part_rows=40)
USERS = ["u3", "u1", "nobody", "u12", "../../etc", "u3", "u20", "u5"]
PAIRS = [("u1", "i3"), ("u2", "nowhere"), ("x", "i3"), ("u3", "i3"), ("u1", "i4"), ("x", "y")]


class _Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def photos(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file for half of the photos."""
    folder = tmp_path_factory.mktemp("photos")
    for photo in sorted(tiny_world.topic_of_photo)[::2]:
        (folder / f"{photo}.jpg").touch()
    return folder


@pytest.fixture(scope="module")
def recommender(checkpoint: Path, photos: Path) -> ShowcaseRecommender:
    return recbole_showcase.load_explainer(checkpoint, photo_folder=photos)


@pytest.fixture(autouse=True)
def loaded_once(recommender: ShowcaseRecommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_showcase.offline.answers.load_explainer", lambda *_: recommender)


def as_row(shown: Showcase, row: dict[str, Any]) -> dict[str, Any]:
    """What a row should be, but for the evidence and the fingerprints."""
    plain = shown.to_dict()
    kept = {name: plain[name] for name in ("user", "item", "rank", "score", "text")}
    return {
        **row,
        **kept,
        "photo_ids": [photo["id"] for photo in plain["photos"]],
        "photo_paths": [photo["path"] for photo in plain["photos"]],
        "relevance": [photo["relevance"] for photo in plain["photos"]],
    }


def test_all_users_as_recommend_has_them(
    checkpoint: Path, recommender: ShowcaseRecommender, tmp_path: Path
) -> None:
    account = write_showcases(checkpoint, tmp_path / "out", options=OPTIONS, progress=False)
    rows, users = rows_in(tmp_path / "out"), recommender.users
    batches = (users[n : n + OPTIONS.batch] for n in range(0, len(users), OPTIONS.batch))
    expected = [s for users in batches for own in recommender.recommend(users, 3) for s in own]
    assert len(rows) == len(expected) == 3 * len(users) == account.progress.rows
    assert rows == [as_row(shown, row) for shown, row in zip(expected, rows, strict=True)]
    assert {None} < {path and path[-4:] for row in rows for path in row["photo_paths"]}
    parts = sorted((tmp_path / "out").glob("part-*"))
    assert [pq.read_metadata(part).num_rows for part in parts] == [42, 42, 36]
    assert all(pq.read_schema(part).equals(SCHEMA) for part in parts)
    assert manifest(tmp_path / "out")["complete"] is True


def test_rows_say_from_which_reviews_and_by_which_model(
    checkpoint: Path, recommender: ShowcaseRecommender, tmp_path: Path
) -> None:
    asked = file_of(tmp_path, "csv", {"user": ["u7"]})
    write_showcases(checkpoint, tmp_path / "out", asked, options=OPTIONS, progress=False)
    (page,) = recommender.user_showcases(["u7"], 3)
    past = [review.id for review in page.history]
    rows = rows_in(tmp_path / "out")
    assert len(past) == 5 and [row["evidence"] for row in rows] == [past] * 3
    assert all(re.fullmatch(r"ShowcaseBPR sha256:[0-9a-f]{64}", row["model"]) for row in rows)
    assert all(re.fullmatch(r"tiny sha256:[0-9a-f]{64}", row["data"]) for row in rows)
    assert rows[0]["data"] == manifest(tmp_path / "out")["settings"]["data_fingerprint"]


def test_an_explainer_that_does_not_say_has_no_evidence(
    recommender: ShowcaseRecommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    explainer = type(recommender.model.showcase.explainer)
    ranked = recommender.ranked(recommender.find("user", ["u7", "u8"]), 2)
    for said, found in ((None, 0), (0, 0), (2, 2)):
        monkeypatch.setattr(explainer, "past_reviews", said)
        evidence = table_of(recommender, ranked, "m", "d")["evidence"].to_pylist()
        assert [len(reviews) for reviews in evidence] == [found] * 4


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_given_pairs_and_unknown_ids(
    checkpoint: Path, recommender: ShowcaseRecommender, tmp_path: Path, ending: str
) -> None:
    users, items = map(list, zip(*PAIRS, strict=True))
    columns = {"note": list(range(len(users))), "item": items, "user": users}
    asked = file_of(tmp_path, ending, columns)
    out = tmp_path / "out"
    write_showcases(checkpoint, out, pairs=asked, options=OPTIONS, progress=False)
    expected = [s for s in recommender.explain(users, items, unknown="skip") if s is not None]
    rows = rows_in(out)
    assert rows == [as_row(shown, row) for shown, row in zip(expected, rows, strict=True)]
    assert [(row["user"], row["item"], row["rank"], row["score"]) for row in rows] == [
        ("u1", "i3", None, None),
        ("u3", "i3", None, None),
        ("u1", "i4", None, None),
    ]
    assert manifest(out)["unknown"] == {
        "user": {"count": 2, "first": ["x"]},
        "item": {"count": 2, "first": ["nowhere", "y"]},
    }


def test_users_as_they_are_listed_and_no_id_in_a_name(
    checkpoint: Path, recommender: ShowcaseRecommender, tmp_path: Path
) -> None:
    asked = file_of(tmp_path, "jsonl", {"user": USERS})
    out = tmp_path / "deep" / "out"
    options = replace(OPTIONS, batch=3, part_rows=1)
    write_showcases(checkpoint, out, asked, options=options, progress=False)
    known = [user for user in USERS if re.fullmatch(r"u\d+", user)]
    assert [row["user"] for row in rows_in(out)[::3]] == known
    assert manifest(out)["unknown"]["user"] == {"count": 2, "first": ["nobody", "../../etc"]}
    assert sorted(os.listdir(tmp_path)) == ["asked.jsonl", "deep"]
    names = {path.name for path in out.iterdir()} - {".lock"}
    assert names == {MANIFEST, *(f"part-0000{n}.parquet" for n in range(3))}


def test_both_formats_hold_the_same(checkpoint: Path, tmp_path: Path) -> None:
    found = []
    for form in ("parquet", "jsonl"):
        options = OfflineOptions(3, form, 7, 40)  # type: ignore[arg-type]
        write_showcases(checkpoint, tmp_path / form, options=options, progress=False)
        found.append(rows_in(tmp_path / form))
    assert found[0] == found[1] and len(found[0]) == 120


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("where", ["explaining", "writing", "telling"])
def test_a_killed_run_goes_on_to_the_same_files(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, where: str
) -> None:
    """Stopped in a batch, in a part that is half written, and before the manifest names a part."""
    asked = file_of(tmp_path, "csv", {"user": [f"u{n}" for n in range(-4, 40)]})
    options = replace(OPTIONS, form=form, part_rows=20)

    def run(out: Path) -> Any:
        return write_showcases(checkpoint, out, asked, options=options, progress=False)

    run(tmp_path / "whole")
    calls = []

    def dying(work: Callable[..., Any], call: int, half: bool = False) -> Callable[..., Any]:
        def die_at(*args: Any) -> Any:
            calls.append(1)
            if len(calls) == call:
                if half:
                    args[1].write_bytes(b"PAR1 half")
                raise _Killed
            return work(*args)

        return die_at

    with monkeypatch.context() as patch:
        if where == "explaining":
            patch.setattr("recbole_showcase.offline.answers.table_of", dying(table_of, 5))
        elif where == "writing":
            from recbole_showcase.offline.rows import write_table

            patch.setattr(
                "recbole_showcase.offline.folder.write_table", dying(write_table, 3, True)
            )
        else:
            patch.setattr(ShowcaseFolder, "_save", dying(ShowcaseFolder._save, 4))
        with pytest.raises(_Killed):
            run(tmp_path / "out")
    before = manifest(tmp_path / "out")
    assert not before["complete"] and 0 < before["rows"] < 120
    # What a kill leaves: a part that never came to count, and a folder in which one was written.
    (tmp_path / "out" / f"part-00007.{form}").write_bytes(b"half")
    (tmp_path / "out" / f".part-00004.{form}.partial-x").mkdir()
    account = run(tmp_path / "out")
    assert account.began_with == before["rows"] and not account.was_complete
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert manifest(tmp_path / "out")["unknown"]["user"]["count"] == 4
    again = run(tmp_path / "out")
    assert again.was_complete and again.progress.rows == 120
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_another_run_is_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, users = tmp_path / "out", file_of(tmp_path, "csv", {"user": ["u1"]})
    pairs = file_of(tmp_path, "parquet", {"user": ["u1"], "item": ["i1"]})
    write_showcases(checkpoint, out, users, options=OPTIONS, progress=False)
    before = content(out)
    other = tmp_path / "other.pth"
    other.write_bytes(checkpoint.read_bytes() + b" ")

    def refused(said: str, given: Path = checkpoint, **changes: Any) -> None:
        asked = {"users": users, "options": OPTIONS, **changes}
        with pytest.raises(DataError, match=said) as error:
            write_showcases(given, out, **asked, progress=False)
        assert "\n" not in str(error.value)
        assert content(out) == before

    refused("begun with options.top_k 3, and is now given 4", options=replace(OPTIONS, top_k=4))
    refused("options.form 'parquet'", options=replace(OPTIONS, form="jsonl"))
    refused("options.batch 7", options=replace(OPTIONS, batch=8))
    refused("begun with checkpoint 'sha256:", given=other)
    refused("asked.kind 'users', and is now given 'all users'", users=None)
    refused("asked.kind 'users', and is now given 'pairs'", users=None, pairs=pairs)
    users.write_text(users.read_text() + "u2\n")
    refused("asked.digest")
    users.write_text('"user"\n"u1"\n')
    monkeypatch.setattr(
        "recbole_showcase.offline.answers.data_record",
        lambda recommender: {"name": "tiny", "rows": 1},
    )
    refused("begun with .*data")


def test_a_folder_of_something_else_or_a_changed_part_is_refused(
    checkpoint: Path, tmp_path: Path
) -> None:
    full, out = tmp_path / "full", tmp_path / "out"
    full.mkdir()
    (full / "thesis.txt").touch()
    with pytest.raises(DataError, match=r"full holds 'thesis.txt' and no manifest.json"):
        write_showcases(checkpoint, full, options=OPTIONS, progress=False)
    write_showcases(checkpoint, out, options=OPTIONS, progress=False)
    part = out / "part-00001.parquet"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"part-00001.parquet is of \d+ bytes, and was written"):
        write_showcases(checkpoint, out, options=OPTIONS, progress=False)
    part.unlink()
    with pytest.raises(DataError, match=r"part-00001.parquet is missing"):
        write_showcases(checkpoint, out, options=OPTIONS, progress=False)
    found = manifest(out)
    found["parts"][1]["file"] = "../../part-00001.parquet"
    (out / MANIFEST).write_text(json.dumps(found))
    with pytest.raises(DataError, match=r"cannot be read: part 1 is called"):
        write_showcases(checkpoint, out, options=OPTIONS, progress=False)
    (out / MANIFEST).write_text("{")
    with pytest.raises(DataError, match=r"manifest.json cannot be read"):
        write_showcases(checkpoint, out, options=OPTIONS, progress=False)


def test_only_one_run_at_a_time(checkpoint: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out" / ".lock"),
        pytest.raises(DataError, match="another run is at work on it"),
    ):
        write_showcases(checkpoint, tmp_path / "out", progress=False)


def test_memory_does_not_grow_with_the_pairs(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is held at once than a part and a batch, however many are asked for."""
    sizes: list[int] = []
    add = ShowcaseFolder.add

    def noting(self: ShowcaseFolder, table: pa.Table, *args: Any) -> None:
        sizes.append(len(table))
        add(self, table, *args)

    monkeypatch.setattr(ShowcaseFolder, "add", noting)
    users = [f"u{n % 40}" for n in range(400)] + [f"none{n}" for n in range(5000)]
    asked = file_of(tmp_path, "csv", {"user": users})
    options = OfflineOptions(top_k=1, batch=16, part_rows=50)
    write_showcases(checkpoint, tmp_path / "out", asked, options=options, progress=False)
    assert sum(sizes) == 400 and max(sizes) < 50 + 16
    unknown = manifest(tmp_path / "out")["unknown"]["user"]
    assert unknown == {"count": 5000, "first": [f"none{n}" for n in range(10)]}


def test_what_comes_before_the_bar_has_a_name(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[tuple[str, bool]] = []

    def noting(name: str, *, shown: bool) -> Any:
        named.append((name, shown))
        return nullcontext()

    monkeypatch.setattr("recbole_showcase.offline.job.working", noting)
    asked = file_of(tmp_path, "csv", {"user": ["u1"]})
    for shown in (True, False):
        out = tmp_path / str(shown)
        write_showcases(checkpoint, out, asked, options=OPTIONS, progress=shown)
    work = (f"Reading {asked}", "Loading the model and its data")
    assert named == [(name, shown) for shown in (True, False) for name in work]


def test_the_command(checkpoint: Path, tmp_path: Path) -> None:
    asked = file_of(tmp_path, "csv", {"user": ["u1", "\x1b[31mred"]})
    out = tmp_path / "out"
    given = ["explain", str(checkpoint), "--out", str(out), "--users", str(asked)]
    given += ["--format", "jsonl"]
    for said in ("part-", "complete already: nothing was explained"):
        result = CliRunner().invoke(app, given)
        assert result.exit_code == 0, result.output
        assert "\x1b" not in result.output and "1 times a user that the data set" in result.output
        assert ", where the checkpoint says" in result.output
        assert "5 showcases in 1 part" in result.output.replace("\n", " ")
        assert said in result.output or said == "part-"
    assert [path.name for path in out.glob("part-*")] == ["part-00000.jsonl"]
    for more, said in (
        (["--pairs", "x"], "give one"),
        (["--top", "2"], "begun with options.top_k"),
    ):
        error = CliRunner().invoke(app, [*given, *more]).exception
        assert isinstance(error, DataError | SettingsError) and said in str(error)


def test_a_showcase_is_plain_data(recommender: ShowcaseRecommender) -> None:
    (page,) = recommender.user_showcases(["u7"], 2)
    found = json.loads(page.to_json())
    assert found == page.to_dict()
    assert found["user"] == "u7" and len(found["history"]) == 5
    assert found["recommended"] == [shown.to_dict() for shown in page.recommended]
    shown = page.recommended[0]
    first = shown.photos[0]
    path = None if first.path is None else str(first.path)
    assert found["recommended"][0]["photos"][0] == {
        "id": first.id,
        "path": path,
        "relevance": first.relevance,
    }
    nothing = replace(first, path=Path("a/b.jpg"), relevance=float("nan"))
    assert nothing.to_dict() == {"id": first.id, "path": str(Path("a/b.jpg")), "relevance": None}

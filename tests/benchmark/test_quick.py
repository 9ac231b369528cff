"""The small tables: what is stated, what is outside, and that none is forgotten. Nothing trains."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.quick import ROOT, judging, speed
from benchmarks.quick import __main__ as quick
from benchmarks.quick.data import DRAWN, GENERIC, GIVEN, XREC, Place, ids_of_today
from benchmarks.quick.judging import Stated
from benchmarks.quick.processes import Call, Warm
from benchmarks.quick.tables import OF_OTHERS, TABLES, Program, Specification
from recbole_showcase.benchmark.plan import cells_of
from recbole_showcase.engines.processes import THREADS
from recbole_showcase.errors import DataError
from tests.benchmark.fake import FakeLauncher, done

HEADING = "Losses"


def stated(**rows: dict[str, tuple[float, ...]]) -> Stated:
    return Stated(50, rows)


def test_the_tolerance_by_hand() -> None:
    table = stated(
        steady={"F1": (0.50, 0.50, 0.50)},
        calm={"F1": (0.40, 0.42, 0.44), "BLEU1": (20.0, 20.1, 20.2)},
        wild={"F1": (0.10, 0.20, 0.30)},
        same={"F1": (0.0,)},
    )
    # Variances .0004 and .01; the mean of those that vary is .0052.
    assert table.tolerance("calm", "F1") == pytest.approx(4 * math.sqrt(0.0052 * 4 / 3))
    assert table.tolerance("wild", "F1") == pytest.approx(4 * math.sqrt(0.01 * 4 / 3))
    # Two of 50 pairs, where no seed changes a row, and where the spread is smaller than that.
    assert table.tolerance("steady", "F1") == pytest.approx(0.04)
    assert table.tolerance("calm", "BLEU1") == pytest.approx(4.0)
    assert table.tolerance("same", "F1") < 1e-6
    assert table.mean("wild", "F1") == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"row": {"F1": 0.53}}, ["inside"]),
        ({"row": {"F1": 0.55}}, ["outside"]),
        ({"row": {"F1": math.nan}}, ["missing"]),
        ({"row": {}}, ["missing"]),
        ({}, ["missing"]),
        ({"row": {"F1": 0.5, "Div": 0.3}}, ["inside", "not stated"]),
        ({"row": {"F1": 0.5}, "new": {"F1": 0.5}}, ["inside", "not stated"]),
        ({"row": {"F1": math.inf}}, ["outside"]),
    ],
)
def test_what_is_said_of_a_figure(found: judging.Figures, says: list[str]) -> None:
    verdicts = judging.judge(found, stated(row={"F1": (0.5, 0.5, 0.5)}))
    assert [verdict.says for verdict in verdicts] == says
    assert [verdict.left for verdict in verdicts] == [word != "inside" for word in says]


def test_a_pair_weighs_as_much_as_the_metric_is_wide() -> None:
    """Two of 50 pairs are .04 of a metric from 0 to 1, and 4 of one that goes to 100."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    wide = {
        name.lower(): 100 if "100" in cells[4] else 1
        for line in page.splitlines()
        if len(cells := line.split("|")) == 7 and cells[5].startswith((" higher", " lower"))
        for name in re.findall(r"`(\w+)`", cells[1])
    }
    metrics = {
        metric
        for table in judging.read_statement(quick.STATED).values()
        for row in table.values.values()
        for metric in row
    }
    known = {metric for metric in metrics if metric.lower().partition("@")[0] in wide}
    assert len(known) > 30
    for metric in known:
        floor = stated(row={metric: (0.5, 0.5)}).tolerance("row", metric)
        assert floor == pytest.approx(0.04 * wide[metric.lower().partition("@")[0]]), metric


def test_an_identity_has_no_spread() -> None:
    runs = [{"a - b": {"F1": 0.0}, "a": {"F1": 0.2}}] * 3
    table = Stated(50, judging.values_of(runs, ["a - b"]))
    off = {"a - b": {"F1": 1e-4}, "a": {"F1": 0.2 + 1e-4}}
    assert [v.says for v in judging.judge(off, table)] == ["outside", "inside"]


def test_nothing_is_stated_of_runs_that_lack_a_figure() -> None:
    whole = {"a": {"F1": 0.1, "Div": 0.2}}
    for other in ({"a": {"F1": 0.1}}, {}, {**whole, "b": {"F1": 0.3}}):
        for runs in ([whole, other], [other, whole]):
            with pytest.raises(DataError, match="lacks figures"):
                judging.values_of(runs)
    with pytest.raises(DataError, match="lacks figures"):
        judging.values_of([{}])


def test_a_statement_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = {"it's: {a} #1": {"F1@3, %": (0.25, 1e-7, 0.0), "no": (12345.6,)}, "yes": {"1": (-2.0,)}}
    tables = {"A: 'b'": Stated(7, rows, (1, 2, 3), "0123"), "B": Stated(7, rows)}
    judging.write_statement(tmp_path / "s.yaml", tables)
    assert judging.read_statement(tmp_path / "s.yaml") == tables
    assert judging.read_statement(tmp_path / "none.yaml") == {}


@pytest.mark.parametrize("text", ["a: 1", "a: {pairs: 1, rows: {}}", "a: {pairs: 1, rows: {b: 3}}"])
def test_a_file_that_states_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(DataError, match="does not state figures"):
        judging.read_statement(tmp_path / "s.yaml")


def results() -> dict[str, str]:
    """The text below each heading of the results."""
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    parts = re.split(r"^#+ (.*)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_no_table_of_the_results_is_forgotten() -> None:
    tables = {
        head: len(re.findall(r"^\| -{3}", text, flags=re.MULTILINE))
        for head, text in results().items()
    }
    tabled = {head for head, count in tables.items() if count}
    assert tabled == {table.heading for table in TABLES} | {speed.HEADING}
    for head in tabled - {speed.HEADING}:
        made = [table for table in TABLES if table.heading == head]
        told = any(table.lacks for table in made)
        assert len(made) >= tables[head] or told, f"{head}: of several tables some are not made"
    assert len({table.name for table in TABLES}) == len(TABLES)


def test_every_table_of_a_drawing_is_stated() -> None:
    statement = judging.read_statement(quick.STATED)
    drawn = {table.name for table in TABLES if not table.is_given}
    assert drawn <= set(statement) <= {table.name for table in TABLES}
    for table in statement.values():
        assert len(table.seeds) >= 3 and table.commit and table.values
    for table in TABLES:
        if isinstance(table, Specification) and table.of_others:
            of_others = statement[table.name].values[f"{table.of_others}, {OF_OTHERS}"]
            assert of_others.keys() == statement[table.name].values[table.of_others].keys()


def test_no_program_of_the_table_of_speed_is_forgotten() -> None:
    named = set(re.findall(r"python -m benchmarks\.(\w+)", results()[speed.HEADING]))
    assert named == set(speed.PROGRAMS)
    for name in speed.STARTS:
        assert f"`{name}`" in results()[speed.HEADING]


def test_small_specifications_are_of_the_published_ones(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "given")
    for table in TABLES:
        if isinstance(table, Specification):
            spec = table.small(place, [5])
            (folder,) = {cell.settings["data_path"] for cell in cells_of(spec)}
            (dataset,) = {cell.dataset for cell in cells_of(spec)}
            assert (dataset,) == table.data
            assert Path(folder) / dataset == place.dataset(dataset)
            assert {cell.settings["epochs"] for cell in cells_of(spec)} <= {2, 8, 20}
            labels = [cell.labels[table.axis] for cell in cells_of(spec)]
            assert len(labels) == len(set(labels)) > 2
            assert not set(labels) & set(table.left_out)
            assert spec.seeds == [5] and spec.tune is None and "seconds" not in spec.columns
            assert len(table.calls(place, 5)) == bool(table.of_others)


class NoProcesses(FakeLauncher):
    """Stands for processes: calls are made before, and runs have figures by a rule."""

    def all_of(self, calls: Iterable[Call], jobs: int, say: Callable[[str], None]) -> None:
        pass


def made_calls(folder: Path, figures: dict[str, Any] | None) -> Program:
    """A table of one call, which is done if there are figures."""
    call = Call(folder / "call-a.json", print)
    if figures is not None:
        call.kept.write_text(json.dumps({"seconds": 2.0, "figures": figures}))
    return Program(HEADING, lambda place, seed: [call], lambda found: found[0], lambda found: 50)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run the command with one table, of given figures, beside what is stated; what it says."""
    folder = tmp_path / "code"
    folder.mkdir()
    drawn = Place(folder).made("world-601")
    drawn.kept.write_text('{"seconds": 1.0, "figures": null}')
    monkeypatch.setattr(quick, "digest_of_code", lambda: "code")
    monkeypatch.setattr(quick, "Warm", lambda: NoProcesses(lambda task: done(task, bleu1=1.0)))
    monkeypatch.setattr(quick, "STATED", tmp_path / "stated.yaml")
    monkeypatch.chdir(tmp_path)
    values = {"ce": {"BLEU1": (20.0, 20.5, 21.0)}, "ce+ccl": {"BLEU1": (20.0,) * 3}}
    judging.write_statement(quick.STATED, {HEADING: Stated(50, values, (1, 2, 3), "abc")})

    def main(figures: dict[str, Any] | None, *words: str) -> None:
        monkeypatch.setattr(quick, "TABLES", (made_calls(folder, figures),))
        command = ["quick", "--work", str(tmp_path), "--only", HEADING, *words]
        monkeypatch.setattr("sys.argv", command)
        quick.main()

    return main


def test_figures_inside_end_well(
    run: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run({"ce": {"BLEU1": 21.0}, "ce+ccl": {"BLEU1": 20.0}})
    said = capsys.readouterr().out
    assert "50 test pairs, runs of 2 s, stated with commit abc" in said
    assert said.count("inside") == 3 and "all figures are inside" in said


@pytest.mark.parametrize(
    ("figures", "named"),
    [
        ({"ce": {"BLEU1": 9.0}, "ce+ccl": {"BLEU1": 20.0}}, ["ce  .* found +9  outside"]),
        ({"ce": {"BLEU1": 20.0}}, [r"ce\+ccl .* missing"]),
        ({"ce": {}, "ce+ccl": {"BLEU1": 5.0}}, ["ce  .* missing", r"ce\+ccl .* outside"]),
        (None, ["ce  .* missing", r"ce\+ccl .* missing"]),
    ],
)
def test_a_figure_that_left_is_named_and_fails(
    run: Callable[..., None], figures: dict[str, Any] | None, named: list[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run(figures)
    told = str(end.value.code).strip().splitlines()
    assert len(told) == 1 + len(named)
    for line, pattern in zip(told[1:], named, strict=True):
        assert re.match(f"{HEADING}: {pattern}", line)


def test_stating_takes_three_seeds_and_writes_them(
    run: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run({"ce": {"BLEU1": 3.0}}, "--state", "1", "2")
    assert "three seeds" in capsys.readouterr().err
    run({"ce": {"BLEU1": 3.0}}, "--state", "1", "2", "3")
    found = judging.read_statement(quick.STATED)[HEADING]
    assert found.seeds == (1, 2, 3) and found.pairs == 50
    assert found.values == {"ce": {"BLEU1": (3.0, 3.0, 3.0)}}


def given_files(folder: Path, name: str) -> Path:
    """The files that a data set is made from, all empty."""
    for pattern in GIVEN[name].files:
        path = folder / GIVEN[name].folder / pattern.replace("*", "A")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize("name", GIVEN)
def test_a_table_of_other_data_is_told_as_not_made(tmp_path: Path, name: str) -> None:
    table = next(table for table in TABLES if table.data == (name,))
    told = quick.missing(table, Place(tmp_path))
    assert told.startswith("not made: ") and f"DATA/{GIVEN[name].folder} with" in told
    assert f"--data DATA --only '{table.name}' makes it" in told
    given = given_files(tmp_path / "given", name)
    assert quick.missing(table, Place(tmp_path, given)) == ""
    gone = given / GIVEN[name].folder / GIVEN[name].files[0].replace("*", "A")
    gone.unlink()
    assert f"with {GIVEN[name].files[0]}" in quick.missing(table, Place(tmp_path, given))
    assert quick.missing(TABLES[0], Place(tmp_path)) == ""


def test_runs_of_other_data_are_known_by_their_files(tmp_path: Path) -> None:
    given = given_files(tmp_path / "given", XREC)
    place = Place(tmp_path / "code", given)
    first = place.of(XREC)
    assert first.work.parent == place.work and place.of(GENERIC) == place
    assert place.of(XREC) == first
    (given / "xrec-google" / "explanations.jsonl").write_text("{}")
    assert place.of(XREC).work != first.work
    for name in (*GIVEN, *DRAWN):
        made = place.of(name).made(name)
        assert made.kept.is_relative_to(place.work) and not made.kept.exists()


def test_features_by_earlier_ids_join(tmp_path: Path) -> None:
    dataset = tmp_path / "composite"
    dataset.mkdir()
    (dataset / "composite.inter").write_text(
        "user_id:token\titem_id:token\ttimestamp:float\treview_id:token\n"
        "ann\t0x8:9\t1611078603.449\tnow\nann\t0x8:7\t1.0\t\n"
    )
    (row,) = duckdb.sql("SELECT to_hex(hash(hash('ann'), hash('0x8:9'), 1611078603449))").fetchall()
    assert ids_of_today(dataset, [f"{row[0]}92B9", "other"]) == ["now", "other"]


def test_a_folder_without_the_data_is_refused(
    run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run({"ce": {"BLEU1": 20.0}}, "--data", str(tmp_path))
    assert "has no folder xrec-google or google-local-composite" in capsys.readouterr().err


def test_the_row_of_other_features_is_one_of_the_table(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for table in TABLES:
        if isinstance(table, Specification) and table.of_others:
            row = f"{table.of_others}, {OF_OTHERS}"
            assert quick.beside(table, place, 5) == {row: {}}  # a stated figure is then missing
            (call,) = table.calls(place, 5)
            call.kept.write_text('{"seconds": 1.0, "figures": {"NDCG@10": 0.4}}')
            assert quick.beside(table, place, 5) == {row: {"NDCG@10": 0.4}}


def test_a_program_of_speed_that_fails_is_a_failure(tmp_path: Path) -> None:
    place, warm = Place(tmp_path), NoProcesses(lambda task: done(task))
    lines, failed = speed.report(place, warm)  # type: ignore[arg-type]
    assert len(failed) == len(speed.PROGRAMS) + len(speed.STARTS) == lines.count("    failed")
    kept = {"seconds": 1.0, "figures": ["12 a second"]}
    (tmp_path / "call-speed-embed.json").write_text(json.dumps(kept))
    lines, failed = speed.report(place, warm)  # type: ignore[arg-type]
    assert "    12 a second" in lines and not any("benchmarks.embed" in line for line in failed)


def test_runs_are_known_by_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    source = tmp_path / "recbole_showcase" / "a.py"
    source.parent.mkdir()
    found = set()
    for text in ("a = 1", "a = 2"):
        source.write_text(text)
        found.add(quick.digest_of_code())
    assert len(found) == 2
    (tmp_path / "docs.md").touch()
    assert quick.digest_of_code() in found


def fails() -> None:
    raise ValueError("too dark")


def test_a_call_in_a_process_is_kept_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in THREADS:  # which it sets
        monkeypatch.setenv(name, "1")
    warm, said = Warm(preloaded=()), []
    sums = Call(tmp_path / "new" / "sum.json", sum, ([1, 2],))
    warm.all_of([sums, Call(tmp_path / "new" / "bad.json", fails)], 1, said.append)
    assert (sums.found() or {})["figures"] == 3
    assert said[0] == "sum: done" and "ended with status 1" in said[1]
    assert "too dark" in (tmp_path / "new" / "bad.log").read_text()
    assert not (tmp_path / "new" / "bad.json").exists()
    warm.all_of([sums], 1, said.append)
    assert len(said) == 2

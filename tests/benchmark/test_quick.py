"""The small tables: what is stated, what is outside, and that none is forgotten. Nothing trains."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quick import ROOT, judging, speed
from benchmarks.quick import __main__ as quick
from benchmarks.quick.judging import Stated
from benchmarks.quick.processes import Call, Warm
from benchmarks.quick.tables import TABLES, Place, Program, Specification
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


def test_no_table_of_the_results_is_forgotten() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    parts = re.split(r"^#+ (.*)$", page, flags=re.MULTILINE)[1:]
    tabled = {head for head, text in zip(parts[::2], parts[1::2], strict=True) if "\n| " in text}
    assert tabled == {table.heading for table in TABLES} | {speed.HEADING}
    several = {
        head
        for head, text in zip(parts[::2], parts[1::2], strict=True)
        if len(re.findall(r"^\| -{3}", text, flags=re.MULTILINE)) > 1
    }
    told = {table.heading for table in TABLES if table.lacks}
    assert several and several <= told, "of several tables one is made, and the output says so"
    statement = judging.read_statement(quick.STATED)
    drawn = {table.heading for table in TABLES if not getattr(table, "data", None)}
    assert drawn <= set(statement) <= {table.heading for table in TABLES}
    for table in statement.values():
        assert len(table.seeds) >= 3 and table.commit and len(table.values) > 1


def test_small_specifications_are_of_the_published_ones(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "data" / "world", tmp_path / "given")
    for table in TABLES:
        if isinstance(table, Specification):
            spec = table.small(place, [5])
            (folder,) = {cell.settings["data_path"] for cell in cells_of(spec)}
            (dataset,) = {cell.dataset for cell in cells_of(spec)}
            drawn = place.generic if table.generic else place.world
            assert place.given and Path(folder) / dataset == (
                place.given / table.data if table.data else drawn
            )
            assert {cell.settings["epochs"] for cell in cells_of(spec)} <= {4, 8, 20}
            labels = [cell.labels[table.axis] for cell in cells_of(spec)]
            assert len(labels) == len(set(labels)) > 2
            assert spec.seeds == [5] and spec.tune is None and "seconds" not in spec.columns


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
    Call(folder / "call-draw.json", print).kept.write_text('{"seconds": 1.0, "figures": null}')
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


def test_a_table_of_other_data_is_passed_over(
    tmp_path: Path,
) -> None:
    table = next(t for t in TABLES if isinstance(t, Specification) and t.data)
    assert "--data DATA makes it, where DATA/xrec-google is" in quick._missing(table, None)
    folder = tmp_path / "xrec-google"
    folder.mkdir()
    (folder / "xrec-google.inter").touch()
    assert quick._missing(table, tmp_path) == ""


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

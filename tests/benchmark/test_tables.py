"""Figures and tables against values computed by hand."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from recbole_showcase.benchmark import tables
from recbole_showcase.benchmark.plan import cells_of
from recbole_showcase.benchmark.records import Record
from recbole_showcase.benchmark.spec import Plot
from recbole_showcase.benchmark.summary import Outcome, Summary, summarise
from recbole_showcase.evaluation.results import save_user_sums
from recbole_showcase.metrics import Statistics
from tests.benchmark.fake import write_spec

# NDCG@5 and BLEU1 of BPR & topk, BPR & dpp, LightGCN & topk, LightGCN & dpp, by seed.
NDCG = ((0.1, 0.2, 0.3), (0.1, 0.2, 0.3), (0.2, 0.31, 0.4), (0.05, 0.06, 0.07))
BLEU = ((10.0, 12.0, 14.0), (10.5, 12.5, 14.5), (9.0, 9.0, 9.0), (1.0, 2.0))


# What 50 users add to the mean of all: the first are served better.
SPREAD = np.linspace(0.04, -0.04, 50)


def user_sums(path: Path, **figures: float) -> Path:
    """The file of a run of which only some figures are known by user."""
    users = np.array([f"u{n}" for n in range(len(SPREAD))])
    found = {name.replace("_", "@"): value + SPREAD for name, value in figures.items()}
    save_user_sums(path, users, {name: Statistics.of_values(own) for name, own in found.items()})
    return path


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    spec = write_spec(
        tmp_path / "s.yaml",
        name="a & b_c",
        seeds=[1, 2, 3],
        columns=["NDCG@5", "BLEU1"],
        selectors=["topk", {"name": "dpp", "label": "dpp|50%"}],
    )
    outcomes = []
    for row, (cell, ndcg, bleu) in enumerate(zip(cells_of(spec), NDCG, BLEU, strict=True)):
        for n, seed in enumerate(spec.seeds):
            if n < len(bleu):
                record = Record("done", seed, {"ndcg@5": ndcg[n], "bleu1": bleu[n]}, seconds=3.0)
                basis = {"rows": 298, "explained": 46, "texts_unused": 12}
                record = replace(record, rests_on=basis)
            else:
                record = Record("failed", seed, error="ValueError: a | b")
            kept = user_sums(tmp_path / f"{row}-{seed}.npz", ndcg_5=ndcg[n])
            outcomes.append(Outcome(cell.labels, seed, record, kept))
    return summarise(spec, outcomes)


def test_means_spreads_and_the_best(summary: Summary) -> None:
    ndcg = [row.figures["NDCG@5"] for row in summary.rows]
    assert ndcg[0].mean == pytest.approx(0.2)
    assert ndcg[0].spread == pytest.approx(0.1), "n - 1"
    assert [figure.best for figure in ndcg] == [False, False, True, False]
    # Every user is served .1, .11 and .1 better, and so is every draw of users.
    found = ndcg[2].comparison
    assert found is not None and found.p == pytest.approx(2 / 1001)
    assert [found.difference, found.low, found.high] == pytest.approx([0.31 / 3] * 3)
    assert ndcg[2].significant and ndcg[2].surely
    assert ndcg[2].corrected == found.p, "of one comparison"
    assert np.isnan(found.effect), "all users alike"
    assert [figure.comparison for figure in (*ndcg[:2], ndcg[3])] == [None] * 3
    bleu = [row.figures["BLEU1"] for row in summary.rows]
    assert [figure.best for figure in bleu] == [False, True, False, False]
    assert bleu[1].comparison is None, "not known by user"
    assert not bleu[1].significant


def test_markdown_says_how_large_a_difference_is(summary: Summary) -> None:
    """Of the one column that is known by user: .30333 against .2, alike for every user."""
    head, rule, *body = [
        line for line in tables.markdown(summary).splitlines() if line.count("|") == 8
    ]
    assert (
        head == ("| column | better | next best | difference [95 %] | p | p Holm | effect d |")
        and rule.count("---") == 7
    )
    assert body == [
        "| NDCG@5 | LightGCN, topk | BPR, topk | +0.103 [+0.103, +0.103] | 0.002 | 0.002 | – |"
    ]


def test_markdown_says_what_its_runs_were_made_by(summary: Summary) -> None:
    versions = {"python": "3.11.2", "recbole-showcase": "0.2", "torch": "2.9", "nltk": "3.9"}
    made = {"device": "cpu x86_64 A*B, 2 threads", "versions": versions, "date": "2026-01-03"}
    outcomes, days = [], ("2026-01-02", "2026-01-03")
    for n, outcome in enumerate(summary.outcomes):
        if outcome.record is not None and n < 3:
            other = {"commit": "0123456789abcdef" * 2, "changed": n == 2, "date": days[n % 2]}
            outcome = replace(outcome, record=replace(outcome.record, **{**made, **other}))
        outcomes.append(outcome)
    text = tables.markdown(replace(summary, outcomes=tuple(outcomes)))
    lines = text.partition("## Made by\n\n")[2].splitlines()
    code = "recbole\\_showcase 0.2 at commit 0123456789ab"
    rest = r"python 3.11.2, torch 2.9, cpu x86\_64 A\*B, 2 threads."
    assert lines[:2] == [
        f"- 2 runs, 2026-01-02 to 2026-01-03: {code}, {rest}",
        f"- 1 run, 2026-01-02: {code} with changes, {rest}",
    ]
    assert lines[2].startswith("- 8 runs, no date kept: ") and len(lines) == 3, "older records"


def test_ties_are_all_best_and_none_by_more_than_chance(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "s.yaml", bases=["BPR"], columns=["NDCG@5", "seconds"])
    outcomes = [
        Outcome(cell.labels, seed, Record("done", seed, {"ndcg@5": 0.2}, seconds=seconds))
        for cell, seconds in zip(cells_of(spec), (3.0, 2.0), strict=True)
        for seed in spec.seeds
    ]
    rows = summarise(spec, outcomes).rows
    assert [row.figures["NDCG@5"].best for row in rows] == [True, True]
    assert [row.figures["seconds"].best for row in rows] == [False, True], "less is better"


def test_less_is_better_without_the_k_as_well(tmp_path: Path) -> None:
    columns = ["GiniIndex", "giniindex@10"]
    spec = write_spec(
        tmp_path / "s.yaml", bases=["BPR"], columns=columns, settings={"metrics": ["GiniIndex"]}
    )
    outcomes = [
        Outcome(c.labels, 1, Record("done", 1, {"giniindex@10": gini}, smaller=("giniindex@10",)))
        for c, gini in zip(cells_of(spec), (0.9, 0.3), strict=True)
    ]
    found = summarise(spec, outcomes)
    for column in columns:
        assert [row.figures[column].best for row in found.rows] == [False, True], column
    assert found.smaller == set(columns)


def judged(
    tmp_path: Path, name: str, smaller: bool, spreads: tuple[np.ndarray, np.ndarray]
) -> list[tuple[bool, bool]]:
    """Best and significant of two combinations by their users' values, one seed."""
    spec = write_spec(
        tmp_path / "s.yaml",
        bases=["BPR"],
        columns=[name],
        seeds=[1],
        settings={"metrics": ["NDCG", "DIV"]},
    )
    key, outcomes = name.lower(), []
    for cell, own in zip(cells_of(spec), spreads, strict=True):
        path = tmp_path / f"{len(outcomes)}.npz"
        users = np.array([f"u{n}" for n in range(len(own))])
        save_user_sums(path, users, {key: Statistics.of_values(own)})
        record = Record("done", 1, {key: own.mean()}, smaller=(key,) if smaller else ())
        outcomes.append(Outcome(cell.labels, 1, record, path))
    figures = [row.figures[name] for row in summarise(spec, outcomes).rows]
    return [(figure.best, figure.significant) for figure in figures]


def test_one_seed_is_enough_for_a_mark_and_chance_gets_none(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(2, 80))
    clear = noise + np.array([[0.0], [1.0]])
    chance = noise - noise.mean(axis=1, keepdims=True)
    chance[1] += 0.01
    assert judged(tmp_path, "NDCG@5", False, tuple(clear)) == [(False, False), (True, True)]
    assert judged(tmp_path, "DIV", True, tuple(clear)) == [(True, True), (False, False)]
    assert judged(tmp_path, "NDCG@5", False, tuple(chance)) == [(False, False), (True, False)]
    few = clear[:, :4]
    assert judged(tmp_path, "NDCG@5", False, tuple(few)) == [(False, False), (True, False)]


def test_what_is_looked_for_in_many_columns_is_corrected(tmp_path: Path) -> None:
    """Three columns, of which the bootstrap finds p of one clear, one near and one chance."""
    noise = np.random.default_rng(3).normal(size=(3, 60))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, ddof=1, keepdims=True)
    leads = {"NDCG@5": 0.9, "HIT@5": 0.26, "MRR@5": 0.05}  # Cohen's d, of differences of spread 1
    spec = write_spec(
        tmp_path / "s.yaml", bases=["BPR"], columns=list(leads), seeds=[1],
        settings={"metrics": ["NDCG", "Hit", "MRR"]},
    )  # fmt: skip
    outcomes = []
    for cell, better in zip(cells_of(spec), (True, False), strict=True):
        values = {
            name.lower(): (own + lead) * better
            for (name, lead), own in zip(leads.items(), noise, strict=True)
        }
        path = tmp_path / f"{better}.npz"
        users = np.array([f"u{n}" for n in range(60)])
        save_user_sums(path, users, {k: Statistics.of_values(v) for k, v in values.items()})
        result = {name: float(own.mean()) for name, own in values.items()}
        outcomes.append(Outcome(cell.labels, 1, Record("done", 1, result), path))
    found = summarise(spec, outcomes)
    figures = list(found.rows[0].figures.values())
    assert [figure.comparison.effect for figure in figures if figure.comparison] == pytest.approx(
        list(leads.values())
    )
    p = [figure.comparison.p for figure in figures if figure.comparison]
    assert p[0] < p[1] < 0.05 < 2 * p[1] and p[2] > 0.05
    assert [figure.corrected for figure in figures] == pytest.approx(
        [3 * p[0], 2 * p[1], max(p[2], 2 * p[1])]
    )
    assert [figure.significant for figure in figures] == [True, True, False]
    assert [figure.surely for figure in figures] == [True, False, False]
    line = tables.markdown(found).splitlines()[6]
    assert line.count(r"\*") == 3 and r"**0.9000**\*\*" in line and r"**0.2600**\* " in line
    lines = tables.csv_of_rows(found).splitlines()
    assert "HIT@5 p,HIT@5 p holm,HIT@5 effect,HIT@5 low" in lines[0]
    assert "also after Holm's correction" in tables.legend(found)


def test_many_columns_draw_more_often(tmp_path: Path) -> None:
    """Else no p could be small enough to stay below 0.05 when it is corrected."""
    columns = [f"NDCG@{k}" for k in range(1, 31)]
    spec = write_spec(
        tmp_path / "s.yaml", bases=["BPR"], columns=columns, seeds=[1],
        settings={"metrics": ["NDCG"], "topk": list(range(1, 31))},
    )  # fmt: skip
    outcomes = []
    for cell, mean in zip(cells_of(spec), (0.0, 1.0), strict=True):
        path = tmp_path / f"{mean}.npz"
        values = np.random.default_rng(int(mean)).normal(mean, 0.1, 20)
        users = np.array([f"u{n}" for n in range(20)])
        save_user_sums(path, users, {"ndcg@1": Statistics.of_values(values)})
        outcomes.append(Outcome(cell.labels, 1, Record("done", 1, {"ndcg@1": values.mean()}), path))
    comparison = summarise(spec, outcomes).rows[1].figures["NDCG@1"].comparison
    assert comparison is not None and comparison.rounds == 3000
    assert 30 * comparison.p < 0.05


def test_markdown(summary: Summary) -> None:
    text = tables.markdown(summary)
    assert text.splitlines()[4:10] == [
        "| base | selector | NDCG@5 ↑ | BLEU1 ↑ | runs |",
        "| --- | --- | ---: | ---: | ---: |",
        "| BPR | topk | 0.2000 ± 0.1000 | 12.00 ± 2.00 | 3/3 |",
        r"| BPR | dpp\|50% | 0.2000 ± 0.1000 | **12.50 ± 2.00** | 3/3 |",
        r"| LightGCN | topk | **0.3033 ± 0.1002**\*\* | 9.00 ± 0.00 | 3/3 |",
        r"| LightGCN | dpp\|50% | 0.0550 ± 0.0071 | 1.50 ± 0.71 | 2/3 |",
    ]
    assert r"- tiny, LightGCN, dpp\|50%, showcase, seed 3: ValueError: a \| b" in text
    rests = "rest on 298 rows, figures of explanations on 46 of them, which have a text and photos"
    assert text.count(rests) == len(summary.by_dataset())
    assert "12 with a text have too few photos (showcase_min_photos)" in text


def test_latex(summary: Summary) -> None:
    text = tables.latex(summary)
    assert r"\begin{tabular}{llrrr}" in text
    assert (
        r"LightGCN & topk & \textbf{0.3033 $\pm$ 0.1002}$^{*}$$^{*}$ & 9.00 $\pm$ 0.00 & 3/3 \\"
        in text
    )
    assert r"LightGCN & dpp|50\% & 0.0550 $\pm$ 0.0071 & 1.50 $\pm$ 0.71 & 2/3 \\" in text
    assert r"NDCG@5 $\uparrow$" in text
    assert "±" not in text


def test_latex_labels_are_escaped_once(tmp_path: Path) -> None:
    label = "k<3 > 2 ± {\\"
    spec = write_spec(
        tmp_path / "s.yaml", bases=["BPR"], selectors=["topk", {"name": "dpp", "label": label}]
    )
    records = [Record("done", 1, {"ndcg@5": 0.2}), None]
    outcomes = [
        Outcome(cell.labels, 1, record)
        for cell, record in zip(cells_of(spec), records, strict=True)
    ]
    text = tables.latex(summarise(spec, outcomes))
    assert r"k$<$3 $>$ 2 $\pm$ \{\textbackslash{} & -- & 0/2 \\" in text
    assert "p $<$ 0.05" in text


def test_csv(summary: Summary) -> None:
    rows = list(csv.DictReader(tables.csv_of_rows(summary).splitlines()))
    assert rows[2]["base"] == "LightGCN" and rows[2]["runs"] == "3"
    assert float(rows[2]["NDCG@5 mean"]) == pytest.approx(0.91 / 3)
    assert float(rows[0]["NDCG@5 std"]) == pytest.approx(0.1)
    assert rows[0]["NDCG@5 p"] == rows[0]["NDCG@5 low"] == rows[1]["BLEU1 p"] == ""
    assert float(rows[2]["NDCG@5 p"]) == pytest.approx(2 / 1001)
    assert float(rows[2]["NDCG@5 low"]) == pytest.approx(0.31 / 3)
    assert float(rows[2]["NDCG@5 high"]) == pytest.approx(0.31 / 3)
    runs = list(csv.DictReader(tables.csv_of_runs(summary).splitlines()))
    assert len(runs) == 12
    assert runs[0]["ndcg@5"] == "0.1" and runs[0]["status"] == "done"
    assert (runs[0]["rows"], runs[0]["explained"], runs[11]["explained"]) == ("298.0", "46.0", "")
    assert runs[11]["status"] == "failed" and runs[11]["error"] == "ValueError: a | b"


def test_terminal(summary: Summary) -> None:
    from rich.console import Console

    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for table in tables.terminal(summary):
        console.print(table)
    text = console.export_text()
    assert "a & b_c: tiny" in text
    assert "0.3033 ± 0.1002*" in text and "dpp|50%" in text


def test_a_plot_may_write_columns_in_another_case(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from recbole_showcase.benchmark.plot import write_plot

    spec = write_spec(
        tmp_path / "s.yaml",
        columns=["NDCG@5"],
        plot={"recommendation": "ndcg@5", "explanation": "Bleu1"},
    )
    record = Record("done", 1, {"ndcg@5": 0.2, "bleu1": 9.0})
    found = summarise(spec, [Outcome(cell.labels, 1, record) for cell in cells_of(spec)])
    assert found.columns == ("NDCG@5", "Bleu1")
    assert spec.plot == Plot(recommendation="NDCG@5", explanation="Bleu1")
    assert len(write_plot(found, spec.plot, tmp_path)) == 2


def test_files_and_the_plot(summary: Summary, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from recbole_showcase.benchmark.plot import write_plot

    names = [path.name for path in tables.write_tables(summary, tmp_path)]
    assert names == ["table.md", "table.tex", "table.csv", "runs.csv"]
    png, svg = write_plot(summary, Plot(recommendation="NDCG@5", explanation="BLEU1"), tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    drawn = svg.read_text()
    assert "<svg" in drawn
    assert not list(tmp_path.glob(".*partial*"))


def test_labels_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    labels = ["=1+1", "@a", "-b", "x\n# y", "[a](http://b.c)", "\x1b[31mred", "www.a.b", " +c"]
    bases = [{"name": "BPR", "label": label} for label in labels]
    spec = write_spec(tmp_path / "s.yaml", bases=bases, name="**n**", settings={"epochs": 1})
    outcomes = [
        Outcome(cell.labels, 1, Record("failed", 1, error="=x\n- \x1b[2J"), tmp_path / "none")
        for cell in cells_of(spec)
    ]
    summary = summarise(spec, outcomes)
    text = tables.markdown(summary)
    assert r"\*\*n\*\*" in text.splitlines()[0]
    assert "\n# y" not in text and "\x1b" not in text
    assert r"\[a\](http\://b.c)" in text and r"www\.a.b" in text
    for table in (tables.csv_of_rows(summary), tables.csv_of_runs(summary)):
        cells = [cell for row in csv.reader(table.splitlines()) for cell in row]
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
        assert "\x1b" not in table and {"'=1+1", "'@a", "'-b"} <= set(cells)
    console = Console(file=io.StringIO(), width=200)
    for shown in tables.terminal(summary):
        console.print(shown)
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in tables.latex(summary)

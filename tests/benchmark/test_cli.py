"""The command as it is typed, with a launcher that trains nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recbole_showcase.benchmark import execute
from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.records import Record
from recbole_showcase.cli import app
from tests.benchmark.fake import FakeLauncher, done, write_spec


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> FakeLauncher:
    fake = FakeLauncher(lambda task: done(task, ndcg=task.settings["seed"] / 10))
    monkeypatch.setattr(execute, "ProcessLauncher", lambda threads: fake)
    return fake


def test_a_benchmark_and_its_files(tmp_path: Path, launcher: FakeLauncher) -> None:
    write_spec(tmp_path / "mine.yaml")
    out = tmp_path / "out"
    command = ["benchmark", str(tmp_path / "mine.yaml"), "--out", str(out)]
    result = CliRunner().invoke(app, [*command, "--only", "base=BPR", "--jobs", "2"])
    assert result.exit_code == 0, result.output
    assert "mine: tiny" in result.output and "0.1500 ± 0.0707" in result.output
    assert len(launcher.runs) == 4
    assert {path.name for path in out.glob("*.*")} == {
        "spec.yaml", "table.md", "table.tex", "table.csv", "runs.csv", ".lock",
    }  # fmt: skip
    result = CliRunner().invoke(app, [*command, "--tables-only"])
    assert "4 of 8 runs have not been run" in result.output
    assert len(launcher.runs) == 4


def test_runs_on_data_that_changed_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_its_time(task: Task) -> Record:
        seed = task.settings["seed"]
        data = {"tiny.inter": f"sha256:{seed}", "tiny.item": "sha256:same"}
        return replace(done(task, ndcg=0.5), data=data)

    monkeypatch.setattr(execute, "ProcessLauncher", lambda threads: FakeLauncher(of_its_time))
    write_spec(tmp_path / "s.yaml")
    command = ["benchmark", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out")]
    said = " ".join(CliRunner().invoke(app, command).output.split())
    assert "tiny: tiny.inter changed between runs" in said


def test_ctrl_c_tables_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(task: Task) -> Record:
        if task.settings["seed"] == 2:
            raise KeyboardInterrupt
        return done(task, ndcg=0.5)

    monkeypatch.setattr(execute, "ProcessLauncher", lambda threads: FakeLauncher(interrupted))
    write_spec(tmp_path / "s.yaml")
    result = CliRunner().invoke(
        app, ["benchmark", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 130
    assert "the same command goes on from here" in result.output
    assert "0.5000" in (tmp_path / "out" / "table.md").read_text()


def test_the_examples_can_be_read() -> None:
    from recbole_showcase.benchmark import read_spec
    from recbole_showcase.benchmark.plan import cells_of

    folder = Path(__file__).parents[2] / "examples" / "benchmarks"
    names = {path.stem: read_spec(path) for path in sorted(folder.glob("*.yaml"))}
    assert set(names) == {
        "authorship",
        "demo_explainers",
        "demo_reading",
        "demo_selectors",
        "generic_search",
        "generic_worlds",
        "google_local_variants",
        "own_dataset",
        "seeing",
        "xrec_folds",
        "xrec_google",
        "xrec_losses",
        "xrec_reading",
    }
    assert all(len(cells_of(spec)) > 1 for spec in names.values())


def test_a_run_that_failed_ends_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_fails(task: Task) -> Record:
        failed = Record("failed", task.settings["seed"], error="ValueError: too dark")
        return failed if task.settings["seed"] == 2 else done(task, ndcg=0.5)

    monkeypatch.setattr(execute, "ProcessLauncher", lambda threads: FakeLauncher(one_fails))
    write_spec(tmp_path / "s.yaml")
    command = ["benchmark", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out")]
    for words in (command, [*command, "--tables-only"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 1 and "ValueError: too dark" in result.output
        assert "4 of 8 runs failed; --retry-failed runs them again" in result.output
        assert "0.5000" in (tmp_path / "out" / "table.md").read_text()


def test_it_says_what_was_there_already(tmp_path: Path, launcher: FakeLauncher) -> None:
    write_spec(tmp_path / "s.yaml")
    command = ["benchmark", str(tmp_path / "s.yaml"), "--out", str(tmp_path / "out")]
    some = CliRunner().invoke(app, [*command, "--only", "base=BPR"]).output
    assert some.count("already") == 1 and "0 of 4 runs are there already, 4 to do" in some
    rest = CliRunner().invoke(app, command).output
    assert "4 of 8 runs are there already, 4 to do" in rest and rest.count("done in 2.0 s") == 4
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0 and "all 8 runs are there already: nothing to do" in again.output
    assert "written: " in again.output and len(launcher.runs) == 8
    quiet = CliRunner().invoke(app, ["-q", *command]).output
    assert "already" not in quiet and "written: " in quiet
    CliRunner().invoke(app, [*command, "--tables-only"])  # as loud as ever

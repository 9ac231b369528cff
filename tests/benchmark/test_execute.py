"""Running, resuming and failing, with a launcher that trains nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from recbole_showcase.benchmark.execute import run_benchmark, summary_of
from recbole_showcase.benchmark.launch import What
from recbole_showcase.benchmark.plan import Task
from recbole_showcase.benchmark.records import Record
from recbole_showcase.errors import DataError, SettingsError, ShowcaseError
from tests.benchmark.fake import FakeLauncher, done, write_spec


def test_runs_are_not_repeated(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "s.yaml")
    first, again = FakeLauncher(), FakeLauncher()
    run_benchmark(spec, tmp_path / "out", launcher=first, progress=False)
    assert len(set(first.runs)) == 8
    assert first.asked[0] == ("check", ".checks")
    summary = run_benchmark(spec, tmp_path / "out", launcher=again, progress=False)
    assert again.asked == [], "nothing to run, nothing to check"
    assert [row.done for row in summary.rows] == [2, 2, 2, 2]
    assert not any(row.figures["NDCG@5"].comparison for row in summary.rows), "no user is known"
    more = FakeLauncher()
    run_benchmark(
        write_spec(tmp_path / "s.yaml", seeds=[1, 2, 3]), tmp_path / "out", launcher=more,
        progress=False,
    )  # fmt: skip
    assert len(more.runs) == 4, "the new seed only"


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_interrupt_leaves_what_is_done(tmp_path: Path, jobs: int) -> None:
    spec = write_spec(tmp_path / "s.yaml")
    count, lock = [0], threading.Lock()

    def until_the_fourth(task: Task) -> Record:
        with lock:
            count[0] += 1
            if count[0] == 4:
                raise KeyboardInterrupt
        return done(task, ndcg=0.5)

    first, second = FakeLauncher(until_the_fourth), FakeLauncher()
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(spec, tmp_path / "out", jobs=jobs, launcher=first, progress=False)
    assert first.stopped
    left = summary_of(spec, tmp_path / "out")
    n_done = sum(row.done for row in left.rows)
    assert 3 <= n_done < 8 and left.missing == 8 - n_done and not left.failed
    whole = run_benchmark(spec, tmp_path / "out", jobs=jobs, launcher=second, progress=False)
    assert len(second.runs) == 8 - n_done
    assert whole.missing == 0


def test_a_failed_run_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "s.yaml")

    def dpp_fails(task: Task) -> Record | str:
        if task.settings["showcase_selector"] == "dpp":
            if task.settings["seed"] == 1:
                return "its process was ended by SIGKILL"
            return Record("failed", 2, error="ValueError: too dark")
        return done(task, ndcg=0.5)

    summary = run_benchmark(
        spec, tmp_path / "out", launcher=FakeLauncher(dpp_fails), progress=False
    )
    assert [row.done for row in summary.rows] == [2, 0, 2, 0]
    errors = [o.record.error for o in summary.failed if o.record]
    assert errors[1] == "ValueError: too dark"
    assert errors[0].startswith("its process was ended by SIGKILL; see ")
    assert errors[0].endswith("log.txt")
    again = FakeLauncher()
    run_benchmark(spec, tmp_path / "out", launcher=again, progress=False)
    assert again.runs == [], "a failure is a result until asked otherwise"
    run_benchmark(spec, tmp_path / "out", launcher=again, retry_failed=True, progress=False)
    assert len(again.runs) == 4
    assert not summary_of(spec, tmp_path / "out").failed


def test_what_a_search_finds_is_run_over_the_seeds(tmp_path: Path) -> None:
    tune = {"algo": "exhaustive", "params": {"choice": {"learning_rate": [0.1, 0.2]}}}
    spec = write_spec(tmp_path / "s.yaml", tune=tune)

    def figures(task: Task) -> Record:
        if task.tune is None:
            return done(task, ndcg=task.settings["learning_rate"])
        assert task.settings["seed"] == 1
        if task.model == "ShowcaseLightGCN":
            return Record("failed", 1, error="ValueError: no graph")
        return Record("done", 1, chosen={"learning_rate": 0.2})

    launcher = FakeLauncher(figures)
    summary = run_benchmark(spec, tmp_path / "out", launcher=launcher, progress=False)
    assert [what for what, _ in launcher.asked] == ["check", *["search"] * 4, *["run"] * 4]
    assert summary.rows[0].figures["NDCG@5"].mean == pytest.approx(0.2)
    assert [o.record.error for o in summary.failed if o.record] == [
        "the search failed: ValueError: no graph"
    ] * 4


def test_what_is_refused_before_anything_runs(tmp_path: Path) -> None:
    class Refusing(FakeLauncher):
        def __call__(self, what: What, place: Path) -> str:
            super().__call__(what, place)
            assert what == "check"
            (place / "refused.txt").write_text("unknown setting 'showcase_foto'")
            return "its process ended with status 1"

    spec = write_spec(tmp_path / "s.yaml")
    with pytest.raises(SettingsError, match=r"^unknown setting 'showcase_foto'$"):
        run_benchmark(spec, tmp_path / "out", launcher=Refusing(), progress=False)
    nowhere = write_spec(tmp_path / "s.yaml", settings={"data_path": None})
    with pytest.raises(SettingsError, match="no 'data_path' in 'settings'"):
        run_benchmark(nowhere, tmp_path / "out", launcher=FakeLauncher(), progress=False)
    nowhere = write_spec(tmp_path / "s.yaml", settings={"data_path": str(tmp_path)})
    with pytest.raises(DataError, match=r"there is no data set 'tiny' in .*: no tiny\.inter"):
        run_benchmark(nowhere, tmp_path / "out", launcher=FakeLauncher(), progress=False)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "tiny.train.inter").touch()
    with pytest.raises(DataError, match="has no features; make them: recbole-showcase embed"):
        run_benchmark(nowhere, tmp_path / "out", launcher=FakeLauncher(), progress=False)


def test_a_folder_is_for_one_benchmark_at_a_time(tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out" / ".lock"),
        pytest.raises(ShowcaseError, match="another benchmark is at work"),
    ):
        run_benchmark(write_spec(tmp_path / "s.yaml"), tmp_path / "out", launcher=FakeLauncher())


def test_damaged_user_sums_are_named(tmp_path: Path) -> None:
    def dpp_is_best(task: Task) -> Record:
        return done(task, ndcg=0.5 if task.settings["showcase_selector"] == "dpp" else 0.4)

    spec = write_spec(tmp_path / "s.yaml", bases=["BPR"])
    launcher = FakeLauncher(dpp_is_best)
    run_benchmark(spec, tmp_path / "out", launcher=launcher, progress=False)
    for folder in (tmp_path / "out" / "runs").iterdir():
        (folder / "user_sums.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"/user_sums\.npz cannot be read: "):
        summary_of(spec, tmp_path / "out")


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "s.yaml")
    run_benchmark(spec, tmp_path / "out", launcher=FakeLauncher(), progress=False)
    record = next((tmp_path / "out" / "runs").glob("*/record.json"))
    record.write_text('{"format"')
    with pytest.raises(DataError, match=f"{record.parent.name}/record.json cannot be read"):
        summary_of(spec, tmp_path / "out")

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo_world.alignment_training import kept_figures
from recbole_showcase.cli import app
from recbole_showcase.distillation import AlignmentClassifier
from recbole_showcase.errors import SettingsError


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_labels_to_explanations(
    drawing: Path, labels: Path, dataset: Path, tmp_path: Path
) -> None:
    """The labelled drawing is distilled by what was learned from it, and so is the shipped way."""
    scorer = tmp_path / "scorer"
    told = run("distill", dataset, "--labels", labels, "--save", scorer, "--folds", 3, "--dry-run")
    assert re.search(r"3-fold cross-validation: AUC 0\.9\d\d ± 0\.\d+, F1 0\.[89]\d\d", told)
    assert "was left as it is" in told
    assert kept_figures(review(drawing), review(dataset))["kept_f1"] == 1.0
    told = run("distill", dataset, "--classifier", scorer)
    assert f"trained on features of '{AlignmentClassifier.load(scorer).encoder}'" in told
    assert f"written: {review(dataset)}" in told
    assert kept_figures(review(drawing), review(dataset))["kept_f1"] > 0.95
    run("distill", dataset, "--classifier", "shipped")
    assert kept_figures(review(drawing), review(dataset))["kept_f1"] > 0.95


def test_without_labels_the_output_says_so(drawing: Path, dataset: Path) -> None:
    note, *told = run("distill", dataset).splitlines()
    assert note.startswith("note: showcase-tiny knows the painted dishes of the demo only")
    assert re.match(
        r"no labels: z-score of the cosine against [\d,]+ mismatched pairs .*; threshold 2$",
        told[0],
    )
    assert [line.split(":")[0].strip() for line in told[1:]] == [
        "reviews read",
        "with text and photos",
        "sentences",
        "reviews with photos left without explanation",
        "earlier explanations replaced",
        "written",
    ]
    assert kept_figures(review(drawing), review(dataset))["kept_f1"] > 0.9
    before = review(dataset).read_bytes()
    for beyond in (99, -99, "nan"):
        with pytest.raises(SettingsError, match=r"threshold is .*; allowed: -\d+\.\d+ to \d+\.\d+"):
            run("distill", dataset, "--threshold", beyond)
    assert review(dataset).read_bytes() == before
    assert "threshold 4.05" in run("distill", dataset, "--threshold", 4.05)
    assert kept_figures(review(drawing), review(dataset))["kept_recall"] == 0.0


def test_options_that_do_not_go_together(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="give one"):
        run("distill", dataset, "--labels", tmp_path, "--classifier", tmp_path)
    before = review(dataset).read_bytes()
    for option, value in (
        ("--save", tmp_path),
        ("--form", "interaction"),
        ("--regularization", 3),
        ("--folds", 3),
    ):
        with pytest.raises(SettingsError, match=f"{option} is of what .* there is no --labels"):
            run("distill", dataset, option, value)
    with pytest.raises(SettingsError, match="--seed is of --labels"):
        run("distill", dataset, "--classifier", "shipped", "--seed", 1)
    with pytest.raises(SettingsError, match=r"threshold is 2; allowed: 0 to 1"):
        run("distill", dataset, "--classifier", "shipped", "--threshold", 2)
    assert review(dataset).read_bytes() == before


def review(folder: Path) -> Path:
    return folder / f"{folder.name}.review"

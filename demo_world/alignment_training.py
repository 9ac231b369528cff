"""Train the alignment classifier of the small CLIP on drawings, and measure it on others.

It learns from labelled sentence–photo pairs of four drawings that the small CLIP has not seen, and
that are neither the shipped drawing nor the held-out one.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from demo_world.clip_pairs import talkative
from demo_world.drawing import draw_world
from demo_world.settings import HELD_OUT_SEED, WorldSettings
from demo_world.truth import label_pairs
from demo_world.writing import write_world
from recbole_showcase.atomic import read_atomic, write_atomic
from recbole_showcase.distillation import (
    LABELS,
    AlignmentClassifier,
    LabelledPairs,
    PhotoReviews,
    cross_validate,
    distill_dataset,
    evaluate_scorer,
    similarity_scorer,
    train_classifier,
)
from recbole_showcase.distillation.classifier import FORMS
from recbole_showcase.distillation.scorers import Scorer
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.errors import SettingsError
from recbole_showcase.text.sentences import split_sentences

# The small CLIP has not seen these: on its own training photos its features fit too well.
TRAIN_SEEDS = (201, 202, 203, 204)
THRESHOLD = "CLIP threshold, no labels"
Figures = dict[str, float]


@dataclass(frozen=True)
class Drawing:
    """A drawing on disk, embedded, with its labelled pairs.

    Attributes:
        folder: ``DATA/NAME``.
        pairs: Its labelled pairs.
    """

    folder: Path
    pairs: LabelledPairs


def train_and_measure(folder: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Train a classifier of every form, keep the one that ships, and measure them all.

    Args:
        folder: Where the classifier goes.
        seeds: Drawings to learn from; ``TRAIN_SEEDS`` made the shipped classifier.

    Returns:
        Figures of every form and of the cosine's threshold: in cross-validation, on the held-out
        drawing and on the shipped one.

    Raises:
        SettingsError: The shipped or the held-out drawing is among the seeds.
    """
    with tempfile.TemporaryDirectory() as work:
        drawings = training_drawings(seeds, Path(work))
        trained = train_all_forms(drawings)
        validated = {form: scorer.record["cross_validation"] for form, scorer in trained.items()}
        figures = {
            "cross-validation": validated | {THRESHOLD: threshold_figures(drawings)},
            **{
                name: measure(drawing, trained)
                for name, drawing in measuring_drawings(Path(work)).items()
            },
        }
    chosen = trained["interaction"]
    chosen.record["seeds"] = list(seeds)
    chosen.save(folder)
    return figures


def prepare(settings: WorldSettings, work: Path) -> Drawing:
    """Draw, paint, embed and label one world below a folder.

    Args:
        settings: The drawing.
        work: Folder for data sets; a drawing of the same seed that is there is drawn again.
    """
    folder = work / f"seed-{settings.seed}"
    write_world(draw_world(settings), folder, progress=True)
    embed_dataset(folder)
    labels = work / f"{folder.name}.labels"
    write_atomic(labels, LABELS, label_pairs(folder))
    return Drawing(folder, LabelledPairs.load(folder, labels))


def training_drawings(seeds: Sequence[int], work: Path, n_users: int = 240) -> list[Drawing]:
    """Prepare the drawings to learn from.

    Raises:
        SettingsError: The shipped or the held-out drawing is among them.
    """
    for kept_apart in (WorldSettings().seed, HELD_OUT_SEED):
        if kept_apart in seeds:
            raise SettingsError(f"seed {kept_apart} is for measuring and cannot be trained on")
    return [prepare(talkative(seed, n_users), work) for seed in seeds]


def measuring_drawings(work: Path) -> dict[str, Drawing]:
    """Prepare the two drawings to measure on."""
    held_out = replace(WorldSettings(), seed=HELD_OUT_SEED)
    return {
        f"held-out drawing (seed {HELD_OUT_SEED})": prepare(held_out, work),
        f"shipped drawing (seed {WorldSettings().seed})": prepare(WorldSettings(), work),
    }


def train_all_forms(drawings: Sequence[Drawing]) -> dict[str, AlignmentClassifier]:
    """Cross-validate and fit a classifier of every form on drawings together."""
    pairs = LabelledPairs.join([drawing.pairs for drawing in drawings])
    trained = {}
    for form in FORMS:
        fit = partial(train_classifier, form=form)
        found = cross_validate(pairs, fit).summary()
        scorer = fit(pairs)
        trained[str(form)] = replace(scorer, record=scorer.record | {"cross_validation": found})
    return trained


def threshold_figures(drawings: Sequence[Drawing]) -> Figures:
    """AUC and F1 of the scorer without labels, mean and spread over drawings."""
    found = []
    for drawing in drawings:
        scorer = similarity_scorer(PhotoReviews(drawing.folder))
        scores = evaluate_scorer(scorer, drawing.pairs)
        found.append([scores.auc, scores.f1])
    (auc, f1), (auc_std, f1_std) = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    return _rounded({"auc": auc, "auc_std": auc_std, "f1": f1, "f1_std": f1_std})


def measure(drawing: Drawing, trained: Mapping[str, AlignmentClassifier]) -> dict[str, Figures]:
    """AUC and F1 of pairs, and precision, recall and F1 of kept sentences, of every scorer.

    The data set is distilled in a copy, and its explanations are compared with the true ones.
    """
    scorers: dict[str, Scorer] = {
        **trained,
        THRESHOLD: similarity_scorer(PhotoReviews(drawing.folder)),
    }
    copy = drawing.folder.with_name("copy") / drawing.folder.name
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(drawing.folder, copy, ignore=shutil.ignore_patterns("*.jpg", "*.truth"))
    name = f"{drawing.folder.name}.review"
    figures = {}
    try:
        for title, scorer in scorers.items():
            distill_dataset(PhotoReviews(copy), scorer, progress=False)
            kept = kept_figures(drawing.folder / name, copy / name)
            figures[title] = _rounded(asdict(evaluate_scorer(scorer, drawing.pairs)) | kept)
    finally:
        shutil.rmtree(copy.parent)
    return figures


def kept_figures(true: Path, distilled: Path) -> Figures:
    """Precision, recall and F1 of the sentences in the explanations of a ``.review`` file.

    Args:
        true: The file with the true explanations.
        distilled: The same file with others.
    """
    wanted, kept = _sentences(true), _sentences(distilled)
    hits = len(wanted & kept)
    return {
        "kept_precision": hits / max(len(kept), 1),
        "kept_recall": hits / max(len(wanted), 1),
        "kept_f1": 2 * hits / max(len(kept) + len(wanted), 1),
    }


def _sentences(path: Path) -> set[tuple[str, str]]:
    """Review and sentence of all explanations of a ``.review`` file."""
    table = read_atomic(path, ["review_id", "explanation"])
    sentences, owners = split_sentences(table["explanation"].tolist())
    return set(zip(table["review_id"].to_numpy()[owners], sentences, strict=True))


def _rounded(figures: Figures) -> Figures:
    return {name: round(float(value), 4) for name, value in figures.items()}

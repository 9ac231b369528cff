"""``recbole-showcase distill``: keep the sentences of reviews that describe their photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recbole_showcase.arguments import name_of
from recbole_showcase.errors import SettingsError, interrupt_note

if TYPE_CHECKING:
    from recbole_showcase.distillation import AlignmentClassifier, Counts


class Form(StrEnum):
    """What the layer of a classifier sees."""

    interaction = "interaction"
    concatenation = "concatenation"


def distill(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set, DATA/NAME, embedded.")],
    labels: Annotated[
        Path | None, typer.Option(help="Labelled pairs to train a classifier from first.")
    ] = None,
    classifier: Annotated[
        str | None,
        typer.Option(
            help="Folder of a trained classifier, or 'shipped': the one that ships for "
            "showcase-tiny, and knows the painted dishes of the demo only."
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Folder to keep the classifier in that --labels trains.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Keep sentences from this confidence on: a probability (default 0.5), or "
            "without a classifier a z-score of the cosine (default 2)."
        ),
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(
            help="Name of the feature store; showcase-tiny, the encoder that ships, knows the "
            "painted dishes of the demo only."
        ),
    ] = "showcase-tiny",
    form: Annotated[
        Form | None,
        typer.Option(
            help="What the layer of --labels sees; concatenation is literal.",
            show_default="interaction",
        ),
    ] = None,
    regularization: Annotated[
        float | None,
        typer.Option(help="Weight of the L2 penalty of --labels, above 0.", show_default="10"),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=2, help="Folds of the cross-validation of --labels.", show_default="5"),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of folds and of mismatched pairs.", show_default="0"),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Train and count; leave .review as it is.")] = False,
    device: Annotated[str, typer.Option(help="Torch device, for example cpu or cuda.")] = "cpu",
) -> None:
    """Fill the explanation column of .review with the sentences that describe the photos.

    With --labels or --classifier a classifier decides. Without either the cosine does: no labels
    are needed, and it is less exact.
    """
    written = dataset / f"{name_of(dataset)}.review"
    with interrupt_note(f"{written} was left as it was"):
        from recbole_showcase.distillation import PhotoReviews, distill_dataset, similarity_scorer
        from recbole_showcase.distillation.distill import threshold_for
        from recbole_showcase.encoders.commands import shipped_encoder_notes

        of_labels = {
            "save": save,
            "form": None if form is None else form.value,
            "regularization": regularization,
            "folds": folds,
        }
        _check_options(labels, classifier, of_labels, seed)
        reviews = PhotoReviews(dataset, encoder, device)
        scorer: Any
        if labels is not None:
            given = {key: of_labels[key] for key in ("form", "regularization")}
            options = {key: value for key, value in given.items() if value is not None}
            scorer = _train(dataset, labels, encoder, options, folds or 5, seed or 0, device)
            if save is not None:
                scorer.save(save)
                typer.echo(f"classifier in {save}")
        elif classifier is not None:
            scorer = _load(classifier, reviews.store.meta)
        else:
            scorer = similarity_scorer(reviews, seed or 0)
        for note in shipped_encoder_notes(reviews.store.meta["encoder"], dataset):
            typer.echo(f"note: {note}")
        limit = threshold_for(scorer, threshold)
        typer.echo(f"{scorer.title}; threshold {limit:g}")
        counts = distill_dataset(reviews, scorer, limit, dry_run=dry_run)
    for line in account_lines(counts):
        typer.echo(line)
    typer.echo(f"{reviews.path} was left as it is" if dry_run else f"written: {reviews.path}")


def account_lines(counts: Counts) -> list[str]:
    """What a distillation read and kept, in a few lines."""
    return [
        f"reviews read: {counts.reviews:,}",
        f"  with text and photos: {counts.with_photos:,}",
        f"sentences: {counts.kept:,} kept, {counts.sentences - counts.kept:,} dropped",
        f"reviews with photos left without explanation: {counts.left_without:,}",
        f"earlier explanations replaced: {counts.replaced:,}",
    ]


def _check_options(
    labels: Path | None, classifier: str | None, of_labels: Mapping[str, Any], seed: int | None
) -> None:
    """Refuse options that another way of distilling reads, before anything is written."""
    if labels is not None and classifier is not None:
        raise SettingsError("--labels trains a classifier and --classifier names one; give one")
    for name, value in of_labels.items():
        if value is not None and labels is None:
            raise SettingsError(f"--{name} is of what --labels trains; there is no --labels")
    if seed is not None and classifier is not None:
        raise SettingsError(
            "--seed is of --labels, or of no classifier; --classifier draws nothing"
        )


def _train(
    dataset: Path,
    labels: Path,
    encoder: str,
    options: Mapping[str, Any],
    folds: int,
    seed: int,
    device: str,
) -> AlignmentClassifier:
    """Cross-validate, say how it went, and fit on everything."""
    from dataclasses import replace
    from functools import partial

    from recbole_showcase.distillation import LabelledPairs, cross_validate, train_classifier

    pairs = LabelledPairs.load(dataset, labels, encoder, device)
    typer.echo(
        f"{labels}: {len(pairs):,} pairs, {int(pairs.labels.sum()):,} of them described"
        + (f", {pairs.without_features:,} left out (no features)" * bool(pairs.without_features))
    )
    fit: Callable[[LabelledPairs], AlignmentClassifier] = partial(train_classifier, **options)
    found = cross_validate(pairs, fit, folds, seed).summary()
    typer.echo(
        f"{folds}-fold cross-validation: AUC {found['auc']:.3f} ± {found['auc_std']:.3f}, "
        f"F1 {found['f1']:.3f} ± {found['f1_std']:.3f}"
    )
    trained = fit(pairs)
    return replace(trained, record=trained.record | {"cross_validation": found})


def _load(classifier: str, meta: dict[str, Any]) -> AlignmentClassifier:
    from recbole_showcase.distillation import classifier_for

    return classifier_for(meta, None if classifier == "shipped" else classifier)

"""``recbole-showcase import-features``: features that others made, as a feature store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_features(
    dataset: Annotated[Path, typer.Argument(help="Folder of the data set, DATA/NAME.")],
    name: Annotated[str, typer.Option(help="What showcase_encoder will call them, such as mmrec.")],
    images: Annotated[
        Path, typer.Option(help=".npy of a row for each photo or item, such as image_feat.npy.")
    ],
    image_ids: Annotated[
        Path | None, typer.Option(help="The image_id of each row, one a line.")
    ] = None,
    items: Annotated[
        Path | None,
        typer.Option(
            help="Instead of ids, for features of items: CSV or tab separated, an item and the "
            "number of its row a line, such as i_id_mapping.csv."
        ),
    ] = None,
    item_column: Annotated[
        str, typer.Option(help="The column of --items that has the data set's item_id.")
    ] = "asin",
    row_column: Annotated[
        str, typer.Option(help="The column of --items that has the number of the row, from 0.")
    ] = "itemID",
    reviews: Annotated[
        Path | None, typer.Option(help=".npy of a row for each review, as wide.")
    ] = None,
    review_ids: Annotated[
        Path | None, typer.Option(help="The review_id of each row, one a line.")
    ] = None,
    dtype: Annotated[str, typer.Option(help="Number type of the rows: float16 or float32.")] = (
        "float16"
    ),
    overwrite: Annotated[
        bool, typer.Option(help="Replace features imported under this name.")
    ] = False,
) -> None:
    """Import features that others made, of photos, of reviews or of items, as a feature store."""
    from recbole_showcase.encoders.foreign import FeatureFile
    from recbole_showcase.encoders.importing import import_features as import_files
    from recbole_showcase.errors import SettingsError

    if (reviews is None) != (review_ids is None):
        raise SettingsError("--reviews and --review-ids belong together; give both or none")
    report = import_files(
        dataset,
        name,
        FeatureFile(images, image_ids, items, item_column, row_column),
        None if reviews is None else FeatureFile(reviews, review_ids),
        dtype=dtype,
        overwrite=overwrite,
    )
    for modality, fates in report.fates.items():
        told = ", ".join(f"{count:,} {fate}" for fate, count in fates.items() if count)
        typer.echo(f"rows of {modality}s: {told}")
    for modality, count in report.without.items():
        if count:
            typer.echo(f"{modality}s without a feature: {count:,}, which are left out")
    typer.echo(f"features in {report.folder}; set showcase_encoder: {name}")

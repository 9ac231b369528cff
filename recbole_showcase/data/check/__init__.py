"""Whether a data set is ready to be trained on: files, joins, times, photos, features, pairs.

Nothing here needs torch or RecBole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_showcase.data.check.features import check_features
from recbole_showcase.data.check.report import Report
from recbole_showcase.data.check.tables import Layout, Tables, read_tables
from recbole_showcase.errors import DataError

__all__ = ["Report", "check_dataset"]

_MOST_PHOTOS = 4  # values of showcase_min_photos that are counted


def check_dataset(
    dataset_dir: Path,
    encoder: str | None = None,
    *,
    photos: Path | None = None,
    min_photos: int = 1,
    settings: Mapping[str, Any] | None = None,
) -> Report:
    """Find what would stop a training, and what may not be what was meant.

    Args:
        dataset_dir: ``DATA/NAME``.
        encoder: Name of the feature store that is to be used; None to look at all.
        photos: The photo folder; None for where the data set says.
        min_photos: What ``showcase_min_photos`` will be.
        settings: RecBole's, of which the names of fields, the separator and the encoding count.

    Raises:
        DataError: There is no such folder.
    """
    dataset_dir = Path(os.path.abspath(dataset_dir))
    if not dataset_dir.is_dir():
        raise DataError(f"there is no data set {dataset_dir}")
    report = Report()
    tables = read_tables(dataset_dir, report, Layout.of(settings or {}))
    with_features = check_features(dataset_dir, encoder, photos, report)
    if len(tables.inter):
        _check_pairs(tables, with_features, min_photos, report)
    return report


def _check_pairs(
    tables: Tables, with_features: np.ndarray | None, min_photos: int, report: Report
) -> None:
    """Count the interactions that can be explained.

    Args:
        tables: The rows.
        with_features: Tokens of the photos that have features; None to count all.
        min_photos: What ``showcase_min_photos`` will be.
        report: Gets what is found.
    """
    reviews = pd.Index(tables.inter["review_id"])
    texts = tables.review["review_id"][tables.review["text"].fillna("").str.strip() != ""]
    has_text = reviews.isin(texts[texts != ""])
    image = tables.image[tables.image["item_id"].isin(tables.inter["item_id"].unique())]
    if with_features is not None:
        image = image[image["image_id"].isin(with_features)]
    counts = image["review_id"][image["review_id"] != ""].value_counts()
    n_photos = counts.reindex(reviews).fillna(0).to_numpy()
    usable = has_text & (n_photos >= min_photos)
    report.facts.append(
        f"pairs: {len(reviews):,}; with a text {has_text.sum():,}, with photos "
        f"{(n_photos > 0).sum():,}, with both {(has_text & (n_photos > 0)).sum():,}"
    )
    left_out = ", ".join(
        f"{least}: {(has_text & (n_photos < least)).sum():,}"
        for least in range(1, max(_MOST_PHOTOS, min_photos) + 1)
    )
    report.facts.append(f"pairs with a text that showcase_min_photos leaves out: {left_out}")
    if not len(texts) and (n_photos > 0).any():
        report.warnings.append(
            "there is no text: photos are learned to be chosen, and no text to be written"
        )
    elif not has_text.any():
        report.errors.append("no pair has a text: no review_id of .inter has one in .review")
    elif not usable.any():
        report.errors.append(
            f"no pair has both a text and showcase_min_photos = {min_photos} photos with features; "
            "with showcase_min_photos: 0 pairs without photos are explained too"
        )

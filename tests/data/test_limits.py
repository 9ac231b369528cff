"""Explanation data that is read again with other limits."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from recbole_showcase.atomic import StoredColumn
from recbole_showcase.composed.head import ExplanationHead
from recbole_showcase.integration.config import run_settings
from tests.data.test_no_leak import data_of
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld


def test_a_copy_with_other_limits_computes_with_them(tiny_world: TinyWorld, tmp_path: Path) -> None:
    data = data_of("ShowcaseBPR", tiny_world, tmp_path)
    kind = type(data)
    cached = [name for name in dir(kind) if isinstance(getattr(kind, name), cached_property)]
    cached.remove("sentences")  # of which the tiny world has no features
    before = {name: getattr(data, name) for name in cached}
    assert "selection_rows" in before
    other = data.with_settings(replace(data.settings, max_candidates=1, max_tokens=3))
    assert not set(cached) & set(vars(other)), "no value of other limits is carried along"
    assert len(data.selection_rows)
    assert not len(other.selection_rows), "one candidate leaves nothing to choose from"
    rows = data.train_rows[:4]
    assert other._targets.take(rows)[0].shape[1] < data._targets.take(rows)[0].shape[1]
    assert all(getattr(data, name) is before[name] for name in cached), "the first stays as it is"


def test_parts_are_built_for_the_limits_of_the_run(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """Not for those that the data was made, or saved, with."""
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    model = trainer.model
    data = model.showcase.data.with_settings(replace(model.showcase.settings, max_candidates=1))
    head = ExplanationHead(run_settings(trainer.config), data, model.vectors)
    learned = len(head.data.selection_rows)
    assert learned and head.relevance.inputs.selection_rows == learned
    assert np.allclose(
        head.relevance.inputs.profile_cosines, model.showcase.relevance.inputs.profile_cosines
    )


def test_no_text_is_read_to_count_them(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_of("ShowcaseBPR", tiny_world, tmp_path)
    rows = np.arange(len(data.corpus))
    texts = int((data.corpus.targets[:] != "").sum())
    monkeypatch.delattr(StoredColumn, "__getitem__")
    assert data.texts_unused(rows) == texts - len(data.samples(rows))

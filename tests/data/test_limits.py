"""Explanation data that is read again with other limits."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tests.data.test_no_leak import data_of
from tests.tiny import TinyWorld


def test_a_copy_with_other_limits_computes_with_them(tiny_world: TinyWorld, tmp_path: Path) -> None:
    data = data_of("ShowcaseBPR", tiny_world, tmp_path)
    kind = type(data)
    cached = [name for name, value in vars(kind).items() if isinstance(value, cached_property)]
    before = {name: getattr(data, name) for name in cached}
    assert "selection_rows" in before
    other = data.with_settings(replace(data.settings, max_candidates=1, max_tokens=3))
    assert not set(cached) & set(vars(other)), "no value of other limits is carried along"
    assert len(data.selection_rows)
    assert not len(other.selection_rows), "one candidate leaves nothing to choose from"
    rows = data.train_rows[:4]
    assert other._targets.take(rows)[0].shape[1] < data._targets.take(rows)[0].shape[1]
    assert all(getattr(data, name) is before[name] for name in cached), "the first stays as it is"

"""Every file of plain data that a command reads back: damaged, it is named with what mends it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_showcase.atomic.photos import photo_folder
from recbole_showcase.benchmark.records import FORMAT as RECORD_FORMAT
from recbole_showcase.benchmark.records import TaskFolder
from recbole_showcase.benchmark.search import Trials
from recbole_showcase.distillation import AlignmentClassifier
from recbole_showcase.encoders.partial import RowWriter
from recbole_showcase.encoders.store import read_meta
from recbole_showcase.errors import CheckpointError, ShowcaseError
from recbole_showcase.evaluation.results import FORMAT as SUMS_FORMAT
from recbole_showcase.evaluation.results import (
    Basis,
    load_basis,
    load_result,
    read_user_sums,
    save_result,
)
from recbole_showcase.offline.asked import Asked
from recbole_showcase.offline.folder import ShowcaseFolder
from recbole_showcase.text.tokenizer import TextTokenizer

_READERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "conversion.json": (lambda path: photo_folder(path.parent), "--photos"),
    "record.json": (lambda path: TaskFolder(path.parent).record(), "delete it to run again"),
    "trials.jsonl": (Trials, "delete the file to search anew"),
    "classifier.json": (lambda path: AlignmentClassifier.load(path.parent), ""),
    "meta.json": (read_meta, ""),
    "a.test.json": (lambda path: load_result(path.with_name("a.pth")), "delete it"),
    "asked.jsonl": (lambda path: Asked.of_file(path, ("user",)), ""),
    "manifest.json": (lambda path: ShowcaseFolder(path.parent), "name another folder"),
}
_DAMAGES = {
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "cut": b'{"format": "rec',
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "text": b'"a"',
    "binary": b"\x89PNG\r\n\x1a\n\xff\xfe\x00",
}


def _refused(read: Callable[[Path], Any], path: Path, mends: str) -> str:
    with pytest.raises(ShowcaseError) as error:
        read(path)
    said = str(error.value)
    assert str(path) in said and mends in said and "\n" not in said and len(said) < 1000
    assert "object has no attribute" not in said
    return said


@pytest.mark.parametrize("damage", _DAMAGES)
@pytest.mark.parametrize("name", _READERS)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, damage: str) -> None:
    path = tmp_path / name
    path.write_bytes(_DAMAGES[damage] + b"\n" * name.endswith("l"))
    if damage == "empty" and name.endswith("l"):
        pytest.skip("an empty file of lines has none")
    read, mends = _READERS[name]
    _refused(read, path, mends)


_RECORD = {"format": RECORD_FORMAT, "status": "done", "seed": 1, "rests_on": {"rows": 3}}
_MANIFEST: dict[str, Any] = {
    "format": "recbole_showcase.showcases/1",
    "settings": {},
    "asked": 1,
    "rows": 1,
    "parts": [],
    "unknown": {},
    "complete": True,
}
_WHOLE = [1, "x", None, float("nan"), float("inf"), -1, 1.5, True, [], {}]


@pytest.mark.parametrize("wrong", _WHOLE[1:], ids=str)
@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("record.json", _RECORD, ("rests_on", "rows")),
        ("record.json", _RECORD, ("seed",)),
        ("a.test.json", {"ndcg@10": 0.5, "rests_on": {"rows": 3, "explained": 3}}, ("rests_on",)),
        ("manifest.json", _MANIFEST, ("asked",)),
        ("manifest.json", _MANIFEST, ("parts",)),
        ("manifest.json", _MANIFEST, ("unknown", "user")),
    ],
)
def test_a_value_that_is_no_count(
    tmp_path: Path, name: str, content: dict[str, Any], keys: tuple[str, ...], wrong: Any
) -> None:
    content = json.loads(json.dumps(content))
    inside = content
    for key in keys[:-1]:
        inside = inside[key]
    inside[keys[-1]] = wrong
    path = tmp_path / name
    path.write_text(json.dumps(content))
    read, mends = _READERS[name]
    allowed = {"parts": [[]], "user": [{}], "seed": [-1], "rows": [-1], "rests_on": [None]}
    if any(wrong == one and type(wrong) is type(one) for one in allowed.get(keys[-1], [])):
        read(path)
        return
    _refused(read, path, mends)


def test_figures_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.test.json"
    for content in ({"ndcg@10": "0.5"}, {"ndcg@10": {"rows": 1}}, {"ndcg@10": None}):
        path.write_text(json.dumps(content))
        _refused(lambda path: load_result(path.with_name("a.pth")), path, "test again")
    path.write_text('{"ndcg@10": NaN, "hit@10": 1, "rests_on": {"rows": 2, "explained": 1}}')
    _refused(lambda path: load_basis(path.with_name("a.pth")), path, "has no 'texts_unused'")
    path.write_text('{"ndcg@10": NaN, "hit@10": 1}')
    found = load_result(tmp_path / "a.pth")
    assert found is not None and np.isnan(found["ndcg@10"]) and found["hit@10"] == 1


def test_every_flipped_bit_of_a_test_result_is_noticed(tmp_path: Path) -> None:
    figures, basis = {"ndcg@10": 0.25, "imagef1@3": float("nan"), "hit@10": 1.0}, Basis(40, 31, 2)
    checkpoint = tmp_path / "a.pth"
    save_result(checkpoint, figures, basis)
    assert load_result(checkpoint) == pytest.approx(figures, nan_ok=True)
    assert load_basis(checkpoint) == basis
    path = tmp_path / "a.test.json"
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        other = bytearray(whole)
        other[bit // 8] ^= 1 << bit % 8
        path.write_bytes(other)
        try:
            read = load_result(checkpoint), load_basis(checkpoint)
        except CheckpointError:
            continue
        assert read == (pytest.approx(figures, nan_ok=True), basis), (bit, bytes(other))


@pytest.mark.parametrize(
    "arrays",
    [
        {"users": np.array(["a"]), "mean f": np.array([["x"]])},
        {"users": np.array([1.0]), "mean f": np.ones((1, 2))},
        {"users": np.array(["a"]), "mean f": np.array([[np.nan, 1]])},
        {"users": np.array([["a"]]), "mean f": np.ones((1, 2))},
        {"users": np.array(["a"])},
    ],
)
def test_user_sums_of_another_type(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    path = tmp_path / "user_sums.npz"
    with path.open("wb") as file:
        np.savez(file, format=np.array(SUMS_FORMAT), **arrays)  # type: ignore[arg-type]
    if "mean f" not in arrays:
        assert read_user_sums(path, "f") is None
        return
    _refused(lambda path: read_user_sums(path, "f"), path, "delete it")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000, 2), }",
        "(" * 9000,
        "{'descr': 'q', 'fortran_order': 3}",
    ],
)
def test_user_sums_that_announce_more_than_there_is(tmp_path: Path, header: str) -> None:
    path, whole = tmp_path / "user_sums.npz", io.BytesIO()
    np.save(whole, np.array(SUMS_FORMAT))
    text = header.encode()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("format.npy", whole.getvalue())
        file.writestr("users.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
        file.writestr("mean f.npy", whole.getvalue())
    _refused(lambda path: read_user_sums(path, "f"), path, "delete it")


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        "[]",
        '{"done": NaN, "rows": 1, "skipped": {}}',
        '{"done": 2, "rows": 3, "skipped": {}}',
        '{"done": 0, "rows": 0, "skipped": []}',
        '{"rows": 3}',
    ],
)
def test_a_journal_counts_up_to_its_first_damage(tmp_path: Path, line: str) -> None:
    def writer() -> RowWriter:
        return RowWriter(tmp_path / "m.npy", tmp_path / "m.journal", 9, 4, "float16")

    with writer() as rows:
        rows.commit(2, np.ones((2, 4)), {})
    with (tmp_path / "m.journal").open("a") as journal:
        journal.write(line + "\n")
    with writer() as rows:
        assert (rows.done, rows.rows) == (2, 2)


def test_reasons_of_skipped_photos_are_texts(tmp_path: Path) -> None:
    kinds = {"encoder": "", "architecture": "", "weights": "", "weights_digest": "", "dtype": ""}
    entry = {"count": 0, "skipped": {"p1": 5}}
    meta = {**kinds, "dtype": "float16", "package_version": "", "preprocessing": {}, "dim": 1}
    (tmp_path / "meta.json").write_text(
        json.dumps({**meta, "modalities": {"image": entry, "review": entry}})
    )
    _refused(read_meta, tmp_path / "meta.json", "'count' and 'skipped' of image")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{}", '{"tokenizer": "[[[["}', "3"])
def test_a_tokenizer_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TextTokenizer.from_text(text)


def test_a_parquet_file_that_is_cut_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "asked.parquet"
    pq.write_table(pa.table({"user": [f"u{n}" for n in range(9)]}), path)
    whole = path.read_bytes()
    for content in (whole[:10] + bytes(40) + whole[50:], whole[:-60] + bytes(50) + whole[-10:]):
        path.write_bytes(content)
        _refused(lambda path: Asked.of_file(path, ("user",)), path, "cannot be read")

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recbole_showcase.encoders.store import (
    FILE_ENDINGS,
    MODALITIES,
    FeatureStore,
    digest_of_file,
)
from recbole_showcase.encoders.verify import content_faults
from recbole_showcase.errors import FeatureStoreError

META = {
    "encoder": "enc",
    "architecture": "enc",
    "weights": "here",
    "weights_digest": "sha256:0",
    "preprocessing": {},
    "dim": 3,
    "dtype": "float16",
    "package_version": "0",
    "modalities": {
        "image": {"count": 4, "skipped": {"gone": "missing"}},
        "review": {"count": 0, "skipped": {}},
    },
}
IDS = ["d", "a", "c\u2028\x85x", "b"]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    store = tmp_path / "toy" / "toy.features" / "enc"
    store.mkdir(parents=True)
    (store / "meta.json").write_text(json.dumps(META))
    np.save(store / "image.npy", np.arange(12, dtype=np.float16).reshape(4, 3))
    np.save(store / "review.npy", np.zeros((0, 3), dtype=np.float16))
    (store / "image.ids").write_bytes("".join(f"{token}\n" for token in IDS).encode())
    (store / "review.ids").write_bytes(b"")
    return tmp_path / "toy"


def folder(dataset: Path) -> Path:
    return dataset / "toy.features" / "enc"


def test_rows_join_by_token_whatever_the_order(dataset: Path) -> None:
    store = FeatureStore.open(dataset, "enc", "image")
    assert store.ids.tolist() == IDS
    assert (store.dim, len(store)) == (3, 4)
    for tokens in (
        ["a", "b", "a", "gone", "d", "c\u2028\x85x"],
        np.array(["a", "b", "a", "gone", "d", "c\u2028\x85x"]),
        pd.Series(["a", "b", "a", "gone", "d", "c\u2028\x85x"]),
    ):
        rows = store.rows(tokens)
        assert rows.dtype == np.int64
        assert rows.tolist() == [1, 3, 1, -1, 0, 2]
    assert store.matrix[store.rows(["b"])].tolist() == [[9, 10, 11]]
    assert store.rows([]).shape == (0,)


def test_matrix_is_mapped_and_read_only(dataset: Path) -> None:
    matrix = FeatureStore.open(dataset, "enc", "image").matrix
    assert isinstance(matrix, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0] = 0


def test_empty_store(dataset: Path) -> None:
    store = FeatureStore.open(dataset, "enc", "review")
    assert store.matrix.shape == (0, 3)
    with pytest.raises(FeatureStoreError, match="'r1'"):
        store.rows(["r1"])


def test_missing_tokens_are_named(dataset: Path) -> None:
    store = FeatureStore.open(dataset, "enc", "image")
    with pytest.raises(FeatureStoreError, match=r"image\.ids: 2 of the tokens.*'x', 'y'"):
        store.rows(["a", "x", "gone", "y", "x"])


def test_relative_folder(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(dataset)
    assert len(FeatureStore.open(Path("."), "enc", "image")) == 4


@pytest.mark.parametrize("encoder", ["", ".", "..", "../toy.features/enc", "enc/", "/enc", "other"])
def test_unknown_or_escaping_encoder(dataset: Path, encoder: str) -> None:
    with pytest.raises(FeatureStoreError, match="encoder"):
        FeatureStore.open(dataset, encoder, "image")


def test_unknown_encoder_lists_those_there(dataset: Path) -> None:
    with pytest.raises(FeatureStoreError, match=r"there: enc\).*recbole-showcase embed"):
        FeatureStore.open(dataset, "other", "image")


@pytest.mark.parametrize("field", sorted(META))
def test_meta_must_be_complete(dataset: Path, field: str) -> None:
    meta = {key: value for key, value in META.items() if key != field}
    (folder(dataset) / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(FeatureStoreError, match=rf"meta\.json: '{field}' must be"):
        FeatureStore.open(dataset, "enc", "image")


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("entry", [None, {"count": 4}, {"skipped": {}}, {"count": "4"}])
def test_meta_must_count_every_modality(dataset: Path, modality: str, entry: object) -> None:
    meta = META | {"modalities": META["modalities"] | {modality: entry}}
    (folder(dataset) / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(FeatureStoreError, match=rf"meta\.json.*{modality}"):
        FeatureStore.open(dataset, "enc", "image")


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_damaged_meta(dataset: Path, content: str) -> None:
    (folder(dataset) / "meta.json").write_text(content)
    with pytest.raises(FeatureStoreError, match=r"meta\.json"):
        FeatureStore.open(dataset, "enc", "image")


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((3, 3), dtype=np.float16),
        np.zeros((4, 2), dtype=np.float16),
        np.zeros((4, 3), dtype=np.float32),
        np.zeros(12, dtype=np.float16),
        np.array([{}], dtype=object),
    ],
)
def test_matrix_must_fit_meta(dataset: Path, matrix: np.ndarray) -> None:
    np.save(folder(dataset) / "image.npy", matrix)
    with pytest.raises(FeatureStoreError, match=r"image\.npy"):
        FeatureStore.open(dataset, "enc", "image")


def test_truncated_matrix(dataset: Path) -> None:
    path = folder(dataset) / "image.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FeatureStoreError, match=r"image\.npy"):
        FeatureStore.open(dataset, "enc", "image")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\nc\n", "3 tokens for 4 rows"),
        (b"a\nb\nc\na\n", "token 'a' is there twice"),
        (b"a\nb\nc\ngone\n", "token 'gone' is there twice"),
        (b"a\nb\nc\n\xff\n", "cannot be read"),
    ],
)
def test_ids_must_fit(dataset: Path, content: bytes, message: str) -> None:
    (folder(dataset) / "image.ids").write_bytes(content)
    with pytest.raises(FeatureStoreError, match=rf"image\.ids: {message}"):
        FeatureStore.open(dataset, "enc", "image")


def test_store_needs_no_torch() -> None:
    code = (
        "import sys, recbole_showcase.encoders as e; e.FeatureStore; e.features_folder;"
        "sys.exit(bool({'torch', 'open_clip', 'recbole'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["<f2", ">f2", "<f4"])
def test_rows_that_are_not_finite_are_refused(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, value: float, kind: str
) -> None:
    monkeypatch.setattr("recbole_showcase.encoders.store._BLOCK_BYTES", 16)
    matrix = np.arange(12).reshape(4, 3).astype(kind)
    matrix[0, 0] = np.finfo(matrix.dtype).max
    np.save(folder(dataset) / "image.npy", matrix)
    meta = META | {"dtype": matrix.dtype.name, "architecture": "ViT-B-32", "weights": "some tag"}
    (folder(dataset) / "meta.json").write_text(json.dumps(meta))
    FeatureStore.open(dataset, "enc", "image")
    matrix[3, 1] = value
    np.save(folder(dataset) / "image.npy", matrix)
    said = (
        r"enc/image\.npy: the image features of 'b' \(row 3\) are not finite; make them anew with: "
        r"recbole-showcase embed .*/toy --encoder ViT-B-32 --weights 'some tag'$"
    )
    with pytest.raises(FeatureStoreError, match=said):
        FeatureStore.open(dataset, "enc", "image")


def digested(dataset: Path) -> Path:
    """The store with the digests of its files, as ``embed`` writes it."""
    matrix = np.eye(4, 3, dtype=np.float16)
    matrix[3] = [0.6, 0.8, 0]
    np.save(folder(dataset) / "image.npy", matrix)
    np.save(folder(dataset) / "image.sources.npy", np.arange(4, dtype=np.uint64))
    names = [f"image{ending}" for ending in FILE_ENDINGS]
    digests = {name: digest_of_file(folder(dataset) / name) for name in names}
    (folder(dataset) / "meta.json").write_text(json.dumps(META | {"digests": digests}))
    return folder(dataset)


def test_a_store_as_it_was_written_has_no_faults(dataset: Path) -> None:
    digested(dataset)
    assert content_faults(FeatureStore.open(dataset, "enc", "image")) == []


def test_tokens_in_another_order_are_refused(dataset: Path) -> None:
    ids = digested(dataset) / "image.ids"
    FeatureStore.open(dataset, "enc", "image")
    lines = ids.read_bytes().split(b"\n")[:-1]
    ids.write_bytes(b"".join(line + b"\n" for line in reversed(lines)))
    said = r"image\.ids: is not as it was written.*; make them anew with: recbole-showcase embed"
    with pytest.raises(FeatureStoreError, match=said):
        FeatureStore.open(dataset, "enc", "image")


@pytest.mark.parametrize("name", ["image.npy", "image.sources.npy"])
def test_a_flipped_bit_is_found_by_the_name_of_its_file(dataset: Path, name: str) -> None:
    path = digested(dataset) / name
    content = bytearray(path.read_bytes())
    content[-24] ^= 1
    path.write_bytes(content)
    (fault,) = content_faults(FeatureStore.open(dataset, "enc", "image"))
    assert f"{name}: is not as it was written" in fault


def test_a_row_that_is_not_of_length_one_is_found_by_its_token(dataset: Path) -> None:
    digested(dataset)
    matrix = np.load(folder(dataset) / "image.npy")
    matrix[1] *= 1.5
    np.save(folder(dataset) / "image.npy", matrix)
    (folder(dataset) / "meta.json").write_text(json.dumps(META))  # one without digests
    (fault,) = content_faults(FeatureStore.open(dataset, "enc", "image"))
    assert "1 rows are not of length one, such as that of 'a' (row 1), of length 1.5" in fault


def test_a_row_of_zeros_is_refused(dataset: Path) -> None:
    matrix = np.ones((4, 3), dtype=np.float16)
    matrix[2] = 0
    np.save(folder(dataset) / "image.npy", matrix)
    with pytest.raises(FeatureStoreError, match=r"image\.npy: .* \(row 2\) are zeros; make them"):
        FeatureStore.open(dataset, "enc", "image")


def test_bytes_behind_the_rows_are_refused(dataset: Path) -> None:
    with (folder(dataset) / "image.npy").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FeatureStoreError, match=r"image\.npy: has bytes behind its 4 rows"):
        FeatureStore.open(dataset, "enc", "image")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("showcase-tiny", "--encoder showcase-tiny"),
        ("ViT-B-32", "--encoder ViT-B-32 --weights laion2b_s34b_b79k"),
        ("ViT-B-32--openai", "--encoder ViT-B-32 --weights openai"),
        ("ViT-B-32--laion2b_s34b_b79", "--encoder ViT-B-32 --weights laion2b_s34b_b79k"),
        ("vit-b-32--mine", "--encoder ViT-B-32 --weights FOLDER/mine.pt"),
        ("coca_base", "--encoder coca_base --weights FOLDER/WEIGHTS.pt"),
        ("OWNER--NAME", "--encoder hf-hub:OWNER/NAME"),
        ("other", "--encoder local-dir:FOLDER/other"),
    ],
)
def test_a_missing_store_names_the_options_that_make_it(
    dataset: Path, name: str, options: str
) -> None:
    with pytest.raises(FeatureStoreError) as refused:
        FeatureStore.open(dataset, name, "image")
    assert str(refused.value).endswith(f"recbole-showcase embed {dataset} {options}")

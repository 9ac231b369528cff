from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from recbole_showcase.encoders import ClipEncoder, EmbedReport, FeatureStore, embed_dataset
from recbole_showcase.encoders.partial import RowWriter
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.photos import read_photo
from tests.encoders.conftest import Photographed, paint, write_encoder

Make = Callable[..., Photographed]


def run(data: Photographed, encoder: str, **options: object) -> EmbedReport:
    return embed_dataset(data.folder, encoder, batch_size=2, progress=False, **options)


def counted(data: Photographed, encoder: str, **options: object) -> tuple[EmbedReport, int, int]:
    """Run, and count the photos and texts that reach the encoder."""
    seen: dict[str, list[int]] = {"images": [], "tokens": []}

    def count(name: str) -> Callable[..., torch.Tensor]:
        real = getattr(ClipEncoder, f"encode_{name}")

        def encode(self: ClipEncoder, batch: torch.Tensor) -> torch.Tensor:
            seen[name].append(len(batch))
            return real(self, batch)

        return encode

    with (
        mock.patch.object(ClipEncoder, "encode_images", count("images")),
        mock.patch.object(ClipEncoder, "encode_tokens", count("tokens")),
    ):
        report = run(data, encoder, **options)
    return report, sum(seen["images"]), sum(seen["tokens"])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_rows_are_what_the_encoder_says(make_dataset: Make, micro: str, dtype: str) -> None:
    data = make_dataset()
    report = run(data, micro, dtype=dtype)
    encoder = ClipEncoder.load(micro)
    photos = FeatureStore.open(data.folder, "micro", "image")
    texts = FeatureStore.open(data.folder, "micro", "review")
    pixels = [
        encoder.preprocess(Image.fromarray(read_photo(data.folder / "photos" / data.photos[token])))
        for token in photos.ids
    ]
    for store, vectors in (
        (photos, encoder.encode_images(torch.stack(pixels))),
        (texts, encoder.encode_texts([data.texts[token] for token in texts.ids])),
    ):
        assert store.matrix.dtype == dtype
        np.testing.assert_allclose(store.matrix, vectors.numpy(), atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(store.matrix, axis=1), 1, atol=2e-3)
    assert photos.ids.tolist() == list(data.photos)
    assert texts.ids.tolist() == ["r0", "r2", "r3", "r4"]
    assert texts.rows(["r1", "r4"]).tolist() == [-1, 3]
    assert report.encoded == {"image": 7, "review": 4}
    assert (report.without_text, report.folder) == (1, data.store())


def test_meta_tells_where_the_rows_come_from(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    meta = json.loads((data.store() / "meta.json").read_text())
    provenance = ClipEncoder.load(micro).provenance()
    assert {key: meta[key] for key in provenance} == provenance
    assert meta["modalities"]["image"] == {"count": 7, "skipped": {}}
    assert meta["modalities"]["review"] == {"count": 4, "skipped": {"r1": "no text"}}
    assert not [path for path in data.store().parent.iterdir() if "partial" in path.name]


def spoil(data: Photographed) -> None:
    """Make photos 1 to 4 of a data set missing, damaged, cut short and huge."""
    photos = [data.folder / "photos" / data.photos[f"p{n}"] for n in range(5)]
    photos[1].unlink()
    photos[2].write_bytes(b"not a photo")
    photos[3].write_bytes(photos[3].read_bytes()[:300])
    Image.new("L", (300, 300)).save(photos[4])


def test_unusable_photos_are_skipped_by_name(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    spoil(data)
    report = run(data, micro, pixel_limit=50_000)
    store = FeatureStore.open(data.folder, "micro", "image")
    assert store.ids.tolist() == ["p0", "p5", "p6"]
    assert report.skipped["image"] == store.skipped
    assert list(store.skipped) == ["p1", "p2", "p3", "p4"]
    reasons = ["missing", "cannot be decoded", "cannot be decoded", "huge: 300×300 pixels"]
    for said, reason in zip(store.skipped.values(), reasons, strict=True):
        assert said.startswith(reason)
    assert store.rows(["p6", "p2", "p0"]).tolist() == [2, -1, 0]
    whole = make_dataset(name="whole")
    run(whole, micro)
    expected = FeatureStore.open(whole.folder, "micro", "image")
    np.testing.assert_allclose(store.matrix, expected.matrix[expected.rows(store.ids)], atol=1e-3)


def test_a_photo_too_thin_to_resize_is_skipped_by_name(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    thin = data.folder / "photos" / data.photos["p1"]
    Image.new("RGB", (600_000, 1)).save(thin, format="PNG")
    report = run(data, micro)
    assert report.skipped["image"] == {"p1": "too thin: 600000×1 pixels"}


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_a_photo_that_cannot_be_resized_is_skipped_by_name(
    make_dataset: Make, micro: str, error: type[Exception]
) -> None:
    data, pixels = make_dataset(), ClipEncoder.pixels
    Image.new("RGB", (77, 1)).save(data.folder / "photos" / data.photos["p1"], format="PNG")

    def fails(encoder: ClipEncoder, photo: np.ndarray) -> np.ndarray:
        if photo.shape[1] == 77:
            raise error("no such size")
        return pixels(encoder, photo)

    with mock.patch.object(ClipEncoder, "pixels", fails):
        report = run(data, micro)
    assert report.skipped["image"] == {"p1": "cannot be resized: no such size"}


_BAD_PATHS = [
    ("../secret.jpg", "photo path '../secret.jpg' is not allowed"),
    ("/etc/passwd", "is not allowed"),
    ("0/../../secret.jpg", "is not allowed"),
    ("link/secret.jpg", "leaves "),
    ("a\\b.jpg", "is not allowed"),
    ("a\0b.jpg", "is not allowed"),
    ("", "is not allowed"),
    ("circle.jpg", "cannot be followed: its links lead in a circle"),
    ("circle.jpg/a.jpg", "cannot be followed: its links lead in a circle"),
    ("x" * 300 + ".jpg", "x…' cannot be followed: File name too long"),
    ("x" * 300 + "/a.jpg", "x…' cannot be followed: File name too long"),
    ("x/" * 3000 + "a.jpg", "x/…' cannot be followed: File name too long"),
]


def test_a_path_that_cannot_be_is_skipped_with_its_row(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    paint(data.folder / "secret.jpg", 0)
    os.symlink(data.folder, data.folder / "photos" / "link")
    os.symlink("circle.jpg", data.folder / "photos" / "circle.jpg")
    file = data.folder / "set.image"
    head, *rows = file.read_text().splitlines(keepends=True)
    bad = [f"bad{n}\ti\t\t{path}\n" for n, (path, _) in enumerate(_BAD_PATHS)]
    file.write_text("".join([head, *bad, *rows]))
    for reused in (0, len(rows)):  # anew, and where there is a store already
        report = run(data, micro)
        assert list(report.skipped["image"]) == [f"bad{n}" for n in range(len(bad))]
        for row, (reason, (_, said)) in enumerate(
            zip(report.skipped["image"].values(), _BAD_PATHS, strict=True), 1
        ):
            assert reason.startswith(f"bad path: row {row}: photo path ") and said in reason
            assert len(reason) < 600 and "\n" not in reason
        assert report.reused["image"] == reused
        assert report.encoded["image"] == len(rows) - reused


def test_complete_store_is_left_alone(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    spoil(data)
    run(data, micro)
    before, stamp = content(data.store()), data.store().stat().st_mtime_ns
    report, photos, texts = counted(data, micro)
    assert (photos, texts) == (0, 0)
    assert "complete already" in report.notes[0]
    assert (content(data.store()), data.store().stat().st_mtime_ns) == (before, stamp)
    assert list(report.skipped["image"]) == ["p1", "p2", "p3"]
    assert (report.encoded["image"], report.reused["image"]) == (0, 4)


def test_only_what_is_new_is_encoded(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    spoil(data)
    run(data, micro)
    paint(data.folder / "photos" / data.photos["p1"], 1)  # a missing photo has come
    paint(data.folder / "photos" / "new.jpg", 77)
    data.photos = {"new": "new.jpg"} | {k: v for k, v in data.photos.items() if k != "p0"}
    data.texts |= {"r0": "changed since", "r1": "written since"}
    report, photos, texts = counted(data.write(), micro)
    assert (photos, texts) == (2, 2)
    assert report.encoded == {"image": 2, "review": 2}
    assert report.reused == {"image": 3, "review": 3}
    fresh = Photographed(data.folder.parent / "fresh", data.photos, data.texts).write()
    shutil.copytree(data.folder / "photos", fresh.folder / "photos")
    run(fresh, micro)
    for modality in ("image", "review"):
        grown = FeatureStore.open(data.folder, "micro", modality)
        expected = FeatureStore.open(fresh.folder, "micro", modality)
        assert set(grown.ids) == set(expected.ids)
        assert grown.skipped == expected.skipped
        np.testing.assert_allclose(
            grown.matrix[grown.rows(expected.ids)], expected.matrix, atol=1e-3
        )


def test_rows_of_other_weights_are_not_mixed_in(
    make_dataset: Make, micro: str, tmp_path: Path
) -> None:
    data = make_dataset()
    run(data, micro)
    other = write_encoder(tmp_path / "elsewhere" / "micro", seed=5)
    report, photos, texts = counted(data, other)
    assert (photos, texts) == (7, 4)
    assert "another weights digest" in report.notes[0]
    meta = FeatureStore.open(data.folder, "micro", "image").meta
    assert meta["weights_digest"] == ClipEncoder.load(other).provenance()["weights_digest"]


def test_another_number_type_or_damage_starts_anew(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    report, photos, _ = counted(data, micro, dtype="float32")
    assert photos == 7
    assert "another dtype" in report.notes[0]
    (data.store() / "image.ids").write_bytes(b"p0\n")
    report, photos, texts = counted(data, micro, dtype="float32")
    assert (photos, texts) == (7, 0)
    assert "damaged" in report.notes[0]


def broken_off(data: Photographed, encoder: str, after: int) -> None:
    """Run until the encoder has seen ``after`` photos, then fail."""
    real, seen = ClipEncoder.encode_images, 0

    def encode(self: ClipEncoder, batch: torch.Tensor) -> torch.Tensor:
        nonlocal seen
        seen += len(batch)
        if seen > after:
            raise RuntimeError("pulled the plug")
        return real(self, batch)

    with (
        mock.patch.object(ClipEncoder, "encode_images", encode),
        pytest.raises(RuntimeError, match="plug"),
    ):
        run(data, encoder, workers=1)


def test_an_interrupted_run_of_another_data_set_is_thrown_away(
    make_dataset: Make, micro: str
) -> None:
    data = make_dataset()
    broken_off(data, micro, after=4)
    assert not data.store().exists()
    paint(data.folder / "photos" / "new.jpg", 77)
    data.photos["new"] = "new.jpg"
    report, photos, _ = counted(data.write(), micro)
    assert photos == 8
    assert "thrown away" in report.notes[0]


def test_an_interrupted_update_leaves_the_old_store(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    before = content(data.store())
    for n in range(6):
        paint(data.folder / "photos" / f"new{n}.jpg", 70 + n)
        data.photos[f"new{n}"] = f"new{n}.jpg"
    broken_off(data.write(), micro, after=4)
    assert content(data.store()) == before
    report, photos, _ = counted(data, micro)
    assert photos == 2
    assert report.encoded["image"] == 2
    assert len(FeatureStore.open(data.folder, "micro", "image")) == 13


def test_a_kill_while_the_store_is_replaced(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    aside = data.store().with_name(".micro.partial")
    aside.mkdir()
    os.rename(data.store(), aside / "old")
    _, photos, texts = counted(data, micro)
    assert (photos, texts) == (0, 0)
    assert len(FeatureStore.open(data.folder, "micro", "image")) == 7
    assert not aside.exists()


def test_threads_share_the_shipped_encoder(make_dataset: Make) -> None:
    data = make_dataset(photos=9, reviews=60)
    threads = torch.get_num_threads()
    embed_dataset(data.folder, batch_size=2, workers=4, progress=False, dtype="float32")
    assert torch.get_num_threads() == threads
    alone = ClipEncoder.load()
    store = FeatureStore.open(data.folder, "showcase-tiny", "review")
    expected = torch.cat([alone.encode_texts([data.texts[token]]) for token in store.ids])
    np.testing.assert_allclose(store.matrix, expected.numpy(), atol=1e-5)
    assert len(FeatureStore.open(data.folder, "showcase-tiny", "image")) == 9


def test_two_runs_at_once_are_refused(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    data.store().parent.mkdir()
    with (
        FileLock(data.store().with_name(".micro.lock")),
        pytest.raises(FeatureStoreError, match="another run is at work"),
    ):
        run(data, micro)


def test_numbers_that_are_none_are_refused(make_dataset: Make, micro: str) -> None:
    data = make_dataset()

    def encode(self: ClipEncoder, batch: torch.Tensor) -> torch.Tensor:
        return torch.full((len(batch), self.dim), torch.nan)

    with (
        mock.patch.object(ClipEncoder, "encode_images", encode),
        pytest.raises(FeatureStoreError, match="'micro' gave values that are no numbers"),
    ):
        run(data, micro)
    assert not data.store().exists()


def test_a_data_set_without_photos_or_reviews(make_dataset: Make, micro: str) -> None:
    data = make_dataset(photos=0)
    (data.folder / "set.image").unlink()
    shutil.rmtree(data.folder / "photos", ignore_errors=True)
    assert run(data, micro).encoded == {"image": 0, "review": 4}
    assert len(FeatureStore.open(data.folder, "micro", "image")) == 0
    (data.folder / "set.review").unlink()
    with pytest.raises(DataError, match="nothing to embed"):
        run(data, micro)


def test_a_photo_named_twice(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    path = data.folder / "set.image"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[3]]) + "\n")
    with pytest.raises(DataError, match=r"set\.image, row 8: image_id 'p2' is there twice"):
        run(data, micro)


@pytest.mark.parametrize(
    "option", [{"batch_size": 0}, {"workers": 0}, {"pixel_limit": 0}, {"dtype": "int8"}]
)
def test_options_out_of_range(make_dataset: Make, micro: str, option: dict[str, object]) -> None:
    with pytest.raises(FeatureStoreError, match="must be"):
        embed_dataset(make_dataset().folder, micro, progress=False, **option)


def test_photos_that_were_skipped_and_are_no_longer_in_the_data_set(
    make_dataset: Make, micro: str
) -> None:
    data = make_dataset(photos=3)
    (data.folder / "photos" / data.photos["p1"]).unlink()
    run(data, micro)
    data.photos.clear()
    data.write()
    report = run(data, micro)
    assert (report.encoded["image"], report.reused["image"], report.reused["review"]) == (0, 0, 4)
    assert len(FeatureStore.open(data.folder, "micro", "image")) == 0


def test_rows_that_are_not_finite_are_made_anew(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    path = data.store() / "review.npy"
    matrix = np.load(path)
    matrix[2, 3] = np.inf
    np.save(path, matrix)
    report = run(data, micro)
    assert "not finite" in report.notes[0]
    assert (report.encoded["image"], report.encoded["review"]) == (0, 4)
    assert np.isfinite(FeatureStore.open(data.folder, "micro", "review").matrix).all()


def test_the_shipped_encoder_says_what_it_knows(make_dataset: Make, tmp_path: Path) -> None:
    report = run(make_dataset(photos=1, reviews=1), "showcase-tiny")
    assert len(report.notes) == 1 and "knows the painted dishes of the demo only" in report.notes[0]
    assert run(make_dataset(photos=1, reviews=1, name="showcase-demo"), "showcase-tiny").notes == []


def test_a_disk_that_fills_up_keeps_what_is_done(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    real = RowWriter.commit

    def commit(self: RowWriter, *batch: Any) -> None:
        if self.done >= 4:
            raise OSError(28, "No space left on device")
        real(self, *batch)

    said = r"micro was left as it was: .*No space left.*is kept beside it"
    with (
        mock.patch.object(RowWriter, "commit", commit),
        pytest.raises(FeatureStoreError, match=said),
    ):
        run(data, micro)
    _, images, _ = counted(data, micro)
    assert images == 3


def flip(path: Path) -> None:
    """Change a bit of a file, and leave its times as they were."""
    stamp, content = path.stat(), bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


@pytest.mark.parametrize("name", ["image.npy", "image.ids", "image.sources.npy"])
def test_a_damaged_store_is_made_anew(make_dataset: Make, micro: str, name: str) -> None:
    data = make_dataset()
    run(data, micro)
    whole = content(data.store())
    flip(data.store() / name)
    report, photos, _ = counted(data, micro)
    assert photos == 7
    assert "damaged" in report.notes[0] and name in report.notes[0]
    assert content(data.store()) == whole


def test_rows_out_of_an_earlier_version_get_digests(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    whole = content(data.store())
    meta = json.loads(whole["meta.json"])
    del meta["digests"]
    (data.store() / "meta.json").write_text(json.dumps(meta))
    _, photos, texts = counted(data, micro)
    assert (photos, texts) == (0, 0)
    assert content(data.store()) == whole


def test_a_photo_that_is_replaced_under_its_name_is_encoded_again(
    make_dataset: Make, micro: str
) -> None:
    data = make_dataset()
    run(data, micro)
    paint(data.folder / "photos" / data.photos["p3"], 99)
    report, photos, texts = counted(data, micro)
    assert (photos, texts, report.reused["image"]) == (1, 0, 6)
    store, encoder = FeatureStore.open(data.folder, "micro", "image"), ClipEncoder.load(micro)
    photo = Image.fromarray(read_photo(data.folder / "photos" / data.photos["p3"]))
    vector = encoder.encode_images(encoder.preprocess(photo)[None]).numpy()
    np.testing.assert_allclose(store.matrix[store.rows(["p3"])], vector, atol=1e-3)


def test_photos_that_are_moved_or_gone_keep_their_rows(make_dataset: Make, micro: str) -> None:
    data = make_dataset()
    run(data, micro)
    photos = data.folder / "photos"
    os.rename(photos / data.photos["p2"], photos / "moved.jpg")
    os.utime(photos / "moved.jpg", ns=(1, 1))
    data.photos["p2"] = "moved.jpg"
    (photos / data.photos["p4"]).unlink()
    _, encoded, _ = counted(data.write(), micro)
    assert encoded == 0
    paint(photos / data.photos["p4"], 44)  # it comes back, and is another one
    _, encoded, _ = counted(data, micro)
    assert encoded == 1

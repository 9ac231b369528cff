from __future__ import annotations

import os
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from recbole_showcase.files import photos
from recbole_showcase.files.photos import (
    GONE,
    PhotoError,
    content_mark,
    read_photo,
    readable_formats,
)


def halves(mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue, 40 wide and 20 high."""
    image = Image.new("RGB", (40, 20), (200, 30, 30))
    image.paste((20, 40, 220), (20, 0, 40, 20))
    return image.convert(mode, palette=Image.Palette.ADAPTIVE)


def close(pixels: np.ndarray, expected: Image.Image, tolerance: int = 12) -> bool:
    assert pixels.dtype == np.uint8
    wanted = np.asarray(expected.convert("RGB"), dtype=int)
    assert pixels.shape == wanted.shape
    difference = pixels.astype(int) - wanted
    return bool(
        np.median(np.abs(difference)) <= tolerance and np.abs(difference).mean() < tolerance
    )


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.jpg", "RGB"),
        ("a.png", "RGB"),
        ("a.png", "P"),
        ("a.gif", "P"),
        ("a.webp", "RGB"),
        ("a.bmp", "RGB"),
        ("a.tiff", "CMYK"),
        ("a.jpg", "CMYK"),
        ("misnamed.png.jpg", "RGB"),
    ],
)
def test_modes_decode_to_the_same_colours(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    kind = "PNG" if name.startswith("misnamed") else None
    halves(mode).save(path, format=kind, **({"quality": 95} if name.endswith("jpg") else {}))
    assert close(read_photo(path), halves())


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_is_read_where_pillow_reads_it(tmp_path: Path) -> None:
    halves().save(tmp_path / "a.avif", quality=95)
    assert close(read_photo(tmp_path / "a.avif"), halves())
    assert "AVIF" in readable_formats()


def test_what_is_no_photo_is_told_the_formats(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html>gone</html>")
    with pytest.raises(PhotoError, match=r"of a format that is read \(JPEG, PNG, .*TIFF"):
        read_photo(tmp_path / "a.jpg")


def test_the_first_of_several_photos_in_one_file(tmp_path: Path) -> None:
    other = Image.new("RGB", (40, 20), "green")
    halves().save(
        tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[other], quality=95
    )
    assert close(read_photo(tmp_path / "a.jpg"), halves())


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_grey(tmp_path: Path, name: str) -> None:
    halves("L").save(tmp_path / name)
    assert close(read_photo(tmp_path / name), halves("L"))


def test_grey_of_16_bits_is_scaled_not_clipped(tmp_path: Path) -> None:
    grey = np.asarray(halves("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(tmp_path / "a.png")
    assert close(read_photo(tmp_path / "a.png"), halves("L"), tolerance=1)


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_a_ramp_of_16_bits_is_grey_on_average(tmp_path: Path, name: str) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    Image.fromarray(ramp).save(tmp_path / name)
    assert read_photo(tmp_path / name).mean() == pytest.approx(127.5, abs=0.5)


def test_transparent_grey_of_16_bits_is_white(tmp_path: Path) -> None:
    grey = np.full((4, 4), 30_000, dtype=np.uint16)
    grey[0] = 20_000
    Image.fromarray(grey).save(tmp_path / "a.png", transparency=20_000)
    pixels = read_photo(tmp_path / "a.png")
    assert (pixels[0] == 255).all()
    assert (pixels[1:] == 30_000 >> 8).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(tmp_path: Path, mode: str) -> None:
    image = halves("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 20, 20))
    image.convert(mode).save(tmp_path / "a.png")
    pixels = read_photo(tmp_path / "a.png")
    assert (pixels[:, :20] == 255).all()
    assert pixels[10, 30].max() < 255


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_270),
        (8, Image.Transpose.ROTATE_90),
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
def test_exif_rotation(tmp_path: Path, orientation: int, turned: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    halves().save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert close(read_photo(tmp_path / "a.jpg"), halves().transpose(turned))


def test_large_jpeg_is_decoded_smaller_but_not_too_small(tmp_path: Path) -> None:
    halves().resize((1600, 800)).save(tmp_path / "a.jpg")
    image = read_photo(tmp_path / "a.jpg", smallest=(50, 50))
    assert image.shape == (200, 400, 3)
    assert close(image, halves().resize((400, 200)))
    assert read_photo(tmp_path / "a.jpg").shape == (800, 1600, 3)
    assert read_photo(tmp_path / "a.jpg", smallest=(512, 512)).shape == (800, 1600, 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("size", [(41, 23), (150, 150), (600, 520)])
@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08"}]
)
def test_pixels_are_those_of_pillow(
    tmp_path: Path, mode: str, size: tuple[int, int], options: dict[str, object]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)
    image.save(tmp_path / "a.jpg", **options)
    pixels = read_photo(tmp_path / "a.jpg", (64, 64))
    with Image.open(tmp_path / "a.jpg") as own:
        own.draft(None, (256, 256))
        np.testing.assert_array_equal(pixels, np.asarray(own.convert("RGB")))
    assert pixels.flags.writeable


def test_plain_jpegs_go_past_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halves().save(tmp_path / "a.jpg")
    halves().save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("Pillow was asked"))
    assert read_photo(tmp_path / "a.jpg").shape == (20, 40, 3)
    with pytest.raises(pytest.fail.Exception):
        read_photo(tmp_path / "a.png")


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is very large and holds nearly nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be decoded"),
        (b"<html>gone</html>", "cannot be decoded"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "cannot be decoded"),
        (png_header(64, 64), "cannot be decoded"),
        (png_header(10_001, 10_000), "huge: 10001×10000 pixels, the limit is 80,000,000"),
        (png_header(100_000, 100_000), "huge"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "cannot be decoded"),
    ],
)
def test_unusable_files_say_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=f"^{reason}") as caught:
        read_photo(path)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_truncated_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, format=kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoError, match=r"^cannot be decoded"):
        read_photo(path)


def test_missing_folder_and_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(PhotoError, match=r"^missing$"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match=r"^not a file$"):
        read_photo(tmp_path)
    with pytest.raises(PhotoError, match=r"^not a file$"):
        read_photo(tmp_path / "pipe.jpg")


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_own_limit(tmp_path: Path, name: str) -> None:
    halves().save(tmp_path / name)
    assert read_photo(tmp_path / name, pixel_limit=800).shape == (20, 40, 3)
    with pytest.raises(PhotoError, match=r"^huge: 40×20 pixels, the limit is 799"):
        read_photo(tmp_path / name, pixel_limit=799)


@pytest.mark.parametrize("length", [0, 10, 1 << 16, (1 << 16) + 1, 1 << 18])
def test_the_mark_of_a_file_follows_its_content_and_not_its_place(
    tmp_path: Path, length: int
) -> None:
    first, second = tmp_path / "a.jpg", tmp_path / "b.png"
    content = bytearray(np.random.default_rng(length).bytes(length))
    first.write_bytes(content)
    second.write_bytes(content)
    mark = content_mark(first)
    assert mark == content_mark(second) != GONE
    changed = {0, length - 1} if length else set()
    for place in changed:
        content[place] ^= 1
        second.write_bytes(content)
        assert content_mark(second) != mark
        content[place] ^= 1
    second.write_bytes(content + b"\0")
    assert content_mark(second) != mark
    assert content_mark(tmp_path / "none.jpg") == content_mark(tmp_path) == GONE


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path: Path) -> None:
    """Each is a pass over the whole photo: 2,000 of them take minutes."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "scans.jpg"
    Image.fromarray(pixels).save(path, progressive=True)
    content = path.read_bytes()
    assert read_photo(path).shape == (64, 64, 3)
    last = content[content.rindex(b"\xff\xda") : -2]
    for size in (0, 2 << 20):  # past Pillow, and by it
        tail = last * 2000 + content[-2:] + bytes(size)
        path.write_bytes(content[: content.rindex(b"\xff\xda")] + tail)
        with pytest.raises(PhotoError, match=r"costly: 2,0\d\d scans, the limit is 100"):
            read_photo(path)


def test_one_large_photo_is_decoded_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PNG of one colour has a few KB, whatever its pixels."""
    at_once, most = [], []
    real = photos._to_rgb

    def slow(image: Image.Image) -> Image.Image:
        at_once.append(1)
        most.append(len(at_once))
        time.sleep(0.02)
        at_once.pop()
        return real(image)

    monkeypatch.setattr(photos, "_to_rgb", slow)
    Image.new("RGB", (400, 300)).save(tmp_path / "bomb.png")
    for limit, alone in ((100_000, True), (200_000, False)):
        monkeypatch.setattr(photos, "_LARGE", limit)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(read_photo, [tmp_path / "bomb.png"] * 8))
        assert (max(most) == 1) is alone
        most.clear()

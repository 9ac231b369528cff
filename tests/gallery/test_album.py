from __future__ import annotations

import base64
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from recbole_showcase.files.photos import read_photo
from recbole_showcase.gallery.album import Album, encode_photo
from recbole_showcase.showcase import Photo


def decoded(uri):
    head, data = uri.split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def test_same_file_and_same_picture_are_embedded_once(save_photo):
    tomato, copy, teal = save_photo("a.png"), save_photo("b.png"), save_photo("c.png", "teal")
    album = Album(64)
    for photo in (tomato, copy, teal, replace(tomato, id="other"), tomato):
        album.add(photo)
    assert [album.number(photo) for photo in (tomato, copy, teal)] == [0, 0, 1]
    assert len(album) == len(album.uris()) == 2
    for uri, expected in zip(album.uris(), [(255, 99, 71), (0, 128, 128)], strict=True):
        pixel = decoded(uri).getpixel((30, 30))
        assert pixel == pytest.approx(expected, abs=4)


def test_large_photos_shrink_and_small_ones_stay(save_photo):
    album = Album(100)
    album.add(save_photo("large.jpg", "red", (400, 200)))
    album.add(save_photo("small.jpg", "blue", (64, 48)))
    assert [decoded(uri).size for uri in album.uris()] == [(100, 50), (64, 48)]


def test_exif_orientation_is_applied_and_metadata_left_behind(save_photo):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    exif[0x010F] = "SecretCamera"
    photo = save_photo("turned.jpg", size=(120, 60), exif=exif, comment=b"SecretComment")
    assert b"SecretCamera" in photo.path.read_bytes()
    assert b"SecretComment" in photo.path.read_bytes()
    jpeg = encode_photo(photo.path, 200)
    assert Image.open(io.BytesIO(jpeg)).size == (60, 120)
    assert b"Secret" not in jpeg


@pytest.mark.parametrize(
    ("mode", "name", "colour", "expected"),
    [
        ("RGBA", "clear.png", (0, 0, 0, 0), (255, 255, 255)),
        ("LA", "clear_grey.png", (0, 0), (255, 255, 255)),
        ("CMYK", "press.jpg", (0, 0, 0, 0), (255, 255, 255)),
        ("L", "grey.png", 128, (128, 128, 128)),
        ("P", "palette.gif", 0, (0, 0, 0)),
        ("RGB", "web.webp", (10, 200, 30), (10, 200, 30)),
    ],
)
def test_every_colour_mode_becomes_a_plain_jpeg(save_photo, mode, name, colour, expected):
    jpeg = encode_photo(save_photo(name, colour, mode=mode).path, 64)
    assert Image.open(io.BytesIO(jpeg)).getpixel((20, 20)) == pytest.approx(expected, abs=6)


@pytest.mark.parametrize(
    "name",
    [
        "grey_of_16_bits.png",
        "palette.png",
        "clear.png",
        "turned.jpg",
        "press.jpg",
        "scan.tiff",
        "large.jpg",
    ],
)
def test_the_gallery_shows_what_the_encoder_sees(tmp_path, name):
    path = tmp_path / name
    save_kind(path)
    seen = Image.fromarray(read_photo(path))
    seen.thumbnail((90, 90))
    with Image.open(io.BytesIO(encode_photo(path, 90))) as shown:
        difference = np.asarray(shown, dtype=int) - np.asarray(seen, dtype=int)
    assert np.abs(difference).mean() < 3
    if name == "grey_of_16_bits.png":
        assert np.asarray(shown).mean() == pytest.approx(127, abs=1)


def save_kind(path):
    """Save a ramp as the kind of photo that the name stands for."""
    ramp = np.linspace(0, 65535, 60 * 80).reshape(60, 80)
    colours = np.stack([ramp, ramp[::-1], np.full_like(ramp, 20_000)], axis=-1) / 257
    image, options = Image.fromarray(colours.astype(np.uint8)), {}
    match path.stem:
        case "grey_of_16_bits":
            image = Image.fromarray(ramp.astype(np.uint16))
        case "palette":
            image, options = image.quantize(16), {"transparency": 0}
        case "clear":
            image.putalpha(Image.linear_gradient("L").resize(image.size))
        case "turned":
            options = {"exif": Image.Exif()}
            options["exif"][0x0112] = 6
        case "press":
            image = image.convert("CMYK")
        case "large":
            image = image.resize((1600, 1200))
    image.save(path, **options)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a photo",
        b"<svg onload=alert(1)>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    ],
)
def test_what_is_not_a_photo_has_no_number(tmp_path, content):
    path = tmp_path / "fake.jpg"
    path.write_bytes(content)
    album = Album(64)
    album.add(Photo("fake", path))
    assert album.number(Photo("fake", path)) is None
    assert len(album) == 0


def test_a_photo_cut_anywhere_never_raises(save_photo, tmp_path):
    for name in ("whole.jpg", "whole.png", "whole.webp", "whole.gif"):
        whole = save_photo(name, size=(90, 70)).path.read_bytes()
        for end in range(0, len(whole) - 1, max(1, len(whole) // 40)):
            cut = tmp_path / "cut"
            cut.write_bytes(whole[:end])
            encode_photo(cut, 64)
    assert encode_photo(cut, 64) is None


def test_missing_folder_and_pathless_photos_have_no_number(tmp_path):
    album = Album(64)
    for photo in (Photo("gone", tmp_path / "gone.jpg"), Photo("dir", tmp_path), Photo("x", None)):
        album.add(photo)
        assert album.number(photo) is None


def test_a_file_is_read_only_once(save_photo):
    photo = save_photo("a.png")
    album = Album(64)
    album.add(photo)
    shutil.rmtree(photo.path.parent)
    album.add(photo)
    assert album.number(photo) == 0

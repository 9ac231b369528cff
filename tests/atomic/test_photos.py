"""No path from data leaves the photo folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from recbole_showcase.atomic import PhotoFolder, photo_folder
from recbole_showcase.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    deep = tmp_path / "photos" / "AF1Qip" / "OV"
    deep.mkdir(parents=True)
    (deep / "AF1QipOVx.jpg").write_bytes(b"x")
    (tmp_path / "photos" / "flat.PNG").write_bytes(b"x")
    (tmp_path / "photos" / "notes.txt").write_bytes(b"x")
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "photos" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (tmp_path / "photos" / "away").symlink_to(tmp_path)
    return tmp_path / "photos"


def test_inside(root: Path) -> None:
    folder = PhotoFolder(root)
    assert folder.resolve("flat.PNG") == (root / "flat.PNG").resolve()
    assert folder.resolve("AF1Qip/OV/AF1QipOVx.jpg").read_bytes() == b"x"
    assert folder.resolve("not-there.jpg").parent == root.resolve()


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../secret.jpg", "a/../../secret.jpg", "out.jpg", "away/secret.jpg",
     "..\\secret.jpg", "C:/x.jpg", "a\0.jpg"],
)  # fmt: skip
def test_outside_is_refused_by_name(root: Path, path: str) -> None:
    with pytest.raises(DataError) as error:
        PhotoFolder(root).resolve(path)
    assert repr(path) in str(error.value)


def test_files_are_found_at_any_depth(root: Path) -> None:
    found = dict(PhotoFolder(root).files())
    assert found["AF1QipOVx"] == "AF1Qip/OV/AF1QipOVx.jpg"
    assert found["flat"] == "flat.PNG"
    assert "notes" not in found


def test_names_that_are_not_utf8_are_left_out(root: Path) -> None:
    folder = os.fsencode(root)
    odd = os.path.join(folder, b"\xe9")
    try:
        os.mkdir(odd)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    for path in (os.path.join(folder, b"A1\xff.jpg"), os.path.join(odd, b"B1.jpg")):
        with open(path, "wb"):
            pass
    stock = {"AF1Qip/OV/AF1QipOVx.jpg", "flat.PNG", "out.jpg"}
    assert {path for _, path in PhotoFolder(root).files()} == stock


def test_the_folder_of_a_data_set(tmp_path: Path, root: Path) -> None:
    data = tmp_path / "d"
    data.mkdir()
    with pytest.raises(DataError, match="has no photos"):
        photo_folder(data)
    (data / "conversion.json").write_text(json.dumps({"photo_folder": str(root)}))
    assert photo_folder(data).root == root
    (data / "photos").mkdir()
    assert photo_folder(data).root == data / "photos"
    with pytest.raises(DataError, match="no photo folder"):
        PhotoFolder(tmp_path / "none")


@pytest.mark.parametrize("folder", ["/", "/tmp/../", str(Path.home()), str(Path.home().parent)])
def test_a_data_set_does_not_choose_the_whole_machine(tmp_path: Path, folder: str) -> None:
    (tmp_path / "conversion.json").write_text(json.dumps({"photo_folder": folder}))
    with pytest.raises(DataError, match=r"conversion\.json names .*holds more than photos"):
        photo_folder(tmp_path)


def test_a_recorded_folder_whose_links_lead_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "conversion.json").write_text(json.dumps({"photo_folder": str(tmp_path / "loop")}))
    with pytest.raises(DataError, match="no photo folder"):
        photo_folder(tmp_path)

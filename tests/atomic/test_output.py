"""A data set appears whole or not at all, and takes the place of none but ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_showcase.atomic import GoogleLocalOptions, convert_google_local, photo_folder
from recbole_showcase.atomic.conversion import output_folder
from recbole_showcase.errors import DataError
from tests.atomic.raw import lines, review


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return lines(tmp_path / "r.json", [review("u", "i")])


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, reviews: Path) -> None:
    out = tmp_path / "data" / "d"
    out.mkdir(parents=True)
    (out / "d.inter").write_text("theirs")
    (out / "conversion.json").write_text('{"format": "another"}')
    before = _tree(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(DataError, match="was not written by a converter"):
            convert_google_local([reviews], [], out, GoogleLocalOptions(overwrite=overwrite))
    assert _tree(tmp_path) == before


def test_ours_needs_overwrite_and_keeps_photos_but_not_features(
    tmp_path: Path, reviews: Path
) -> None:
    out = tmp_path / "d"
    convert_google_local([reviews], [], out)
    (out / "photos").mkdir()
    (out / "photos" / "a.jpg").write_bytes(b"x")
    (out / "labels.json").write_text("{}")
    (out / "other.item").write_text("")
    (out / "d.mine.inter").write_text("")
    (out / "d.features").mkdir()
    before = _tree(out)
    with pytest.raises(DataError, match="--overwrite replaces it"):
        convert_google_local([reviews], [], out)
    assert _tree(out) == before
    convert_google_local([reviews], [], out, GoogleLocalOptions(overwrite=True))
    assert _tree(out) == before
    assert not (out / "d.features").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_failure_leaves_what_was_there(tmp_path: Path, reviews: Path) -> None:
    out = tmp_path / "d"
    convert_google_local([reviews], [], out)
    before = _tree(tmp_path)
    with pytest.raises(DataError, match="no row is left"):
        convert_google_local(
            [reviews], [], out, GoogleLocalOptions(overwrite=True, since="2030-01-01")
        )
    assert _tree(tmp_path) == before
    with pytest.raises(KeyboardInterrupt), output_folder(out, overwrite=True) as partial:
        (partial / "half").write_text("x")
        raise KeyboardInterrupt
    assert _tree(tmp_path) == before


def test_a_folder_that_appeared_meanwhile_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "d"
    with pytest.raises(DataError, match="not written by a converter"), output_folder(out, True):
        out.mkdir()
        (out / "theirs").write_text("x")
    assert _tree(out) == {"theirs": b"x"}


def test_an_empty_folder_is_taken(tmp_path: Path, reviews: Path) -> None:
    out = tmp_path / "d"
    out.mkdir()
    convert_google_local([reviews], [], out)
    assert (out / "d.inter").is_file()


def test_a_file_in_the_way(tmp_path: Path, reviews: Path) -> None:
    with pytest.raises(DataError, match="is no folder"):
        convert_google_local([reviews], [], reviews)


@pytest.mark.parametrize("ours", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, reviews: Path, ours: bool) -> None:
    """What it leads to would lose its photos to a folder in the place of the link."""
    target = tmp_path / "elsewhere" / "d"
    if ours:
        convert_google_local([reviews], [], target)
        (target / "photos").mkdir()
        (target / "photos" / "a.jpg").write_bytes(b"x")
    (tmp_path / "d").symlink_to(target)
    before = _tree(tmp_path)
    with pytest.raises(DataError, match=r"is a link, and leads to .*elsewher"):
        convert_google_local([reviews], [], tmp_path / "d", GoogleLocalOptions(overwrite=True))
    assert _tree(tmp_path) == before and (tmp_path / "d").is_symlink()


def test_photos_of_a_conversion_that_was_killed_are_found(
    tmp_path: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, again = tmp_path / "d", GoogleLocalOptions(overwrite=True)
    convert_google_local([reviews], [], out)
    (out / "photos").mkdir()
    (out / "photos" / "a.jpg").write_bytes(b"x")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recbole_showcase.files.replace._move_kept", killed)
        with pytest.raises(KeyboardInterrupt):
            convert_google_local([reviews], [], out, again)
    with pytest.raises(DataError, match=r"photos of .* are in .*old/photos.*--overwrite puts them"):
        photo_folder(out)
    convert_google_local([reviews], [], out, again)
    assert [path for _, path in photo_folder(out).files()] == ["a.jpg"]
    assert not list(tmp_path.glob(".d.*"))

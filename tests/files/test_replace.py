"""Files and folders appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from recbole_showcase.files.replace import replace_text, replaced, replaced_folder


class _Interrupted(BaseException):
    pass


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("sync", [False, True])
def test_a_file_takes_the_place_of_another(tmp_path: Path, sync: bool) -> None:
    path = tmp_path / "a.txt"
    for text in ("old", "new"):
        with replaced(path, sync) as partial:
            partial.write_text(text)
            assert not path.exists() or path.read_text() == "old"
    replace_text(tmp_path / "b.txt", "é")
    assert _tree(tmp_path) == {"a.txt": b"new", "b.txt": "é".encode()}


@pytest.mark.parametrize("error", [OSError, _Interrupted])
def test_a_failing_writer_leaves_the_old_file_alone(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(error), replaced(path) as partial:
        partial.write_text("ne")
        raise error
    assert _tree(tmp_path) == {"a.txt": b"old"}


def test_a_file_that_was_never_begun(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "a.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "f"
    for text in ("old", "new"):
        with replaced_folder(folder) as partial:
            (partial / text).write_text(text)
    assert _tree(tmp_path) == {"above/f/new": b"new"}
    assert [p.name for p in folder.parent.iterdir()] == ["f"]


def test_a_folder_is_as_readable_as_any_other(tmp_path: Path) -> None:
    with replaced_folder(tmp_path / "f"):
        pass
    (tmp_path / "other").mkdir()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("f", "other")}
    assert len(modes) == 1


@pytest.mark.parametrize("error", [OSError, _Interrupted])
def test_a_failing_writer_leaves_the_old_folder_alone(
    tmp_path: Path, error: type[BaseException]
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_text("old")
    with pytest.raises(error), replaced_folder(folder) as partial:
        (partial / "half").write_text("x")
        raise error
    assert _tree(tmp_path) == {"f/a": b"old"}
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_what_is_kept_moves_unless_the_new_folder_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    (folder / "photos").mkdir(parents=True)
    for name in ("photos/1", "table", "mine"):
        (folder / name).write_text("old")
    with replaced_folder(folder, keep=lambda name: name != "table") as partial:
        (partial / "mine").write_text("new")
    assert _tree(folder) == {"photos/1": b"old", "mine": b"new"}
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_folder_that_cannot_be_put_back_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_text("old")
    rename = os.rename

    def stubborn(source: Path, target: Path) -> None:
        if target == folder:
            raise PermissionError(str(target))
        rename(source, target)

    monkeypatch.setattr(os, "rename", stubborn)
    with pytest.raises(PermissionError), replaced_folder(folder):
        pass
    assert list(_tree(tmp_path).values()) == [b"old"]


def test_a_link_to_a_folder_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replaced_folder(tmp_path / "link") as partial:
        (partial / "b").write_text("new")
    assert _tree(tmp_path / "real") == {"a": b"old"}
    assert _tree(tmp_path / "link") == {"b": b"new"}

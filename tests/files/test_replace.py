"""Files and folders appear whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from recbole_showcase.files import replace
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


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """As ``/dev/null`` is not, which a user that may do anything would lose."""
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (pipe, folder):
        with pytest.raises(FileExistsError, match="Something that is no file is there"):
            replace_text(path, "new")
    assert pipe.is_fifo() and sorted(tmp_path.iterdir()) == [folder, pipe]


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


@pytest.mark.parametrize("made_again", [False, True])
def test_a_folder_that_cannot_be_put_back_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_again: bool
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_text("old")
    rename = os.rename

    def stubborn(source: Path, target: Path) -> None:
        if target == folder:
            raise PermissionError(str(target))
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", stubborn)
        with pytest.raises(PermissionError), replaced_folder(folder):
            pass
    assert list(_tree(tmp_path).values()) == [b"old"]
    if made_again:
        folder.mkdir()
    with replaced_folder(folder, keep=lambda name: name == "a") as partial:
        (partial / "b").write_text("new")
    assert sorted(_tree(tmp_path).values()) == [*[b""] * made_again, b"new", b"old"]
    assert (folder / "a").exists() != made_again


def test_a_link_to_a_folder_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replaced_folder(tmp_path / "link") as partial:
        (partial / "b").write_text("new")
    assert _tree(tmp_path / "real") == {"a": b"old"}
    assert _tree(tmp_path / "link") == {"b": b"new"}


_WRITE_AND_WAIT = """
import sys
from pathlib import Path
from recbole_showcase.files import replace
with getattr(replace, sys.argv[1])(Path(sys.argv[2])) as partial:
    (partial / "half" if partial.is_dir() else partial).write_text("half")
    print("begun", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("way", ["replaced", "replaced_folder"])
def test_what_a_killed_run_has_left_is_cleared_and_what_a_living_one_writes_stays(
    tmp_path: Path, way: str
) -> None:
    target = tmp_path / "a"
    command = [sys.executable, "-c", _WRITE_AND_WAIT, way, str(target)]

    def write() -> None:
        with getattr(replace, way)(target) as partial:
            (partial / "b" if partial.is_dir() else partial).write_text("whole")

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"begun\n"
        write()
        assert len(list(tmp_path.glob(".a.partial-*"))) == 1, "its maker lives"
        other.send_signal(signal.SIGKILL)
    (tmp_path / ".a.partial-7").write_text("of an earlier version")
    (tmp_path / ".ab.partial-7").write_text("of another target")
    write()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".ab.partial-7", "a"]
    assert (target / "b" if target.is_dir() else target).read_text() == "whole"


@pytest.mark.parametrize("renamed", [False, True])
def test_what_a_killed_run_took_away_is_put_back(tmp_path: Path, renamed: bool) -> None:
    folder = tmp_path / "f"
    old = tmp_path / ".f.partial-x" / "old"
    for name in ("photos/1", "table"):
        (old / name).parent.mkdir(parents=True, exist_ok=True)
        (old / name).write_text("old")
    if renamed:  # killed after the new folder had taken the place
        folder.mkdir()
        (folder / "table").write_text("new")
    with pytest.raises(_Interrupted), replaced_folder(folder, lambda name: name == "photos"):
        raise _Interrupted
    assert _tree(tmp_path) == {"f/photos/1": b"old", "f/table": b"new" if renamed else b"old"}


@pytest.mark.parametrize("way", ["replaced", "replaced_folder"])
def test_an_error_of_the_disk_says_where_and_what_is_kept(tmp_path: Path, way: str) -> None:
    target = tmp_path / "a"
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError) as raised, getattr(replace, way)(target):
        raise full
    assert str(raised.value) == f"[Errno {errno.ENOSPC}] No space left on device: '{target}'"
    assert raised.value.__notes__ == [f"{target} was left as it was"]

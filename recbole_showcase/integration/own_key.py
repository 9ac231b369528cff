"""A random key of the user's own, which tells one's checkpoints from those of others.

It lies in the user's state folder, is made on first use and never leaves the machine. Where it
cannot be written or read, nothing is signed and no signature holds.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from functools import cache
from logging import getLogger
from pathlib import Path
from typing import Any

_BYTES = 32
_PURPOSE = "recbole_showcase: paths of a checkpoint"  # a signature holds for nothing else


def key_file() -> Path:
    """Where the key is, as the XDG base directory specification has it.

    Raises:
        RuntimeError: The user has no home.
    """
    told = os.environ.get("XDG_STATE_HOME", "")
    base = Path(told) if os.path.isabs(told) else Path.home() / ".local" / "state"
    return base / "recbole_showcase" / "checkpoint.key"


def signature_of(content: Any) -> str | None:
    """The HMAC-SHA256 of plain data; None where there is no key and none can be made."""
    key = _key(make=True)
    return None if key is None else _signature(key, content)


def is_signed(content: Any, signature: Any) -> bool:
    """Whether the signature of the data is by this user's key."""
    key = _key(make=False) if isinstance(signature, str) and signature.isascii() else None
    return key is not None and hmac.compare_digest(signature, _signature(key, content))


def _signature(key: bytes, content: Any) -> str:
    text = json.dumps([_PURPOSE, content], sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()


def _key(make: bool) -> bytes | None:
    """The key; None where there is none that nobody else can know."""
    try:
        path = key_file()
        if make and not path.exists():
            _make(path)
        return _read(path)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:
        _tell(f"paths of checkpoints are not signed: {error}")
        return None


@cache
def _tell(line: str) -> None:
    """Say it once, to those who look for it."""
    getLogger().debug(line)


def _make(path: Path) -> None:
    """Write a key, whole or not at all; one that another process has made meanwhile stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(prefix=".key-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        os.unlink(made)


def _read(path: Path) -> bytes:
    """The key of a file that is this user's alone.

    Raises:
        OSError: It cannot be read, is too short, or others can read or write it.
    """
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(
        os, "O_NONBLOCK", 0
    )  # a pipe would be waited for
    handle = os.open(path, os.O_RDONLY | flags)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"'{path}' is no file")
        if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
            raise OSError(f"'{path}' is not this user's alone (chmod 600)")
        key = file.read(_BYTES)
    if len(key) != _BYTES:
        raise OSError(f"'{path}' holds no key; delete it, and a new one is made")
    return key

"""The archive that a checkpoint is: whole, no larger than it says, and no program."""

from __future__ import annotations

import os
import zipfile

import torch

from recbole_showcase.errors import CheckpointError


def require_sound(path: str | os.PathLike[str]) -> None:
    """Refuse a file that is not to be handed to ``torch.load``, whatever its members hold.

    Raises:
        CheckpointError: It is no zip archive, holds a program, would be unpacked, or has changed.
    """
    if not zipfile.is_zipfile(path):
        raise CheckpointError(f"'{os.fspath(path)}' is not a checkpoint: not a zip archive")
    _refuse_torchscript(path)
    _refuse_unpacking(path)
    _refuse_damaged(path)


def _refuse_torchscript(path: str | os.PathLike[str]) -> None:
    """``torch.load`` hands archives with TorchScript to the JIT, which would run them.

    Asks the reader that ``torch.load`` asks: of an archive made for it, others see other members.
    """
    if "constants.pkl" in torch._C.PyTorchFileReader(os.fspath(path)).get_all_records():
        raise CheckpointError(f"'{os.fspath(path)}' holds a program, not a checkpoint")


def _refuse_unpacking(path: str | os.PathLike[str]) -> None:
    """Refuse members that are longer than the file: ``torch.save`` compresses nothing."""
    with zipfile.ZipFile(path) as archive:
        announced = sum(item.file_size for item in archive.infolist())
    if announced > os.path.getsize(path):
        raise CheckpointError(
            f"'{os.fspath(path)}' is not a checkpoint: it would be unpacked to {announced:,} bytes"
        )


def _refuse_damaged(path: str | os.PathLike[str]) -> None:
    """Compare the checksums of the members, which ``torch.load`` does not look at."""
    if not torch.serialization.get_crc32_options():  # files are written without them
        return
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise CheckpointError(
                f"checkpoint '{os.fspath(path)}' is damaged: '{damaged}' in it has changed since "
                "it was written"
            )

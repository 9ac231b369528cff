"""Reading what PyTorch saves as data: no name of a file is imported, and nothing in it is called.

RecBole saves with pickle protocol 4, which PyTorch's own reader of plain data does not know. Here
reading has two steps. :class:`RecordingUnpickler` notes what the file wants, as that of
:mod:`recbole_showcase.files.recorded` does, and gives the storages of tensors.
:mod:`recbole_showcase.integration.rebuild` then makes values of those few placeholders that stand
for data.
"""

from __future__ import annotations

import os
import pickle
import types
import zipfile
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from recbole_showcase.files import recorded
from recbole_showcase.files.recorded import Placeholder


class RecordingUnpickler(recorded.RecordingUnpickler):
    """One that also reads how the archives of ``torch.save`` name the numbers of a tensor."""

    sizes: ClassVar[dict[str, int]] = {}  # of the members of the archive, in bytes
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(
        recorded.RecordingUnpickler.dispatch
    )

    def _load_binpersid(self) -> None:
        self.append(self.persistent_load(_checked_storage(self.stack.pop(), self.sizes)))

    dispatch[pickle.BINPERSID[0]] = _load_binpersid


def read_recorded(path: str | os.PathLike[str], map_location: Any) -> Any:
    """Read a file of ``torch.save``: its tensors' storages, and placeholders for all but data.

    Raises:
        pickle.UnpicklingError: If it asks for what no pickler writes.
    """
    with zipfile.ZipFile(path) as archive:
        members = {item.filename.partition("/")[2]: item.file_size for item in archive.infolist()}

    class Unpickler(RecordingUnpickler):
        sizes = members

    stand_in = types.ModuleType("pickle")
    stand_in.Unpickler = Unpickler  # type: ignore[attr-defined]
    stand_in.UnpicklingError = pickle.UnpicklingError  # type: ignore[attr-defined]
    return torch.load(
        path, map_location=map_location, weights_only=False, pickle_module=stand_in, mmap=False
    )


def _checked_storage(key: Any, sizes: dict[str, int]) -> tuple[Any, ...]:
    """How a pickle names the numbers of a tensor; PyTorch trusts it with types and sizes."""
    if type(key) is not tuple or len(key) != 5:
        raise pickle.UnpicklingError("it names no storage of a tensor")
    kind, storage, name, location, size = key
    if type(storage) is Placeholder and storage.name == "UntypedStorage":
        storage = torch.UntypedStorage
    elif type(storage) is not torch.serialization.StorageType:
        raise pickle.UnpicklingError(f"it names a storage of the type {storage!r}")
    if not all(type(text) is str for text in (kind, name, location)) or type(size) is not int:
        raise pickle.UnpicklingError("it names no storage of a tensor")
    item = 1 if storage is torch.UntypedStorage else storage.dtype.itemsize
    if sizes.get(f"data/{name}") != size * item:
        raise pickle.UnpicklingError(f"its storage '{name}' is not as large as it says")
    return kind, storage, name, location, size

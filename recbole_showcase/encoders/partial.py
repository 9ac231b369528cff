"""The folder aside in which a feature store grows until it is complete."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from recbole_showcase.encoders.plan import sources_file
from recbole_showcase.encoders.rows import RowWriter
from recbole_showcase.encoders.store import Modality
from recbole_showcase.files.replace import put_in_place, sync_to_disk


class PartialStore:
    """A store in the making, beside the place where it will be.

    ``plan.json`` tells what is being made; an interrupted run goes on only with the very
    same plan. The files of the finished store are in ``store``.

    Attributes:
        resumed: Whether an interrupted run with the same plan was found.
        discarded: Whether an interrupted run with another plan was found and thrown away.
    """

    def __init__(self, final: Path, plan: dict[str, Any]) -> None:
        """Go on with what is there if it was made by the same plan, else start over.

        Args:
            final: Folder of the finished store.
            plan: What is being made, in values that JSON holds.
        """
        self._final = final
        self._aside = aside_of(final)
        self._store = self._aside / "store"
        found = self._read_plan()
        self.resumed = found == plan and self._store.is_dir()
        self.discarded = self._aside.exists() and not self.resumed
        if not self.resumed:
            shutil.rmtree(self._aside, ignore_errors=True)
            self._store.mkdir(parents=True)
            _write(self._aside / "plan.json", json.dumps(plan, indent=1).encode())

    def writer(self, modality: Modality, most: int, dim: int, dtype: str) -> RowWriter:
        """Open the rows of a modality; see :class:`RowWriter`."""
        journal = self._aside / f"{modality}.journal"
        return RowWriter(self._store / f"{modality}.npy", journal, most, dim, dtype)

    def write_ids(self, modality: Modality, tokens: np.ndarray, hashes: np.ndarray) -> None:
        """Write the tokens (N,) of the rows and the hashes (N,) of what they were made from."""
        text = "".join(f"{token}\n" for token in tokens)
        _write(self._store / f"{modality}.ids", text.encode())
        with sources_file(self._store, modality).open("wb") as file:
            np.save(file, hashes)
            sync_to_disk(file)

    def publish(self, meta: dict[str, Any]) -> None:
        """Write ``meta.json`` and put the store where it belongs, as a whole."""
        _write(self._store / "meta.json", json.dumps(meta, indent=1, ensure_ascii=False).encode())
        put_in_place(self._store, self._final, self._aside / "old")
        _sync_folder(self._final.parent)
        shutil.rmtree(self._aside)

    def _read_plan(self) -> Any:
        try:
            return json.loads((self._aside / "plan.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def aside_of(final: Path) -> Path:
    """Folder in which the store ``final`` grows."""
    return final.with_name(f".{final.name}.partial")


def restore_old(final: Path) -> None:
    """Put the earlier store back if a run was killed between taking it away and replacing it."""
    old = aside_of(final) / "old"
    if old.exists() and not final.exists():
        os.replace(old, final)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        sync_to_disk(file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

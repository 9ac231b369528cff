"""Files beside checkpoints that RecBole runs: pickles of data, arrays of objects, evaluated names.

RecBole unpickles a data set and loaders that it finds under a name that follows from those of the
data set and the model, so a file that came along with somebody's checkpoint would be run. Here one
is unpickled if this process wrote it, or if the user's own settings name it. Any other is passed
over, and the data is made anew.
"""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Callable
from contextvars import ContextVar
from importlib import import_module
from logging import getLogger
from typing import IO, Any

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.integration.checkpoint import TEACHERS
from recbole_showcase.integration.compat import LibraryView, recbole_modules
from recbole_showcase.integration.own_files import note_written, written_here
from recbole_showcase.parts import is_named_by_a_file

_setting: ContextVar[tuple[str, str | None]] = ContextVar("setting", default=("", None))


def guard() -> None:
    """Give the modules of RecBole's that read such files their views; call once they are loaded."""
    _guard_pickles()
    _guard_arrays()
    _guard_teacher()


class _PassedOver(Exception):
    """Loaders are asked of a file that is not read."""


class _NoData:
    """Stands for a data set that is not read: its settings equal no others."""

    @property
    def config(self) -> _NoData:
        return self

    def __getitem__(self, name: str) -> object:
        return object()

    def __iter__(self) -> Any:
        raise _PassedOver


def _guard_pickles() -> None:
    """``create_dataset`` and ``load_split_dataloaders`` unpickle whatever has the right name."""
    utils = import_module("recbole.data.utils")
    view = LibraryView(pickle, load=_load, dump=_dump)
    for module in (utils, import_module("recbole.data.dataset.dataset")):
        module.pickle = view  # type: ignore[attr-defined]
    for name, setting in (
        ("create_dataset", "dataset_save_path"),
        ("load_split_dataloaders", "dataloaders_save_path"),
    ):
        original = getattr(utils, name)
        wrapped = _knowing(original, setting)
        for module in recbole_modules():
            if getattr(module, name, None) is original:
                setattr(module, name, wrapped)


def _knowing(original: Callable[[Any], Any], setting: str) -> Callable[[Any], Any]:
    """The function, during which it is known what file the user names."""

    @functools.wraps(original)
    def wrapped(config: Any) -> Any:
        token = _setting.set((setting, config[setting]))
        try:
            return original(config)
        except _PassedOver:
            return None
        finally:
            _setting.reset(token)

    return wrapped


def _load(file: IO[bytes]) -> Any:
    """What a file holds, if it may be unpickled."""
    setting, named = _setting.get()
    if written_here(file.name) or (named and not is_named_by_a_file()):
        return pickle.load(file)
    getLogger().warning(
        f"{os.path.abspath(file.name)} is passed over: reading it would run what it holds, "
        f"and this process has not written it. If it is yours, name it in the setting '{setting}'."
    )
    return _NoData()


def _dump(value: Any, file: IO[bytes]) -> None:
    pickle.dump(value, file)
    file.flush()
    note_written(file.name)


def _guard_arrays() -> None:
    """LDiffRec with ``n_cate`` above 1 unpickles what is in ``item_emb.npy`` of the data."""
    module = import_module("recbole.model.general_recommender.ldiffrec")
    numpy = module.np

    def load(path: str, allow_pickle: bool = False) -> Any:
        try:
            return numpy.load(path, allow_pickle=False)
        except ValueError as error:
            raise DataError(f"{path} is no array of numbers: {error}") from error

    module.np = LibraryView(numpy, load=load)  # type: ignore[attr-defined]


def _guard_teacher() -> None:
    """KD_DAGFM evaluates the setting ``teacher``."""
    module = import_module("recbole.model.context_aware_recommender.kd_dagfm")

    def teacher(name: str) -> Any:
        if name not in TEACHERS:
            raise SettingsError(f"setting 'teacher' is {name!r}; allowed: {', '.join(TEACHERS)}")
        return getattr(module, name)

    module.eval = teacher  # type: ignore[attr-defined]

"""The version, and where the files are that travel with the package, in a checkout or a wheel."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"
_PACKAGE = Path(__file__).resolve().parent


def _beside_or_inside(name: str) -> Path:
    """Return ``name`` inside the installed package, or beside it in a checkout."""
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"package data '{name}' is neither in {_PACKAGE} nor beside it")


def properties_path() -> Path:
    """Folder of the YAML defaults."""
    return _beside_or_inside("properties")


def dataset_atomic_path() -> Path:
    """Folder of the data sets in RecBole's atomic format that ship with the package."""
    return _beside_or_inside("dataset_atomic")


def weights_path() -> Path:
    """Folder of the encoder weights that ship with the package."""
    return _PACKAGE / "encoders" / "weights"

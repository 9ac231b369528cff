"""The version, and where the files are that travel with the package, in a checkout or a wheel."""

from __future__ import annotations

import hashlib
from pathlib import Path

from recbole_showcase.errors import FeatureStoreError

__version__ = "0.1.0"
_PACKAGE = Path(__file__).resolve().parent
_SUMS = "SHA256SUMS"  # as sha256sum writes it


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


def write_sums(folder: Path) -> None:
    """Write the digests of the files of a folder of weights that :func:`require_whole` compares."""
    kinds = ("open_clip_*", "tokenizer*.json", "classifier.*")  # what is loaded
    files = sorted(path for kind in kinds for path in folder.glob(kind))
    lines = [f"{_sha256(path)}  {path.name}\n" for path in files]
    (folder / _SUMS).write_text("".join(lines), encoding="utf-8")


def require_whole(folder: Path) -> Path:
    """A folder of weights that ship, if its files are those that were shipped.

    Raises:
        FeatureStoreError: Naming the file that is missing or another.
    """
    advice = "install again: pip install --force-reinstall --no-deps recbole_showcase"
    try:
        lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FeatureStoreError(f"{folder / _SUMS} cannot be read: {error}; {advice}") from error
    for digest, _, name in (line.partition("  ") for line in lines):
        path = folder / name
        if not path.is_file() or _sha256(path) != digest:
            raise FeatureStoreError(
                f"{path} is missing or not as it was shipped (another SHA-256); {advice}"
            )
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

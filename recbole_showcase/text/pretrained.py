"""Models and tokenizers of Hugging Face's that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recbole_showcase.console import others_bars
from recbole_showcase.errors import SettingsError, refusal_of


def load_pretrained(kind: Any, setting: str, name_or_path: str, **options: Any) -> Any:
    """A model or a tokenizer of Hugging Face's.

    Args:
        kind: A class with ``from_pretrained``, such as ``AutoTokenizer``.
        setting: The setting that names it.
        name_or_path: Its value, of a model on the hub, of a folder or of a ``.gguf`` file.
        **options: More arguments of ``from_pretrained``.

    Raises:
        SettingsError: If there is none, or none that the class can load, or the package that reads
            its file is missing.
    """
    place, inside = _place(setting, name_or_path)
    try:
        with others_bars():
            # A folder's own code is never run, nor is anybody asked on the terminal whether to.
            return kind.from_pretrained(place, trust_remote_code=False, **inside, **options)
    except Exception as error:  # what is damaged is told by anything: of safetensors, torch, json
        raise SettingsError(
            f"setting '{setting}' is '{name_or_path}', which {kind.__name__} cannot load; allowed: "
            "the name of a model on the Hugging Face hub, or the path of its folder or of its "
            f".gguf file: {refusal_of(error)}"
        ) from error


def _place(setting: str, name_or_path: str) -> tuple[str, dict[str, str]]:
    """Where a model is, and the name of its file where it is in one.

    Raises:
        SettingsError: It is a file of another kind, or the package that reads it is missing.
    """
    path = Path(name_or_path)
    if not path.is_file():
        return name_or_path, {}
    if path.suffix != ".gguf":
        raise SettingsError(
            f"'{setting}' is '{name_or_path}'; allowed: a folder, a .gguf file or a name"
        )
    try:
        import gguf  # noqa: F401 - transformers reads by it
    except ImportError as error:
        raise SettingsError(
            f"'{setting}' is a .gguf file, which needs the package gguf: "
            "pip install 'recbole_showcase[gguf]'"
        ) from error
    return str(path.parent), {"gguf_file": path.name}

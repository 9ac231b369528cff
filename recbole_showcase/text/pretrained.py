"""Models and tokenizers of Hugging Face's that a setting names."""

from __future__ import annotations

from typing import Any

from recbole_showcase.console import others_bars
from recbole_showcase.errors import SettingsError


def load_pretrained(kind: Any, setting: str, name_or_path: str, **options: Any) -> Any:
    """A model or a tokenizer of Hugging Face's.

    Args:
        kind: A class with ``from_pretrained``, such as ``AutoTokenizer``.
        setting: The setting that names it.
        name_or_path: Its value, of a model on the hub or of a folder.
        **options: More arguments of ``from_pretrained``.

    Raises:
        SettingsError: If there is none, or none that the class can load.
    """
    try:
        with others_bars():
            # A folder's own code is never run, nor is anybody asked on the terminal whether to.
            return kind.from_pretrained(name_or_path, trust_remote_code=False, **options)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"setting '{setting}' is '{name_or_path}', which {kind.__name__} cannot load; allowed: "
            f"the name of a model on the Hugging Face hub, or the path of its folder: {error}"
        ) from error

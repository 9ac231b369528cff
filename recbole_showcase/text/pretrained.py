"""Models and tokenizers of Hugging Face's that a setting names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from recbole_showcase.console import has_bars
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
        with _bars_as_ours():
            # A folder's own code is never run, nor is anybody asked on the terminal whether to.
            return kind.from_pretrained(name_or_path, trust_remote_code=False, **options)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"setting '{setting}' is '{name_or_path}', which {kind.__name__} cannot load; allowed: "
            f"the name of a model on the Hugging Face hub, or the path of its folder: {error}"
        ) from error


@contextmanager
def _bars_as_ours() -> Iterator[None]:
    """Without the bars of transformers meanwhile, where this package draws none either."""
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled()
    if has_bars() or not before:
        yield
        return
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.enable_progress_bar()

"""The errors this package raises; every one names what was found and what is allowed."""

import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Codes that a terminal obeys, and characters that turn the direction of what follows.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def one_line(text: str) -> str:
    r"""Text of a file to be shown: on one line, and without what a terminal would obey.

    >>> one_line("a\nb \x1b[31mred")
    'a b  [31mred'
    """
    return _UNSHOWN.sub(" ", text)


def refusal_of(error: Exception) -> str:
    r"""What a library says of a model or weights that it cannot load, on one line.

    Each has errors of its own for what is damaged. PyTorch's goes on about another way to load,
    which would run what stands in the file.

    >>> refusal_of(ValueError("no\nmodel")), refusal_of(KeyError(101))
    ('no model', 'KeyError: 101')
    """
    if isinstance(error, pickle.UnpicklingError):
        return "its weights are damaged, or hold more than tensors"
    said = one_line(str(error)).strip()
    usual = isinstance(error, ImportError | OSError | ValueError)
    return said if usual and said else f"{type(error).__name__}: {said}".rstrip(": ")


class ShowcaseError(Exception):
    """Base of all errors raised by this package."""


class LostWorker(ShowcaseError):
    """A process that shared the work is gone, for want of memory for one."""


@contextmanager
def interrupt_note(note: str | Callable[[], str]) -> Iterator[None]:
    """Add to Ctrl-C, or to the loss of a worker, what was kept, unless it says so already.

    Args:
        note: What was kept, or what finds it out then.
    """
    try:
        yield
    except (KeyboardInterrupt, LostWorker) as interrupt:
        note = note() if callable(note) else note
        if note not in getattr(interrupt, "__notes__", ()):
            interrupt.add_note(note)
        raise


class DataError(ShowcaseError):
    """A raw or atomic file, or an option of a converter, is not usable."""


class FeatureStoreError(ShowcaseError):
    """A feature store is missing, incomplete, or does not fit the data set."""


class SettingsError(ShowcaseError):
    """A setting is unknown, of the wrong type, or out of range."""


class CheckpointError(ShowcaseError):
    """A checkpoint is not ours or RecBole's, is damaged, or asks for code we do not run."""


class JudgeError(ShowcaseError):
    """A language model that is to judge texts cannot be asked, or does not answer."""


class RegistrationError(ShowcaseError):
    """A name cannot be registered with RecBole, or is not known there."""


class MissingRecBole(RegistrationError, ModuleNotFoundError):
    """RecBole is needed and not installed."""

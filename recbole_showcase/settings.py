"""Settings: read once from RecBole's merged configuration into frozen, checked dataclasses."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from recbole_showcase.errors import SettingsError

PREFIXES = ("showcase_", "explainer_", "selector_", "relevance_")
T = TypeVar("T")

_MINIMA = {
    "photos": 1,
    "max_photos": 0,
    "max_candidates": 1,
    "max_history_reviews": 0,
    "max_history_photos": 0,
    "min_photos": 0,
    "max_tokens": 1,
    "vocab_size": 259,  # 256 bytes, start, end and padding
    "staged_epochs": 0,
    "batch_size": 1,
    "eval_batch_size": 1,
    "eval_step": 0,
    "valid_pairs": 0,
    "test_pairs": 0,
    "lexicon_size": 1,
}


@dataclass(frozen=True)
class ShowcaseSettings:
    """Settings of every composed model; ``properties/showcase.yaml`` explains and defaults them.

    A field ``x`` is the configuration key ``showcase_x``.
    """

    explainer: str
    selector: str
    relevance: str
    encoder: str
    photos: int
    max_photos: int
    max_candidates: int
    max_history_reviews: int
    max_history_photos: int
    target: Literal["text", "explanation"]
    min_photos: int
    max_tokens: int
    entities: str | None
    tokenizer: str | None
    vocab_size: int
    use_recommender: bool
    share_gradient: bool
    schedule: Literal["joint", "alternating", "staged"]
    staged_epochs: int
    batch_size: int
    eval_batch_size: int
    learning_rate: float
    weight_decay: float
    clip_grad_norm: float
    loss_weight: float
    eval_step: int
    valid_pairs: int
    test_pairs: int
    lexicon: str | None
    lexicon_size: int
    support_cosine: float
    text_model: str | None
    text_layer: int
    alignment: str | None

    def __post_init__(self) -> None:
        """Check the ranges of the counts."""
        for name, least in _MINIMA.items():
            value = getattr(self, name)
            if value < least:
                raise SettingsError(
                    f"setting 'showcase_{name}' is {value}; allowed: {least} or more"
                )


def read_settings(cls: type[T], prefix: str, values: Mapping[str, Any]) -> T:
    """Read the fields of a settings dataclass from a configuration.

    Args:
        cls: A frozen dataclass without defaults.
        prefix: What configuration keys put before the field names, such as ``showcase_``.
        values: The merged configuration; keys without the prefix are not looked at.

    Returns:
        The settings.

    Raises:
        SettingsError: If a key with the prefix is no field, a field has no value, or a value has
            the wrong type or is out of range.
    """
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    given = {key for key in values if key.startswith(prefix)}
    check_known(given, [prefix + name for name in names])
    checked = {}
    for name in names:
        key = prefix + name
        if key not in values:
            raise SettingsError(f"setting '{key}' has no value")
        checked[name] = _checked(key, values[key], hints[name])
    return cls(**checked)


def check_known(keys: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keys that are not known, or that are nearly one of ours.

    Args:
        keys: Keys that a user gave.
        known: All keys of this package.

    Raises:
        SettingsError: Naming the first bad key and the nearest allowed one.
    """
    known = sorted(known)
    for key in sorted(set(keys) - set(known)):
        # Other keys are RecBole's or the user's own, unless they are a slip of the pen away.
        cutoff = 0.0 if key.startswith(PREFIXES) else 0.9
        near = get_close_matches(key, known, n=1, cutoff=cutoff)
        if near or key.startswith(PREFIXES):
            hint = f"; the nearest allowed one is '{near[0]}'" if near else ""
            raise SettingsError(f"unknown setting '{key}'{hint}")


def _checked(key: str, value: Any, hint: Any) -> Any:
    """Return the value as the annotated type, or raise naming the key."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value in args:
            return value
        allowed = ", ".join(map(str, args))
        raise SettingsError(f"setting '{key}' is {value!r}; allowed: {allowed}")
    if origin is tuple:
        if isinstance(value, (list, tuple)):
            return tuple(_checked(key, item, args[0]) for item in value)
        raise SettingsError(f"setting '{key}' is {value!r}; allowed: a list")
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        (hint,) = (arg for arg in args if arg is not type(None))
        return _checked(key, value, hint)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise SettingsError(
            f"setting '{key}' is {value!r} of type {type(value).__name__}; allowed: {hint.__name__}"
        )
    return value

"""Settings: read once from RecBole's merged configuration into frozen, checked dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from pydantic import (
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)

from recbole_showcase.errors import SettingsError

PREFIXES = ("showcase_", "explainer_", "selector_", "relevance_")
T = TypeVar("T")

_SHOWN = Repr()  # a value of a file may be as long as the file, or by its aliases far longer
_SHOWN.maxlist = _SHOWN.maxdict = 20
_SHOWN.maxstring = _SHOWN.maxother = 300
_STRICT = ConfigDict(strict=True)  # no "3" for 3, no True for 1; an int where a float is meant


@dataclass(frozen=True)
class ShowcaseSettings:
    """Settings of every composed model; ``properties/showcase.yaml`` explains them.

    A field ``x`` is the configuration key ``showcase_x``. The file has the same defaults.
    """

    explainer: str = "showcase"
    selector: str = "dpp"
    relevance: str = "learned"
    encoder: str = "showcase-tiny"
    photos: PositiveInt = 3
    max_photos: NonNegativeInt = 4
    max_candidates: PositiveInt = 64
    max_history_reviews: NonNegativeInt = 8
    max_history_photos: NonNegativeInt = 16
    max_sentences: PositiveInt = 256
    target: Literal["text", "explanation"] = "explanation"
    min_photos: NonNegativeInt = 1
    max_tokens: PositiveInt = 40
    entities: str | None = None
    tokenizer: str | None = None
    vocab_size: Annotated[int, Field(ge=259)] = 2000  # 256 bytes, start, end and padding
    use_recommender: bool = True
    share_gradient: bool = False
    schedule: Literal["joint", "alternating", "staged"] = "joint"
    staged_epochs: NonNegativeInt = 10
    batch_size: PositiveInt = 32
    eval_batch_size: PositiveInt = 64
    learning_rate: float = 0.001
    weight_decay: float = 0.0
    clip_grad_norm: float = 1.0
    loss_weight: float = 1.0
    eval_step: NonNegativeInt = 0
    valid_pairs: NonNegativeInt = 200
    test_pairs: NonNegativeInt = 0
    case_photos: PositiveInt = 10
    case_author_photos: PositiveInt = 10
    lexicon: str | None = None
    lexicon_size: PositiveInt = 500
    support_cosine: float = 0.6
    text_model: str | None = None
    text_layer: int = -1
    text_baseline: str | None = None
    nli_model: str | None = None
    evidence_reviews: PositiveInt = 8
    seq2seq_model: str | None = None
    alignment: str | None = None


def read_settings(cls: type[T], prefix: str, values: Mapping[str, Any]) -> T:
    """Read the fields of a settings dataclass from a configuration.

    Args:
        cls: A frozen dataclass; its annotations may hold constraints of pydantic's.
        prefix: What configuration keys put before the field names, such as ``showcase_``.
        values: The merged configuration; keys without the prefix are not looked at.

    Returns:
        The settings; a field whose key has no value has its default.

    Raises:
        SettingsError: If a key with the prefix is no field, a field has neither value nor default,
            or a value has the wrong type or is out of range.
    """
    known = {prefix + field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    check_known((key for key in values if key.startswith(prefix)), known)
    hints = get_type_hints(cls, include_extras=True)
    checked = {}
    for key, field in known.items():
        if key in values:
            checked[field.name] = _checked(key, values[key], hints[field.name])
        elif field.default is MISSING and field.default_factory is MISSING:
            raise SettingsError(f"setting '{key}' has no value")
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


def first_error(error: ValidationError) -> tuple[str, str]:
    """What pydantic says first, as this package does.

    Returns:
        The place below what was validated, such as ``.bases[0].name``, and what is wrong there:
        what was found and what is allowed.
    """
    first = error.errors(include_url=False)[0]
    place, said = list(first["loc"]), first["msg"]
    match first["type"]:
        case "missing":
            said = f"has no '{place.pop()}'"
        case "value_error":  # raised by a check of ours
            said = said.removeprefix("Value error, ")
        case _:
            said = said.replace("Input should be", "allowed:").replace("tuple", "list")
            said = f"is {_SHOWN.repr(first['input'])}; {said[0].lower()}{said[1:]}"
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place), said


def stored_as(kind: Any, text: bytes | str) -> Any:
    """What is stored as JSON, with every value of the type that it must have.

    Args:
        kind: The type: a dataclass or an annotation.
        text: The JSON.

    Raises:
        ValueError: It is no JSON or of another type; says where, in one line.
    """
    try:
        return TypeAdapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise ValueError(error.errors()[0]["msg"]) from None
        raise ValueError(" ".join(first_error(error)).strip()) from None


def _checked(key: str, value: Any, hint: Any) -> Any:
    """Return the value as the annotated type, or raise naming the key."""
    if isinstance(value, list) and tuple in [get_origin(h) for h in (hint, *get_args(hint))]:
        value = tuple(value)  # which YAML does not have
    try:
        return TypeAdapter(hint, config=_STRICT).validate_python(value)
    except ValidationError as error:
        place, said = first_error(error)
        raise SettingsError(f"setting '{key}{place}' {said}") from None

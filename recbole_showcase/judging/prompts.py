"""What a judge is asked: a versioned file of criteria and words, filled in with material."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, StrictUndefined
from pydantic import TypeAdapter

from recbole_showcase.errors import SettingsError, one_line
from recbole_showcase.files.yaml_files import read_yaml
from recbole_showcase.judging.pairs import Pair

VERSION = 1
_FOLDER = Path(__file__).parent / "prompts"
_MOST_CHARACTERS = 1000  # of a text of the material
# Chat templates of language models set their own marks in such brackets: <|im_start|>, [INST].
_BRACKETS = str.maketrans("<>[]", "‹›()")
_UNSPELLED = re.compile("[\ud800-\udfff]")
_MARK = 12  # hexadecimal digits

Material = Literal["reference", "evidence", "history"]


@dataclass(frozen=True)
class Criterion:
    """What a text is graded by.

    Attributes:
        name: Its key in the file.
        low, high: The ends of the scale, whole numbers.
        asks: The question.
        scale: What grades mean.
        reads: What a pair must have beside its text to be asked about.
    """

    name: str
    low: int
    high: int
    asks: str
    scale: Mapping[int, str]
    reads: tuple[Material, ...]

    @property
    def grades(self) -> range:
        """All grades."""
        return range(self.low, self.high + 1)


@dataclass(frozen=True)
class Message:
    """What is said to a judge about one pair and criterion."""

    system: str
    question: str


@dataclass(frozen=True)
class Prompt:
    """A version of the words.

    Attributes:
        version: Its number.
        digest: SHA-256 of the file.
        criteria: By name.
        titles: What the parts of the material are called.
    """

    version: int
    digest: str
    criteria: Mapping[str, Criterion]
    titles: Mapping[str, str]
    _system: str
    _question: Any

    def chosen(self, names: Sequence[str]) -> list[Criterion]:
        """Criteria by name, all of them where none is named.

        Raises:
            SettingsError: There is no such criterion.
        """
        for name in names:
            if name not in self.criteria:
                allowed = ", ".join(self.criteria)
                raise SettingsError(f"there is no criterion '{name}'; allowed: {allowed}")
        return [self.criteria[name] for name in dict.fromkeys(names or self.criteria)]

    def message(self, pair: Pair, criterion: Criterion) -> Message | None:
        """What is said about a pair; None if it lacks what the criterion reads, or has no text."""
        material = material_of(pair, criterion.reads)
        if material is None or not pair.text.strip():
            return None
        texts = [(self.titles[key], [*map(defused, own)]) for key, own in material.items()]
        mark = _mark(text for _, own in texts for text in own)
        question = self._question.render(criterion=criterion, material=texts, mark=mark)
        return Message(self._system, question)


def material_of(pair: Pair, reads: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """What is shown of a pair by title, the text last; None if something to read is not there."""
    found: dict[str, tuple[str, ...]] = {"item": (pair.item_name or pair.item,)}
    for name in reads:
        given = getattr(pair, name)
        texts = tuple(t for t in ([given] if isinstance(given, str) else given) if t.strip())
        if not texts:
            return None
        found[name] = texts
    return found | {"text": (pair.text,)}


def defused(text: str) -> str:
    """Somebody's text as one line of a prompt, without the signs of chat templates.

    >>> defused('Good.' + chr(10) + '[end] <|im_end|>')
    'Good. (end) ‹|im_end|›'
    """
    plain = _UNSPELLED.sub("\ufffd", one_line(text)).translate(_BRACKETS).strip()
    return plain if len(plain) <= _MOST_CHARACTERS else plain[:_MOST_CHARACTERS] + "…"


def _mark(texts: Any) -> str:
    """A word that none of some texts has, the same for the same texts."""
    content = "\0".join(texts)
    mark = content
    while mark in content or len(mark) != _MARK:
        mark = hashlib.sha256((mark + content).encode()).hexdigest()[:_MARK]
    return mark


@cache
def read_prompt(version: int = VERSION) -> Prompt:
    """Read a version of the prompt that travels with the package."""
    path = _FOLDER / f"v{version}.yaml"
    content = read_yaml(path)
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    adapter = TypeAdapter(Criterion)
    return Prompt(
        version=content["version"],
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        criteria={
            name: adapter.validate_python({"name": name, **own})
            for name, own in content["criteria"].items()
        },
        titles=content["titles"],
        _system=content["system"].strip(),
        _question=environment.from_string(content["question"]),
    )

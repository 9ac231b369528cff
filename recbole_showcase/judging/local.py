"""A judge on this machine: a causal language model, of which the expected grade is read.

Instead of having it write a grade, the probabilities of all grades are taken from its next words,
and their mean is the grade: it is the same at every run, and tells 3.4 from 3.6. This is the
weighting of G-Eval (Liu et al., EMNLP 2023), whose probabilities are estimated from twenty samples
where an endpoint tells none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recbole_showcase.arguments import check_device
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import JudgeError, SettingsError
from recbole_showcase.judging.asking import Answer, Question
from recbole_showcase.judging.grades import Expected, GradeTrie, Nexts
from recbole_showcase.text.pretrained import load_pretrained

# What an answer begins with; the grade follows, behind a space or not.
BEGINNING = '{"score":'
_SPELLINGS = ("{}", " {}")
_ROWS = 32  # beginnings of grades that are read at a time, over all prompts of a batch
_DIGITS = 6  # of expected grades; floats differ behind it with the batch


@dataclass(frozen=True)
class LocalOptions:
    """Which model, and how it is run.

    Attributes:
        model: A folder, a GGUF file, or a name on the Hugging Face hub.
        device: Such as ``cpu`` or ``cuda:0``.
        batch: Prompts that are read at a time.
    """

    model: str
    device: str = "cpu"
    batch: int = 4


class LocalJudge:
    """Reads expected grades from a model's next words.

    Attributes:
        samples: One: there is nothing to draw.
    """

    samples = 1

    def __init__(self, options: LocalOptions) -> None:
        """Load the model and its tokenizer.

        Raises:
            SettingsError: They cannot be loaded, a package that reads them is missing, or there is
                no such device.
        """
        import transformers

        check_device(SettingsError, options.device)
        self.options = options
        named = "--local", options.model
        self._tokenizer: Any = load_pretrained(transformers.AutoTokenizer, *named)
        model: Any = load_pretrained(
            transformers.AutoModelForCausalLM,
            *named,
            dtype="float32" if options.device == "cpu" else "auto",
        )
        self._model = model.to(options.device).eval()
        self._window = int(getattr(model.config, "max_position_embeddings", None) or 1 << 20)
        takes = signature(model.forward).parameters
        # Not all take all, and newer versions of transformers call the cache so.
        self._cache = "cache" if "cache" in takes else "past_key_values"
        self._places = "position_ids" in takes
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self._digest = _digest(options.model, model)
        self._tries: dict[range, GradeTrie] = {}

    def identity(self) -> dict[str, Any]:
        """What answers depend on; not the device, by which floats differ behind six digits."""
        return {
            "kind": "local",
            "model": Path(self.options.model).name,
            "model_digest": self._digest,
            "temperature": None,
            "seed": None,
            "max_tokens": None,
            "grades": "expected",
            "answer_begins": BEGINNING,
        }

    def answer(
        self, questions: Iterator[Question], keep: Callable[[Question, Answer], None]
    ) -> None:
        """Read the questions, a batch at a time.

        Raises:
            JudgeError: The model cannot read them.
        """
        while some := list(islice(questions, self.options.batch)):
            prompts = [self._prompt(question) for question in some]
            for grades in dict.fromkeys(question.criterion.grades for question in some):
                trie, own = self._trie(grades), []
                for question, prompt in zip(some, prompts, strict=True):
                    if question.criterion.grades != grades:
                        continue
                    if len(prompt) + trie.depth > self._window:
                        said = f"(a prompt of {len(prompt)} tokens; {self._window} are read)"
                        keep(question, Answer(said, prompt_tokens=0, completion_tokens=0))
                    else:
                        own.append((question, prompt))
                if own:
                    found = self._expected(trie, [prompt for _, prompt in own])
                    for (question, prompt), grade in zip(own, found, strict=True):
                        answer = Answer(
                            expected=grade.mean,
                            mass=grade.mass,
                            deviation=grade.deviation,
                            prompt_tokens=len(prompt),
                            completion_tokens=0,
                        )
                        keep(question, answer)

    def _prompt(self, question: Question) -> list[int]:
        """Token ids of a conversation up to the beginning of the answer."""
        system, asked = (
            self._without_marks(text)
            for text in (question.message.system, question.message.question)
        )
        if self._tokenizer.chat_template:
            said = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
            try:
                text = self._chat(said)
            except Exception:  # a template may raise anything; some know no system
                text = self._chat([{"role": "user", "content": f"{system}\n\n{asked}"}])
            return self._ids(text + BEGINNING, special=False)
        return self._ids(f"{system}\n\n{asked}\n\n{BEGINNING}", special=True)

    def _chat(self, said: list[dict[str, str]]) -> str:
        text: str = self._tokenizer.apply_chat_template(
            said, tokenize=False, add_generation_prompt=True
        )
        return text

    def _ids(self, text: str, special: bool) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids

    def _without_marks(self, text: str) -> str:
        """A text in which nothing is one of the tokenizer's own marks."""
        for mark in self._tokenizer.all_special_tokens:
            if len(mark) > 1:
                text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text

    def _trie(self, grades: range) -> GradeTrie:
        """The tokens that spell each grade behind the beginning of an answer."""
        if grades not in self._tries:
            before = self._ids(BEGINNING, special=False)
            spelled: dict[tuple[int, ...], int] = {}
            for grade in grades:
                for form in _SPELLINGS:
                    ids = self._ids(BEGINNING + form.format(grade), special=False)
                    if ids[: len(before)] == before:
                        spelled[tuple(ids[len(before) :])] = grade
            if set(spelled.values()) != set(grades):
                raise SettingsError(
                    f"the tokenizer of '{self.options.model}' joins grades with what stands before "
                    "them; judge by another model"
                )
            self._tries[grades] = GradeTrie(spelled)
        return self._tries[grades]

    def _expected(self, trie: GradeTrie, prompts: list[list[int]]) -> list[Expected]:
        """The grades of each of B prompts by their probabilities."""
        try:
            with torch.inference_mode():
                found = self._branches(trie, prompts)
        except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
            said = " ".join(str(error).split())[:200]
            raise JudgeError(
                f"model '{self.options.model}' cannot read a prompt: {said}"
            ) from error
        graded = [trie.expected(own) for own in found]
        return [Expected(*(round(value, _DIGITS) for value in own)) for own in graded]

    def _branches(self, trie: GradeTrie, prompts: list[list[int]]) -> list[Nexts]:
        """By prompt and beginning of a grade, the probabilities of the tokens that go on."""
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(own)) + own for own in prompts])
        there = torch.tensor([[0] * (width - len(own)) + [1] * len(own) for own in prompts])
        out = self._run(ids, there, None, **self._last)
        first = _probabilities(out.logits[:, -1])
        found: list[Nexts] = [{(): trie.after((), own)} for own in first]
        inner, room = [path for path in trie.inner if path], max(1, _ROWS // len(prompts))
        for start in range(0, len(inner), room):
            paths = inner[start : start + room]
            cache = _copies(out[self._cache], len(paths))
            longest = max(map(len, paths))
            more = torch.tensor([[*path, *[0] * (longest - len(path))] for path in paths])
            ends = torch.tensor([len(path) - 1 for path in paths]).repeat(len(prompts))
            mask = torch.cat(
                [
                    there.repeat_interleave(len(paths), 0),
                    (torch.arange(longest) <= ends[:, None]).long(),
                ],
                dim=1,
            )
            logits = self._run(more.repeat(len(prompts), 1), mask, cache).logits
            last = _probabilities(logits[torch.arange(len(ends)), ends])
            for n, own in enumerate(last):
                path = paths[n % len(paths)]
                found[n // len(paths)][path] = trie.after(path, own)
        return found

    def _run(self, ids: Tensor, mask: Tensor, cache: Any, **more: Any) -> Any:
        """The model on tokens (B, T) behind what a cache holds, of all of which a mask tells."""
        device = self._model.device
        places = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if self._places:
            more["position_ids"] = places.to(device)
        more[self._cache] = cache
        return self._model(
            input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=True, **more
        )


def _probabilities(logits: Tensor) -> Tensor:
    return logits.double().softmax(dim=-1).cpu()


def _copies(cache: Any, times: int) -> Any:
    """What was read of each prompt so many times, one behind the other."""
    from copy import deepcopy

    copied = deepcopy(cache)
    copied.batch_repeat_interleave(times)
    return copied


def _digest(name: str, model: Any) -> str:
    """What tells the model's weights: SHA-256 of its files, or the commit on the hub."""
    path = Path(name)
    if path.is_file():
        return digest_of_file(path)
    if path.is_dir():
        ends = (".safetensors", ".bin", ".json", ".model", ".jinja")
        files = sorted(own for own in path.iterdir() if own.suffix in ends)
        return " ".join(f"{own.name}:{digest_of_file(own)[:16]}" for own in files)
    return str(getattr(model.config, "_commit_hash", None) or "unknown")

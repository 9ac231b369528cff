"""A judge behind an endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, NonNegativeInt, ValidationError

from recbole_showcase.engines.coroutines import run_to_end
from recbole_showcase.errors import JudgeError, SettingsError, one_line
from recbole_showcase.files.plain import parse_json
from recbole_showcase.judging.asking import Answer, Question

if TYPE_CHECKING:
    import httpx2

_LARGEST = 1 << 20  # bytes of an answer, of which a grade is a few
_KEPT = 2000  # characters of an answer, at its end, where thoughts are over
_SAID = 200  # characters of what a server says of an error
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})  # may be gone the next time
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds between attempts
_LONGEST_ASKED = 300.0  # what Retry-After may ask for


@dataclass(frozen=True)
class EndpointOptions:
    """How an endpoint is asked.

    Attributes:
        url: Where the API begins, such as ``https://api.example.org/v1``.
        model: The model's name there.
        key_variable: The environment variable that holds the key; where it is not set, none is
            sent.
        temperature: Of the sampling.
        samples: Answers to the same words; the n-th is asked for with the seed plus n.
        seed: Of the sampling, for endpoints that heed it.
        max_tokens: The longest answer; reasoning models think in it.
        parallel: The most requests at a time.
        timeout: Seconds that a request may take.
        attempts: How often a request is made that fails for what may pass.
    """

    url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    temperature: float = 0.7
    samples: int = 3
    seed: int = 0
    max_tokens: int = 64
    parallel: int = 4
    timeout: float = 60.0
    attempts: int = 6


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    prompt_tokens: NonNegativeInt | None = None
    completion_tokens: NonNegativeInt | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None
    model: Any = None  # of any type: a grade is not lost for how its model is named
    system_fingerprint: Any = None


class _Passing(Exception):
    """A failure that another attempt may not meet; says how long to wait at least."""

    def __init__(self, said: str, wait: float | None = None) -> None:
        super().__init__(said)
        self.wait = wait


class EndpointJudge:
    """Asks an endpoint, several questions at a time.

    Attributes:
        samples: Answers to the same words.
        retries: Attempts that failed for what may pass.
    """

    def __init__(self, options: EndpointOptions, transport: Any = None) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            options: How.
            transport: An ``httpx2`` transport in place of the network's.

        Raises:
            SettingsError: The address is none, or the package httpx2 is not installed.
        """
        self.options, self.samples, self.retries = options, options.samples, 0
        self._transport = transport
        self._url = _address(options.url)
        self._key = os.environ.get(options.key_variable, "").strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise SettingsError(
                f"the key in {options.key_variable} has a character that no header may have; "
                "allowed: printable ASCII"
            )
        self._random = random.Random(options.seed)

    def identity(self) -> dict[str, Any]:
        """What answers depend on, as far as it can be known from here."""
        told = self.options
        return {
            "kind": "endpoint",
            "endpoint": self._url,
            "model": told.model,
            "temperature": told.temperature,
            "seed": told.seed,
            "max_tokens": told.max_tokens,
            "grades": "written",
        }

    def answer(
        self, questions: Iterator[Question], keep: Callable[[Question, Answer], None]
    ) -> None:
        """Ask; the first question that cannot be answered ends the work.

        Raises:
            JudgeError: The endpoint refuses, or fails as often as attempts are made.
        """
        run_to_end(self._answer(questions, keep))

    async def _answer(
        self, questions: Iterator[Question], keep: Callable[[Question, Answer], None]
    ) -> None:
        import httpx2

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        limits = httpx2.Limits(max_connections=self.options.parallel)
        async with httpx2.AsyncClient(
            headers=headers,
            timeout=self.options.timeout,
            limits=limits,
            transport=self._transport,
            follow_redirects=False,  # a key is for nobody else
        ) as client:

            async def work() -> None:
                for question in questions:  # all workers take from the same
                    keep(question, await self._one(client, question))

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(self.options.parallel):
                        group.create_task(work())
            except ExceptionGroup as errors:  # the first to fail ends the others
                raise errors.exceptions[0] from None

    async def _one(self, client: httpx2.AsyncClient, question: Question) -> Answer:
        """The answer to a question, by as many attempts as it takes and are allowed."""
        for attempt in range(self.options.attempts):
            try:
                async with asyncio.timeout(self.options.timeout):
                    return await self._request(client, question)
            except TimeoutError:
                failure = _Passing(f"no answer within {self.options.timeout:g} s")
            except _Passing as passing:
                failure = passing
            if (failure.wait or 0.0) > _LONGEST_ASKED:
                raise self._failed(f"{failure}; it asks to wait {failure.wait:.0f} s")
            if attempt + 1 < self.options.attempts:
                self.retries += 1
                await asyncio.sleep(self._pause(attempt, failure.wait))
        times = "once" if self.options.attempts == 1 else f"{self.options.attempts} times"
        raise self._failed(f"{failure}, asked {times}")

    def _pause(self, attempt: int, wanted: float | None) -> float:
        """Seconds to the next attempt: twice as long each time, and what the server asks for."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        own = longest * (0.5 + 0.5 * self._random.random())  # not all at the same moment
        return max(own, wanted or 0.0)

    async def _request(self, client: httpx2.AsyncClient, question: Question) -> Answer:
        import httpx2

        told = self.options
        body = {
            "model": told.model,
            "messages": [
                {"role": "system", "content": question.message.system},
                {"role": "user", "content": question.message.question},
            ],
            "temperature": told.temperature,
            "seed": told.seed + question.sample,
            "max_tokens": told.max_tokens,
        }
        try:
            async with client.stream("POST", self._url, json=body) as response:
                content = bytearray()
                async for block in response.aiter_bytes():
                    content += block
                    if len(content) > _LARGEST:
                        raise _Passing(f"it answered with more than {_LARGEST >> 20} MB")
                status, headers = response.status_code, response.headers
        except httpx2.HTTPError as error:
            said = one_line(str(error)) or "the connection was cut"
            raise _Passing(f"{type(error).__name__}: {said}") from error
        if status != 200:
            said = f"status {status}{_said(self._hidden(content.decode('utf-8', 'replace')))}"
            if status in _PASSING:
                raise _Passing(said, retry_after(headers.get("Retry-After")))
            raise self._failed(said)
        return _parsed(bytes(content))

    def _failed(self, said: str) -> JudgeError:
        return JudgeError(f"{self._url} with model '{self.options.model}': {self._hidden(said)}")

    def _hidden(self, said: str) -> str:
        """Words without the key, hidden before they are cut."""
        return said.replace(self._key, "…") if self._key else said


def _parsed(content: bytes) -> Answer:
    """What a completion says; a proxy's page or half an answer may be whole the next time."""
    try:
        found = _Completion.model_validate(parse_json(content))
    except (ValueError, ValidationError) as error:
        raise _Passing("what it answered is no chat completion") from error
    if not found.choices:
        raise _Passing("its answer has no choice")
    usage = found.usage or _Usage()
    text = found.choices[0].message.content or ""  # a refusal has none
    if len(text) > _KEPT:
        text = "…" + text[-_KEPT:]  # which is no grade, unless a thought has ended since
    return Answer(
        text=text,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        model=_named(found.model),
        fingerprint=_named(found.system_fingerprint),
    )


def _named(value: Any) -> str | None:
    """What a server calls itself, on one line; None where it does not."""
    return one_line(value)[:_SAID] if isinstance(value, str) and value else None


def _said(content: str) -> str:
    """What a server says of an error, on one line."""
    text = content.strip()
    try:
        found = parse_json(text)
        while isinstance(found, dict) and (found.keys() & {"error", "message", "detail"}):
            found = next(found[key] for key in ("error", "message", "detail") if key in found)
        text = found if isinstance(found, str) else json.dumps(found)
    except ValueError:
        pass
    text = " ".join(one_line(text).split())
    return f": {text[:_SAID]}{'…' * (len(text) > _SAID)}" if text else ""


def retry_after(value: str | None) -> float | None:
    """Seconds that a header ``Retry-After`` asks for, as a number or a date; None without one.

    >>> retry_after("2.5"), retry_after("soon")
    (2.5, None)
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds else None


def _address(url: str) -> str:
    """Where completions are asked for.

    Raises:
        SettingsError: It is no address, or httpx2 is not installed.
    """
    try:
        import httpx2
    except ImportError as error:
        raise SettingsError(
            "asking an endpoint needs the package httpx2: pip install 'recbole_showcase[judge]'"
        ) from error
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise SettingsError(f"--endpoint is no address: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SettingsError(f"--endpoint is '{url}'; allowed: http:// or https:// and a host")
    if parsed.userinfo or parsed.query:
        raise SettingsError("--endpoint has a password or a query; the key has its own variable")
    whole = str(parsed).rstrip("/")
    return whole if whole.endswith("/chat/completions") else f"{whole}/chat/completions"

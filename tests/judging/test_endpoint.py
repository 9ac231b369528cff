"""Endpoints that fail as real ones do: nothing is lost, nothing asked twice, no key told."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.errors import DataError, JudgeError, SettingsError
from recbole_showcase.judging import (
    EndpointJudge,
    EndpointOptions,
    Results,
    answers_file,
    endpoint,
    judge_results,
    read_prompt,
    report_of,
    write_verdicts,
)
from recbole_showcase.judging.endpoint import retry_after
from recbole_showcase.judging.job import Judged
from tests.judging.stub import Stub, completion, grade_of, serving, some_pairs

RESULTS = [Results("ours", Path("ours.jsonl"), "0" * 64, tuple(some_pairs()))]
SECRET = "sk-very-secret"


@pytest.fixture(scope="module")
def server() -> Iterator[Stub]:
    with serving() as stub:
        yield stub


@pytest.fixture
def stub(server: Stub, monkeypatch: pytest.MonkeyPatch) -> Stub:
    monkeypatch.setattr(endpoint, "_FIRST_PAUSE", 0.001)
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    server.reply, server.at_once = None, 0
    server.bodies.clear()
    server.keys.clear()
    return server


def judge(stub: Stub, out: Path, results: Any = RESULTS, **changes: Any) -> tuple[Judged, str]:
    """Judge by fluency alone, and what the file says."""
    given = {"key_variable": "JUDGE_KEY", "timeout": 5.0, "parallel": 3} | changes
    asked = EndpointJudge(EndpointOptions(stub.url, "tiny", **given))
    prompt = read_prompt()
    found = judge_results(results, asked, prompt, prompt.chosen(["fluency"]), out, progress=False)
    write_verdicts(found, report_of(found), prompt, asked.identity(), out)
    return found, out.read_text()


def refusal(stub: Stub, out: Path, **changes: Any) -> str:
    with pytest.raises(JudgeError) as refused:
        judge(stub, out, **changes)
    said = str(refused.value)
    assert "\n" not in said and SECRET not in said and len(said) < 500
    assert not out.exists()
    return said


def test_each_sample_of_each_pair_is_asked_once_with_what_is_pinned(
    stub: Stub, tmp_path: Path
) -> None:
    found, text = judge(stub, tmp_path / "out.json", seed=7, temperature=0.3)
    assert len(stub.bodies) == found.cost.answers == found.cost.asked == 15  # 5 different texts
    assert {body["seed"] for body in stub.bodies} == {7, 8, 9}
    assert {(b["model"], b["temperature"], b["max_tokens"]) for b in stub.bodies} == {
        ("tiny", 0.3, 64)
    }
    assert set(stub.keys) == {f"Bearer {SECRET}"} and 1 < stub.at_once <= 3
    by_question = {(b["messages"][1]["content"], b["seed"]): grade_of(b) for b in stub.bodies}
    prompt = read_prompt()
    for pair, verdicts in zip(RESULTS[0].pairs, found.verdicts[0], strict=True):
        message = prompt.message(pair, prompt.criteria["fluency"])
        assert message is not None and verdicts["fluency"] is not None
        assert verdicts["fluency"].grades == tuple(
            by_question[message.question, seed] for seed in (7, 8, 9)
        )
    told = json.loads(text)
    assert told["judge"] | {"criteria": 0} == {
        "kind": "endpoint",
        "endpoint": f"{stub.url}/chat/completions",
        "model": "tiny",
        "temperature": 0.3,
        "seed": 7,
        "max_tokens": 64,
        "grades": "written",
        "samples": 3,
        "answered_models": [],
        "answered_fingerprints": [],
        "prompt_version": 1,
        "prompt_sha256": prompt.digest,
        "criteria": 0,
    }
    assert told["cost"] == {
        "answers": 15, "prompt_tokens": 1500, "completion_tokens": 75, "untold": 0
    }  # fmt: skip
    assert SECRET not in text + answers_file(tmp_path / "out.json").read_text()


def test_who_answered_is_kept_and_a_change_is_said(
    stub: Stub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An endpoint puts another model behind a name while it is asked."""

    def reply(body: dict[str, Any], number: int) -> tuple[int, dict[str, str], bytes]:
        told = {"model": f"tiny-{'old' if number < 7 else 'new'}", "system_fingerprint": "fp"}
        return 200, {}, json.dumps(completion('{"score": 3}') | told).encode()

    stub.reply = reply
    judged, text = judge(stub, tmp_path / "out.json")
    told = json.loads(text)["judge"]
    assert judged.models == ("tiny-new", "tiny-old") and judged.fingerprints == ("fp",)
    assert told["answered_models"] == ["tiny-new", "tiny-old"]
    assert told["answered_fingerprints"] == ["fp"] and told["model"] == "tiny"
    (line,) = (said for said in caplog.messages if "more than one" in said)
    assert line.startswith("the answers are of more than one model: tiny-new, tiny-old;")
    lines = answers_file(tmp_path / "out.json").read_text().splitlines()
    assert [json.loads(own)["model"] for own in lines].count("tiny-old") == 7
    asked = len(stub.bodies)
    assert judge(stub, tmp_path / "out.json")[1] == text and len(stub.bodies) == asked


@pytest.mark.parametrize("named", [7, {"a": 1}, "", None])
def test_an_odd_name_of_a_model_costs_no_grade(stub: Stub, tmp_path: Path, named: Any) -> None:
    body = json.dumps(completion('{"score": 3}') | {"model": named}).encode()
    stub.reply = lambda *_: (200, {}, body)
    judged, _ = judge(stub, tmp_path / "out.json", samples=1)
    assert judged.models == () and report_of(judged).graded["ours"]["fluency"].mean == 3


def test_a_notebook_whose_loop_is_running_can_judge(stub: Stub, tmp_path: Path) -> None:
    async def cell() -> Judged:
        return judge(stub, tmp_path / "out.json")[0]

    assert asyncio.run(cell()).cost.answers == 15


FAULTS = {
    "busy": (429, {"Retry-After": "0"}, b"slow down"),
    "broken": (500, {}, b"<html>oops</html>"),
    "overloaded": (529, {}, b""),
    "no JSON": (200, {}, b"<html>a proxy says hello</html>"),
    "half": (200, {"Content-Length": "9999"}, b'{"choices": ['),
    "no choice": (200, {}, b'{"choices": []}'),
    "other JSON": (200, {}, b'[{"choices": 1}]'),
    "deep": (200, {}, b"[" * 200_000),
    "huge": (200, {}, b"x" * (3 << 20)),
    "cut": None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_may_pass_is_tried_again(stub: Stub, tmp_path: Path, fault: str) -> None:
    """Every other request fails; half an answer with more to come is cut by the time limit."""
    _, whole = judge(stub, tmp_path / "whole.json", samples=1)
    stub.bodies.clear()

    def reply(body: dict[str, Any], number: int) -> Any:
        return (FAULTS[fault] or (0, {}, b"")) if number % 2 == 0 else None

    stub.reply = reply
    _, text = judge(stub, tmp_path / "out.json", samples=1, attempts=40, timeout=0.3)
    assert text == whole and len(stub.bodies) > 5


def test_a_slow_answer_is_not_waited_for(stub: Stub, tmp_path: Path) -> None:
    def reply(body: dict[str, Any], number: int) -> None:
        time.sleep(0.5 if number == 0 else 0)

    stub.reply = reply
    began = time.monotonic()
    found, _ = judge(stub, tmp_path / "out.json", timeout=0.15)
    assert found.cost.answers == 15 and len(stub.bodies) == 16
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("dated", [False, True])
def test_retry_after_is_waited_for(stub: Stub, tmp_path: Path, dated: bool) -> None:
    times: list[float] = []

    def reply(body: dict[str, Any], number: int) -> Any:
        times.append(time.monotonic())
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        wait = later if dated else "0.3"
        return (429, {"Retry-After": wait}, b"") if number == 0 else None

    stub.reply = reply
    judge(stub, tmp_path / "out.json", parallel=1, samples=1)
    assert times[1] - times[0] >= 0.3


def test_a_wait_of_an_hour_ends_the_command(stub: Stub, tmp_path: Path) -> None:
    stub.reply = lambda body, number: (429, {"Retry-After": "3600"}, b'{"error": "quota"}')
    said = refusal(stub, tmp_path / "out.json")
    assert said.endswith("status 429: quota; it asks to wait 3600 s")


def test_a_key_that_a_server_repeats_is_hidden_before_its_words_are_cut(
    stub: Stub, tmp_path: Path
) -> None:
    for filling in range(150, 205, 5):
        message = json.dumps({"error": {"message": "x" * filling + SECRET}}).encode()
        stub.reply = lambda body, number, message=message: (401, {}, message)
        assert SECRET[:6] not in refusal(stub, tmp_path / "out.json")


@pytest.mark.parametrize("key", ["sk-first\nsk-second", "sk-é"])
def test_a_key_that_no_header_may_have_is_refused_unseen(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("JUDGE_KEY", key)
    with pytest.raises(SettingsError, match="the key in JUDGE_KEY has a character") as refused:
        judge(stub, tmp_path / "out.json")
    assert "sk" not in str(refused.value) and not stub.bodies


def test_seconds_of_retry_after() -> None:
    assert retry_after("Thu, 01 Jan 1970 00:00:00 +99999999999999999999") is None
    assert retry_after(None) is None and retry_after("nan") is None
    assert retry_after("-3") == 0.0
    assert retry_after("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"message": f"bad key {SECRET}\n\x1b[31m", "type": "x"}}, "bad key …"),
        (404, {"detail": "no such model"}, "status 404: no such model"),
        (400, {"odd": 1}, 'status 400: {"odd": 1}'),
        (302, {}, "status 302"),
    ],
)
def test_what_will_not_pass_ends_it_in_a_line(
    stub: Stub, tmp_path: Path, status: int, body: Any, said: str
) -> None:
    headers = {"Location": f"{stub.url}/elsewhere"} if status == 302 else {}
    stub.reply = lambda _, number: (status, headers, json.dumps(body).encode())
    assert said in refusal(stub, tmp_path / "out.json", parallel=1)
    assert len(stub.bodies) == 1


def test_as_many_attempts_as_allowed(stub: Stub, tmp_path: Path) -> None:
    stub.reply = lambda _, number: (503, {}, b"")
    said = refusal(stub, tmp_path / "out.json", attempts=3, parallel=1)
    assert said.endswith("status 503, asked 3 times") and len(stub.bodies) == 3


def test_nobody_there(tmp_path: Path, stub: Stub) -> None:
    nobody = Stub(url="http://127.0.0.1:9/v1")
    assert "ConnectError" in refusal(nobody, tmp_path / "out.json", attempts=1)


def test_what_is_no_grade_is_counted_and_not_guessed(stub: Stub, tmp_path: Path) -> None:
    replies = ["five", "9", None, '{"score": 3}', "3 of 5", "2"]

    def reply(body: dict[str, Any], number: int) -> Any:
        content = completion(replies[number % len(replies)], usage=False)
        return 200, {}, json.dumps(content).encode()

    stub.reply = reply
    found, text = judge(stub, tmp_path / "out.json", parallel=1)
    told = json.loads(text)["systems"][0]["criteria"]["fluency"]
    grades = [g for v in found.verdicts[0] if v["fluency"] for g in v["fluency"].grades]
    # Pairs 0 and 5 have the same text, and so the same three answers.
    assert grades == [None, None, None, 3, None, 2] * 2 + [None] * 3 + [None] * 3
    assert (told["answers"], told["ungraded"], told["pairs"]) == (18, 14, 2)
    assert told["mean"] == 2.5 and found.cost.untold == 15


def test_long_answers_are_kept_by_their_ends(stub: Stub, tmp_path: Path) -> None:
    replies = ["Hm. " * 5000 + "</think> 4", "Hm. " * 5000 + " " * 3000 + "4"]

    def reply(body: dict[str, Any], number: int) -> Any:
        return 200, {}, json.dumps(completion(replies[number % 2])).encode()

    stub.reply = reply
    found, _ = judge(stub, tmp_path / "out.json", parallel=1, samples=2)
    verdicts = [own["fluency"] for own in found.verdicts[0]]
    assert [own.grades for own in verdicts if own] == [(4.0, None)] * 6
    assert answers_file(tmp_path / "out.json").stat().st_size < 10 * 3000


def test_a_run_goes_on_behind_what_it_has(stub: Stub, tmp_path: Path) -> None:
    _, whole = judge(stub, tmp_path / "whole.json")
    stub.bodies.clear()
    stub.reply = lambda _, number: (500, {}, b"") if number >= 7 else None
    out = tmp_path / "out.json"
    refusal(stub, out, attempts=1, parallel=1)
    kept = answers_file(out)
    assert len(kept.read_bytes().splitlines()) == 7
    with kept.open("ab") as file:
        file.write(b'{"key": "cut off by a ki')
    stub.reply = None
    _, text = judge(stub, out)
    assert text == whole and len(stub.bodies) == 7 + 1 + 8
    keys = [json.loads(line)["key"] for line in kept.read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 15
    stub.bodies.clear()
    assert judge(stub, out)[1] == whole and not stub.bodies
    judge(stub, out, seed=1)  # other answers stand beside
    assert len(stub.bodies) == 15


def test_damaged_answers_are_named_by_line(stub: Stub, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    judge(stub, out)
    lines = answers_file(out).read_text().splitlines(keepends=True)
    answers_file(out).write_text("".join([*lines[:2], '{"key": 3}\n', *lines[2:]]))
    with pytest.raises(DataError, match=r"out.answers.jsonl, line 3: .*; delete the line"):
        judge(stub, out)


def test_one_run_at_a_time(stub: Stub, tmp_path: Path) -> None:
    out = tmp_path / "out.json"

    def reply(body: dict[str, Any], number: int) -> Any:
        if number == 0:
            with pytest.raises(DataError, match="another run is at work"):
                judge(stub, out)
        return None

    stub.reply = reply
    judge(stub, out, parallel=1)
    assert len(stub.bodies) == 15


def test_without_a_key_none_is_sent(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUDGE_KEY")
    judge(stub, tmp_path / "out.json")
    assert set(stub.keys) == {None}


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "v1", "http://", "http://me:pw@host/v1", "http://host/v1?key=1"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(SettingsError, match="--endpoint"):
        EndpointJudge(EndpointOptions(url, "m"))

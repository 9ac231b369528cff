"""``recbole-showcase serve`` as a process: its signals, its address, what it says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from recbole_showcase.cli import main
from recbole_showcase.errors import SettingsError
from recbole_showcase.serving import Served, ServeOptions, run
from tests.processes import free_port
from tests.serving.test_reloading import file, write_another  # noqa: F401

KEY = "correct horse battery staple"


def get(port: int, path: str, asked: Any = None) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if asked is None else json.dumps(asked).encode(),
        headers={"x-api-key": KEY, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def when_ready(port: int, process: subprocess.Popen[str], model: str = "") -> str:
    """The model that is served, once it is another than the one given."""
    end = time.monotonic() + 300
    while time.monotonic() < end and process.poll() is None:
        try:
            found = str(get(port, "/ready")["model"])
        except urllib.error.URLError:
            found = model
        if found != model:
            return found
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[1])


def test_a_service_from_its_start_to_its_end(file: Path) -> None:  # noqa: F811
    """Ready; another checkpoint on SIGHUP; on SIGTERM all that was accepted is answered."""
    port = free_port()
    command = ["-m", "recbole_showcase", "serve", str(file), "--port", str(port), "--watch", "0"]
    command += ["--deadline", "30", "--max-wait", "0.5"]  # requests are under way for a moment
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RECBOLE_SHOWCASE_API_KEY": KEY},
    )
    try:
        first = when_ready(port, process)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/users", timeout=30)
        write_another(file)
        assert get(port, "/ready")["model"] == first, "it does not watch the file"
        process.send_signal(signal.SIGHUP)
        second = when_ready(port, process, first)
        with ThreadPoolExecutor(4) as pool:
            answers = [
                pool.submit(get, port, "/v1/recommend", {"user": f"u{n}", "k": 2}) for n in range(4)
            ]
            time.sleep(0.2)
            process.send_signal(signal.SIGTERM)
            found = [answer.result() for answer in answers]
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert {answer["model"] for answer in found} == {second}
    assert all(isinstance(s["text"], str) for answer in found for s in answer["showcases"])
    assert f"now serving {second}" in errors
    assert KEY not in output + errors and "Traceback" not in errors


def test_an_address_of_somebody_else_is_an_error_before_the_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}, cannot be listened at: Address"):
            run.serve("no such checkpoint", port=port)
    with pytest.raises(SettingsError, match="cannot be listened at"):
        run.serve("no such checkpoint", host="203.0.113.1")


def test_the_name_that_a_service_listens_at_is_one_that_it_answers_to(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []

    class Server:
        def __init__(self, config: Any) -> None:
            names.append(config.app.state.service.options.hosts)

        def run(self, sockets: Any) -> None:
            assert len(sockets) == 1

    monkeypatch.setattr(run, "_bound", lambda *_: socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setattr(run.Served, "load", lambda *_, **__: served)
    monkeypatch.setattr(run.uvicorn, "Server", Server)
    for host in ("kitchen", "127.0.0.1", "::", ""):
        run.serve("checkpoint.pth", host, options=ServeOptions(hosts=("other",)))
    assert names == [("other", "kitchen"), ("other",), ("other",), ("other",)]


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [
        (["none.pth"], "", "checkpoint 'none.pth' does not exist"),
        (["none.pth"], "short", "API key has 5 characters"),
        (["none.pth", "--allow-host", "a.example:80"], "", "host 'a.example:80' is no name"),
    ],
)
def test_errors_are_one_line(
    words: list[str],
    key: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RECBOLE_SHOWCASE_API_KEY", key)
    monkeypatch.setattr("sys.argv", ["recbole-showcase", "serve", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    found = capsys.readouterr().err
    assert said in found and found.count("\n") == 1


def test_a_package_that_is_not_installed_is_named(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "recbole_showcase.serving.run")
    monkeypatch.setattr("sys.argv", ["recbole-showcase", "serve", str(checkpoint)])
    with pytest.raises(SystemExit):
        main()
    assert "serve needs uvicorn, which is not installed" in capsys.readouterr().err

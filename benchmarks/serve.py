"""Requests to ``recbole-showcase serve``: how many are lost, how long they take, at what rate.

    OMP_NUM_THREADS=1 python -m benchmarks.serve              # the demo world, before training
    OMP_NUM_THREADS=1 python -m benchmarks.serve --checkpoint saved/CHECKPOINT.pth

A server of its own process is asked for 2,000 pairs, 32 at a time, each by a client that keeps its
connection, and every text is waited for. Then this process explains the very same pairs by
``explain`` called directly, 32 a call. The ratio of the two rates is of one run on one machine; the
clients share its cores with the server. Loading is in neither.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

import numpy as np

import recbole_showcase
from benchmarks.explain import checkpoint_of
from tests.processes import free_port

_here = local()


def ask(port: int, pair: tuple[str, str]) -> tuple[float, bool]:
    """Seconds until one pair is answered, and whether it was, with photos and a text."""
    if not hasattr(_here, "connection"):
        _here.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    body = json.dumps({"pairs": [{"user": pair[0], "item": pair[1]}], "deadline_ms": 60_000})
    start = time.perf_counter()
    try:
        _here.connection.request("POST", "/v1/explain", body, {"content-type": "application/json"})
        answer = _here.connection.getresponse()
        shown = json.load(answer).get("showcases", [{}])[0]
    except (OSError, http.client.HTTPException):
        return time.perf_counter() - start, False
    same = (shown.get("user"), shown.get("item")) == pair
    whole = answer.status == 200 and same and shown["text"] is not None and bool(shown["photos"])
    return time.perf_counter() - start, whole


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


def served(
    checkpoint: Path, pairs: list[tuple[str, str]], clients: int, batch: int
) -> dict[str, Any]:
    """What came of the pairs, and the server's own metrics."""
    port = free_port()
    words = [
        "serve",
        str(checkpoint),
        "--port",
        str(port),
        "--watch",
        "0",
        "--max-batch",
        str(batch),
    ]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "recbole_showcase", "-q", *words]
    )
    try:
        wait_until_ready(port, process)
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda pair: ask(port, pair), pairs[: 2 * clients]))  # warm
            start, worked = time.perf_counter(), processor(process.pid)
            found = list(pool.map(lambda pair: ask(port, pair), pairs))
            took = time.perf_counter() - start
            worked = processor(process.pid) - worked
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/metrics")
        metrics = connection.getresponse().read().decode()
    finally:
        process.terminate()
        process.wait(60)
    seconds = np.array([each for each, _ in found])
    return {
        "lost": sum(not whole for _, whole in found),
        "rate": len(pairs) / took,
        "processor": worked / len(pairs),
        "p50": np.quantile(seconds, 0.5),
        "p99": np.quantile(seconds, 0.99),
        "batch": _value(metrics, 'showcase_batch_pairs_sum{stage="text"}')
        / _value(metrics, 'showcase_batch_pairs_count{stage="text"}'),
    }


def processor(pid: int) -> float:
    """Seconds of the processor that a process has had, which other work hardly moves."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _value(metrics: str, name: str) -> float:
    return next(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith(name))


def direct(recommender: Any, pairs: list[tuple[str, str]], size: int) -> tuple[float, float]:
    """Pairs a second by ``explain``, so many a call, and seconds of the processor a pair."""
    users, items = (list(each) for each in zip(*pairs, strict=True))
    recommender.explain(users[:size], items[:size])  # warm
    start, worked = time.perf_counter(), time.process_time()
    for n in range(0, len(pairs), size):
        recommender.explain(users[n : n + size], items[n : n + size])
    worked = time.process_time() - worked
    return len(pairs) / (time.perf_counter() - start), worked / len(pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--checkpoint", type=Path, help="a trained model; else the demo's, untrained"
    )
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--max-batch", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        checkpoint = asked.checkpoint or checkpoint_of(Path(work))
        recommender = recbole_showcase.load_explainer(checkpoint.resolve())
        data, rng = recommender.model.showcase.data, np.random.default_rng(0)
        users = rng.choice(data.corpus.user_tokens[1:], asked.requests)
        items = rng.choice(data.corpus.item_tokens[1:], asked.requests)
        pairs = [(str(user), str(item)) for user, item in zip(users, items, strict=True)]
        found = served(checkpoint.resolve(), pairs, asked.at_once, asked.max_batch)
        alone, worked = direct(recommender, pairs, asked.at_once)
    print(f"{asked.requests:,} requests, {asked.at_once} at once: {found['lost']} lost")
    print(f"p50 {1000 * found['p50']:.0f} ms, p99 {1000 * found['p99']:.0f} ms")
    print(f"{found['batch']:.1f} pairs a batch of texts; load {os.getloadavg()[0]:.0f}")
    print(f"served {found['rate']:.1f} pairs a second, explain called directly {alone:.1f}: "
          f"{found['rate'] / alone:.2f} of it")  # fmt: skip
    print(f"processor's time a pair: server {1000 * found['processor']:.1f} ms, "
          f"explain {1000 * worked:.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main()

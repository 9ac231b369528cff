"""What a service counts, for Prometheus; a registry of its own, so that two do not mix."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_PAIRS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters, gauges and histograms of one service."""

    def __init__(self) -> None:
        """Begin at zero."""
        self._registry = CollectorRegistry()
        own: Any = {"registry": self._registry, "namespace": "showcase"}
        self.stages = Histogram(
            "stage_seconds", "Time of a stage of the work.", ["stage"], buckets=_SECONDS, **own
        )
        self.batches = Histogram(
            "batch_pairs", "Pairs of a batch.", ["stage"], buckets=_PAIRS, **own
        )
        self.requests = Counter(
            "requests", "Answers by route and status.", ["route", "status"], **own
        )
        self.late = Counter(
            "late", "Showcases whose text was late, by what stood in its place.", ["with"], **own
        )
        self.failed = Counter(
            "failed", "The same of texts that could not be written.", ["with"], **own
        )
        self.rejected = Counter("rejected", "Requests refused, by reason.", ["reason"], **own)
        self.reloads = Counter(
            "reloads", "Looks at a new checkpoint, by outcome.", ["outcome"], **own
        )
        self.waiting = Gauge("waiting_pairs", "Pairs accepted and unanswered.", **own)
        self.version = Gauge("version", "1 for what is served.", ["model", "data"], **own)
        # At zero from the start: of what appears with its first count, no rate shows that one.
        for outcome in ("swapped", "unchanged", "failed"):
            self.reloads.labels(outcome)
        for reason in ("full", "host", "key", "size", "slow"):
            self.rejected.labels(reason)
        for instead in ("photos alone", "quote"):
            self.late.labels(instead)
            self.failed.labels(instead)

    def serve(self, model: str, data: str) -> None:
        """Say which model and data are served from now on."""
        self.version.clear()
        self.version.labels(model, data).set(1)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Time a stage, also one that fails."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(stage).observe(time.perf_counter() - start)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

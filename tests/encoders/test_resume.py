"""A run that is killed goes on where it stopped and ends with the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from recbole_showcase.encoders import FeatureStore
from tests.encoders.conftest import Photographed
from tests.encoders.test_embed import content, counted, run, spoil
from tests.interrupts import interrupted

SLOW = """
import sys, time
from pathlib import Path
from recbole_showcase.encoders import ClipEncoder, embed_dataset
real = ClipEncoder.encode_images
def encode(self, batch):
    time.sleep(0.25)
    return real(self, batch)
ClipEncoder.encode_images = encode
embed_dataset(Path(sys.argv[1]), sys.argv[2], batch_size=2, progress=False)
"""
COMMAND = """
import sys, time
from recbole_showcase.cli import main
from recbole_showcase.encoders import ClipEncoder
real = ClipEncoder.encode_images
def encode(self, batch):
    print("begun", flush=True)
    time.sleep(0.25)
    return real(self, batch)
ClipEncoder.encode_images = encode
main()
"""


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_killed_run_goes_on(make_dataset: Callable[..., Photographed], micro: str) -> None:
    data = make_dataset(photos=40, reviews=9)
    spoil(data)
    journal = data.store().with_name(".micro.partial") / "image.journal"
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(data.folder), micro])
    deadline = time.monotonic() + 120
    while lines(journal) < 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -9
    done = lines(journal)
    assert 4 <= done < 20
    assert not data.store().exists()

    report, photos, texts = counted(data, micro)
    skipped_before = 2 * done - report.reused["image"]
    assert photos == 40 - 2 * done - (3 - skipped_before)
    assert texts == 8
    assert report.encoded["image"] == photos
    assert report.encoded["image"] + report.reused["image"] == 37

    whole = make_dataset(photos=40, reviews=9, name="whole")
    spoil(whole)
    run(whole, micro)
    assert content(data.store()) == content(whole.store())
    assert list(FeatureStore.open(data.folder, "micro", "image").skipped) == ["p1", "p2", "p3"]


def test_a_terminated_command_says_what_is_kept(
    make_dataset: Callable[..., Photographed], micro: str
) -> None:
    data = make_dataset(photos=12, reviews=3)
    given = ["embed", str(data.folder), "--encoder", micro, "--batch-size", "2"]
    status, said = interrupted(COMMAND, signal.SIGTERM, *given, at=3)
    kept = "interrupted; what is encoded is kept: the same command goes on\n"
    assert (status, said) == (130, kept)
    report, _, _ = counted(data, micro)
    assert report.reused["image"] > 0
    assert report.reused["image"] + report.encoded["image"] == 12

"""Photos per second of a download, beside what the client alone does with the same photos.

    python -m benchmarks.photos                     # 2,000 photos of 448 × 336 pixels
    python -m benchmarks.photos --photos 500 --rounds 5

A server in a process of its own gives the same JPEG under every name. Per round, one after the
other: a bare loop of httpx2 that asks for as many photos at once and throws the bytes away; the
same, one photo after the other; and the whole download, which also decodes every photo, writes it
to its place and keeps an account; then the download again, with all photos there. Figures are
medians over the rounds, ratios are of one round. All share the cores of one machine with the
server.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2
import numpy as np
from PIL import Image

from recbole_showcase.atomic import LINKED_IMAGE, write_atomic
from recbole_showcase.download import DownloadOptions, download_photos

AT_ONCE = 16


def photo(width: int, height: int) -> bytes:
    """A JPEG of soft noise with some grain, which takes about as long to decode as a photo."""
    random = np.random.default_rng(7)
    coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
    soft = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    pixels = (soft + random.normal(0, 6, soft.shape)).clip(0, 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    return file.getvalue()


def serve(content: bytes, port: Connection) -> None:
    """Give the same photo to whoever asks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or the body waits until the head is acknowledged

        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        port.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def served(content: bytes) -> Iterator[str]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(content, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


async def bare(urls: list[str], at_once: int) -> None:
    left = iter(urls)

    async def work(client: httpx2.AsyncClient) -> None:
        for url in left:
            (await client.get(url)).raise_for_status()

    async with httpx2.AsyncClient(trust_env=False) as client:
        await asyncio.gather(*(work(client) for _ in range(at_once)))


def one_round(folder: Path, urls: list[str], options: DownloadOptions) -> dict[str, float]:
    """Seconds of each way."""

    def download() -> None:
        account = download_photos(folder, options=options, progress=False)
        assert account.there == len(urls), account

    seconds = {}
    shutil.rmtree(folder / "photos", ignore_errors=True)
    for name, work in (
        (f"bare loop, {AT_ONCE} at once", lambda: asyncio.run(bare(urls, AT_ONCE))),
        ("bare loop, one by one", lambda: asyncio.run(bare(urls, 1))),
        ("download", download),
        ("all are there", download),
    ):
        started = time.perf_counter()
        work()
        seconds[name] = time.perf_counter() - started
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(448, 336))
    arguments = parser.parse_args()
    content = photo(*arguments.size)
    with served(content) as origin, tempfile.TemporaryDirectory() as work:
        urls = [f"{origin}/{number}" for number in range(arguments.photos)]
        folder = Path(work) / "bench"
        folder.mkdir()
        rows = [
            {"image_id": f"p{n}", "item_id": "i", "review_id": "", "path": f"p{n}.jpg", "url": url}
            for n, url in enumerate(urls)
        ]
        write_atomic(folder / "bench.image", LINKED_IMAGE, rows)
        options = DownloadOptions(hosts=(origin,), at_once=AT_ONCE, per_host=AT_ONCE)
        rounds = [one_round(folder, urls, options) for _ in range(arguments.rounds)]
    print(f"{arguments.photos:,} photos of {len(content):,} bytes, {arguments.rounds} rounds")
    first = next(iter(rounds[0]))
    for name in rounds[0]:
        rate = statistics.median(len(urls) / seconds[name] for seconds in rounds)
        times = statistics.median(seconds[name] / seconds[first] for seconds in rounds)
        print(f"{name:28} {rate:8,.0f} photos/s, {times:5.2f} times the first's seconds")


if __name__ == "__main__":
    main()

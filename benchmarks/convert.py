"""Time and memory of a conversion, against decompressing the review file alone.

Each round runs both in fresh processes: first ``zcat`` reading the file to its end, then the
conversion with a k-core to all four files. The figures are medians over the rounds.

    python -m benchmarks.convert --rows 1000000
    python -m benchmarks.convert --rows 1000000 --unclean 1      # every text has to be cleaned
    python -m benchmarks.convert --rows 5000000 --rounds 1 --memory-limit 1GB
    python -m benchmarks.convert --states 50 --rounds 1 --memory-limit 2GB   # 50 files of 1 million
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.generate_reviews import copy_as_states, generate

ALLOWED_RATIO = 2.5
ALLOWED_BYTES = 1.5e9
ROWS_OF_RATIO = 1_000_000


def decompress(reviews: list[Path]) -> dict[str, float]:
    """Read the files through ``zcat`` and forget them."""
    start = time.perf_counter()
    size = 0
    with subprocess.Popen(["zcat", *map(str, reviews)], stdout=subprocess.PIPE) as plain:
        assert plain.stdout is not None
        while block := plain.stdout.read(1 << 20):
            size += len(block)
    return {"seconds": time.perf_counter() - start, "bytes": size}


def convert(
    reviews: list[Path], meta: list[Path], out: Path, k_core: int, limit: str
) -> dict[str, float]:
    """Convert, and tell the time and the peak of resident memory."""
    from recbole_showcase.atomic import GoogleLocalOptions, convert_google_local

    start = time.perf_counter()
    account = convert_google_local(
        reviews, meta, out, GoogleLocalOptions(k_core=k_core, memory_limit=limit)
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "peak": peak, "read": account.rows_read, "kept": account.rows_kept}


def _fresh(*arguments: str) -> dict[str, float]:
    """Run one of the two above in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.convert", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS_OF_RATIO)
    parser.add_argument("--states", type=int, default=1, help="files of so many rows each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--k-core", type=int, default=5)
    parser.add_argument("--memory-limit", default="1GB")
    parser.add_argument("--unclean", type=float, default=1 / 3, help="share of such texts")
    parser.add_argument("--data", type=Path, help="folder that keeps the generated files")
    parser.add_argument("--check", action="store_true", help="fail where a limit is exceeded")
    parser.add_argument("--only", choices=("decompress", "convert"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data or Path(scratch)
        folder = data / f"{options.rows}-{options.unclean:.2f}"
        if not folder.is_dir():
            generate(options.rows, folder, unclean=options.unclean)
        if options.states > 1:
            copies = folder / f"states-{options.states}"
            if not copies.is_dir():
                copy_as_states(folder, copies, options.states)
            folder = copies
        reviews, meta = (sorted(folder.glob(f"{kind}-*.gz")) for kind in ("review", "meta"))
        if options.only == "decompress":
            print(json.dumps(decompress(reviews)))
            return
        if options.only == "convert":
            out = Path(scratch) / "generated"
            result = convert(reviews, meta, out, options.k_core, options.memory_limit)
            print(json.dumps(result))
            return
        shared = ["--rows", str(options.rows), "--states", str(options.states)]
        shared += ["--data", str(data)]
        shared += ["--unclean", str(options.unclean)]
        shared += ["--k-core", str(options.k_core), "--memory-limit", options.memory_limit]
        rounds = [
            (_fresh(*shared, "--only", "decompress"), _fresh(*shared, "--only", "convert"))
            for _ in range(options.rounds)
        ]
    report(rounds, options.rows * options.states, options.check)


def report(rounds: list[tuple[dict[str, float], dict[str, float]]], rows: int, check: bool) -> None:
    """Print every round and the medians; leave with an error where a limit is exceeded."""
    for plain, done in rounds:
        print(
            f"decompress {plain['seconds']:6.2f} s   convert {done['seconds']:6.2f} s   "
            f"ratio {done['seconds'] / plain['seconds']:5.2f}   peak {done['peak'] / 1e6:,.0f} MB"
        )
    ratio = statistics.median(done["seconds"] / plain["seconds"] for plain, done in rounds)
    peak = max(done["peak"] for _, done in rounds)
    first, last = rounds[0]
    print(
        f"{last['read']:,.0f} rows ({first['bytes'] / 1e6:,.0f} MB of JSON), "
        f"{last['kept']:,.0f} kept; median ratio {ratio:.2f} "
        f"(allowed {ALLOWED_RATIO} at {ROWS_OF_RATIO:,} rows), "
        f"peak {peak / 1e6:,.0f} MB (allowed {ALLOWED_BYTES / 1e6:,.0f})"
    )
    if check and (peak > ALLOWED_BYTES or (rows == ROWS_OF_RATIO and ratio > ALLOWED_RATIO)):
        sys.exit("a limit is exceeded")


if __name__ == "__main__":
    main()

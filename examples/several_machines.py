"""Train one model on several machines, with torchrun to start the processes.

On each of two machines that see the same files, of which the first is called ``alpha``:

    torchrun --nnodes 2 --node-rank 0 --nproc-per-node 4 --master-addr alpha --master-port 29500 \
        examples/several_machines.py ShowcaseBPR NAME --config settings.yaml
    torchrun --nnodes 2 --node-rank 1 --nproc-per-node 4 --master-addr alpha --master-port 29500 \
        examples/several_machines.py ShowcaseBPR NAME --config settings.yaml

Each process is told its place by torchrun's environment, and tells RecBole. Without CUDA they meet
through gloo and stay on the CPU.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import recbole_showcase  # noqa: F401 - registers, before RecBole is imported


def place() -> dict[str, Any]:
    """RecBole's settings of where a process stands, from torchrun's environment."""
    rank, local, count, here = (
        int(os.environ[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")
    )
    return {
        "local_rank": local,
        "offset": rank - local,
        "nproc": here,
        "world_size": count,
        "ip": os.environ["MASTER_ADDR"],
        "port": os.environ["MASTER_PORT"],
        "gpu_id": ",".join(map(str, range(here))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("dataset")
    parser.add_argument("--config", nargs="*", default=[], help="RecBole's YAML files")
    given = parser.parse_args()
    sys.argv = sys.argv[:1]  # RecBole takes what is there for settings

    from recbole.quick_start import run_recbole

    result = run_recbole(given.model, given.dataset, given.config, place())
    if os.environ["RANK"] == "0":
        print(json.dumps({name: float(value) for name, value in result["test_result"].items()}))


if __name__ == "__main__":
    main()

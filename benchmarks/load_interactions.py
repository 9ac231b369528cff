"""Loading a large .inter file: our data set class against RecBole's own, in one run.

    python -m benchmarks.load_interactions --rows 1000000

Both read the same file with the same columns and build the data set up to RecBole's filters and
id maps; the script checks that tensors and id maps are equal and prints the ratios of the times, by
the clock and of the processors, all threads included. A first turn of each, which imports and warms
up, is not counted. In the same turns Arrow reads the columns and nothing is made of them: RecBole's
time over that is the limit of whatever parses with Arrow. And it reads them with the column that
joins reviews, and finds the different users and items: the limit of whatever gives ids by Arrow.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import recbole_showcase  # noqa: F401 - registers with RecBole


def write_interactions(path: Path, n_rows: int) -> None:
    """Write a file with ids, ratings and times like those of Google Local."""
    import pandas as pd

    rng = np.random.default_rng(0)
    users = 10**20 + rng.zipf(1.4, n_rows).clip(max=n_rows // 8).astype(object)
    items = rng.integers(n_rows // 20, size=n_rows)
    frame = pd.DataFrame(
        {
            "user_id:token": [str(user) for user in users],
            "item_id:token": [f"0x{item:016x}:0x{item * 7919:016x}" for item in items],
            "rating:float": rng.integers(1, 6, n_rows).astype(float),
            "timestamp:float": 1.5e9 + rng.integers(10**8, size=n_rows) + 0.5,
            "review_id:token": [f"r{number:x}" for number in range(n_rows)],
        }
    )
    frame.to_csv(path, sep="\t", index=False)


def load(model: str, data_path: Path) -> tuple[Any, list[float]]:
    """Create the data set of a model; return it and its seconds, by the clock and of processors."""
    from recbole.config import Config
    from recbole.data import create_dataset

    from recbole_showcase.integration.checkpoint import clean_argv

    columns = ["user_id", "item_id", "rating", "timestamp"]
    settings = {"data_path": str(data_path), "load_col": {"inter": columns}, "state": "ERROR"}
    with clean_argv():
        config = Config(model, "big", config_dict=settings)
    gc.collect()
    start = time.perf_counter(), time.process_time()
    dataset = create_dataset(config)
    return dataset, [time.perf_counter() - start[0], time.process_time() - start[1]]


def read_alone(path: Path, *, ids: bool) -> list[float]:
    """Seconds in which Arrow reads the columns, and with ``ids`` what ids and joins need too."""
    from pyarrow import csv

    columns = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    convert = csv.ConvertOptions(include_columns=[*columns, *["review_id:token"] * ids])
    gc.collect()
    start = time.perf_counter(), time.process_time()
    parse = csv.ParseOptions(delimiter="\t")
    table = csv.read_csv(path, parse_options=parse, convert_options=convert)
    for name in columns[:2] * ids:
        table[name].dictionary_encode()
    return [time.perf_counter() - start[0], time.process_time() - start[1]]


def same(ours: Any, stock: Any) -> bool:
    """Whether tensors and id maps are equal."""
    fields = [stock.uid_field, stock.iid_field]
    maps = all(
        np.array_equal(ours.field2id_token[field], stock.field2id_token[field])
        and ours.field2token_id[field] == stock.field2token_id[field]
        for field in fields
    )
    one, two = (d._dataframe_to_interaction(d.inter_feat) for d in (ours, stock))
    return maps and all(torch.equal(one[column], two[column]) for column in two.columns)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_path = Path(folder)
        (data_path / "big" / "big.features" / "showcase-tiny").mkdir(parents=True)  # not opened
        write_interactions(data_path / "big" / "big.inter", arguments.rows)
        kinds = ("BPR", "ShowcaseBPR", "Arrow alone", "Arrow's ids")
        times: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
        for turn in range(1 + arguments.repeats):
            loaded = {}
            for model, measured in times.items():
                if model.startswith("Arrow"):
                    path = data_path / "big" / "big.inter"
                    seconds = read_alone(path, ids=model == "Arrow's ids")
                else:
                    loaded[model], seconds = load(model, data_path)
                if turn:
                    measured.append(seconds)
        equal = same(loaded["ShowcaseBPR"], loaded["BPR"])
    for number, kind in enumerate(("by the clock", "of processors")):
        taken = {model: [each[number] for each in measured] for model, measured in times.items()}
        print(f"seconds {kind}")
        for model, own in taken.items():
            span = f"({min(own):.2f}-{max(own):.2f})"
            print(f"  {model:12} {statistics.median(own):6.2f} s  {span}")
        told_of = {
            "ratio": "ShowcaseBPR",
            "limit, alone": "Arrow alone",
            "limit, ids": "Arrow's ids",
        }
        for told, least in told_of.items():
            ratios = [a / b for a, b in zip(taken["BPR"], taken[least], strict=True)]
            span = f"({min(ratios):.2f}-{max(ratios):.2f})"
            print(f"  {told:12} {statistics.median(ratios):6.2f}    {span}")
    print(f"equal tensors and id maps: {equal}")


if __name__ == "__main__":
    main()

"""How long data that has moved on takes to be taken up, beside loading the checkpoint anew.

    python -m benchmarks.moving_on --work full-size --share 0.05     # of benchmarks.full_size
    python -m benchmarks.moving_on --work full-size --demo           # the demo data set

Saves a checkpoint of a model as it is initialised, lets 1% of the reviews come as new rows of the
files, and prints the seconds of ``load_explainer`` with the files as they were and as they are, of
``refresh``, those of the processor, the most memory meanwhile, and the bytes of the checkpoint that
its marks of the data take. Features of what came are random. Loading what has moved on takes place
beside the recommender that was refreshed, which takes memory of its own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import recbole_showcase
from benchmarks.full_size import NAME, Memory, write
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.encoders.store import digest_of_file

_SHARE = 0.01  # of the reviews, that come


def checkpoint(data: Path, name: str, encoder: str) -> Path:
    """Save a model that has learned nothing."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer

    settings = {
        "data_path": str(data), "showcase_encoder": encoder, "gpu_id": "", "show_progress": False,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
        "metrics": ["Recall", "BLEU1"], "valid_metric": "Recall@10",
        "checkpoint_dir": str(data / "saved"),
    }  # fmt: skip
    config = Config("ShowcaseBPR", name, config_dict=settings)
    loaders = data_preparation(config, create_dataset(config))
    model = get_model("ShowcaseBPR")(config, loaders[0]._dataset).to(config["device"])
    trainer = get_trainer(config["MODEL_TYPE"], "ShowcaseBPR")(config, model)
    trainer._save_checkpoint(0, verbose=False)
    return Path(trainer.saved_model_file)


def move_on(folder: Path, encoder: str) -> int:
    """Let known users write again, each of an item that was reviewed before; how many do."""
    name, random = folder.name, np.random.default_rng(2)
    rows = (folder / f"{name}.inter").read_text().splitlines()
    heads = [field.partition(":")[0] for field in rows[0].split("\t")]
    drawn = random.integers(1, len(rows), size=(max(1, int(_SHARE * len(rows))), 2))
    came = []
    with (folder / f"{name}.inter").open("a") as file:
        for n, (user, item) in enumerate(drawn):
            cells = dict(zip(heads, rows[user].split("\t"), strict=True))
            cells["item_id"] = rows[item].split("\t")[heads.index("item_id")]
            cells["timestamp"], cells["review_id"] = str(1.7e9 + n), f"new{n}"
            file.write("\t".join(cells[head] for head in heads) + "\n")
            came.append(cells)
    with (folder / f"{name}.review").open("a") as file:
        file.writelines(f"{cells['review_id']}\tA fine place again.\t\n" for cells in came)
    with (folder / f"{name}.image").open("a") as file:
        for cells in came:
            photo = cells["review_id"]
            file.write(f"p{photo}\t{cells['item_id']}\t{photo}\tp{photo}.jpg\n")
    tokens = [cells["review_id"] for cells in came]
    for modality, own in (("review", tokens), ("image", [f"p{token}" for token in tokens])):
        _add_features(folder / f"{name}.features" / encoder, modality, own, random)
    return len(came)


def _add_features(store: Path, modality: str, tokens: list[str], random: Any) -> None:
    path = store / f"{modality}.npy"
    matrix = np.load(path)
    new = random.normal(size=(len(tokens), matrix.shape[1])).astype(matrix.dtype)
    new /= np.linalg.norm(new, axis=1, keepdims=True)
    np.save(store / "new.npy", np.concatenate([matrix, new]))
    (store / "new.npy").replace(path)
    with (store / f"{modality}.ids").open("a") as file:
        file.writelines(f"{token}\n" for token in tokens)
    meta = json.loads((store / "meta.json").read_text())
    meta["modalities"][modality]["count"] += len(tokens)
    for file in (path, store / f"{modality}.ids"):
        if file.name in meta.get("digests", {}):
            meta["digests"][file.name] = digest_of_file(file)
    (store / "meta.json").write_text(json.dumps(meta))


def timed(what: str, work: Any, memory: Memory) -> Any:
    """Do it, and print how long it took and the memory of its own that the process had."""
    memory.own, start, used = 0.0, time.perf_counter(), time.process_time()
    found = work()
    seconds, used = time.perf_counter() - start, time.process_time() - used
    time.sleep(0.2)  # two looks at the memory
    print(f"{what:36} {seconds:8.2f} s, {used:8.2f} s of the processor, {memory.own:6.2f} GB at "
          "most", flush=True)  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("full-size"))
    parser.add_argument("--share", type=float, default=0.05, help="a share of the whole")
    parser.add_argument("--demo", action="store_true", help="the demo data set instead")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    sys.argv = sys.argv[:1]
    data = options.work.resolve() / ("moving-demo" if options.demo else "moving")
    shutil.rmtree(data, ignore_errors=True)
    if options.demo:
        from recbole_showcase.cli.demo import NAME as DEMO
        from recbole_showcase.cli.demo import copy_demo

        embed_dataset(copy_demo(data), progress=False)
        name, encoder = DEMO, "showcase-tiny"
    else:
        write(data / NAME, 1, options.share)
        name, encoder = NAME, "random"
    path = checkpoint(data, name, encoder)
    memory = Memory()
    memory.start()
    recommender = timed("load_explainer", lambda: recbole_showcase.load_explainer(path), memory)
    table = recommender.model.showcase.data
    marks = table.marks
    print(f"rows, reviews, photos {len(marks.rows):,}, {len(marks.reviews):,}, "
          f"{len(marks.photos):,}; {sum(v.nbytes for v in marks.to_plain().values()):,} of "
          f"{path.stat().st_size:,} bytes of the checkpoint are marks")  # fmt: skip
    print(f"{move_on(data / name, encoder):,} reviews and photos come")
    timed("refresh", recommender.refresh, memory)
    timed("refresh again", recommender.refresh, memory)
    again = timed(
        "load_explainer of what moved on", lambda: recbole_showcase.load_explainer(path), memory
    )
    assert len(again.users) == len(recommender.users)


if __name__ == "__main__":
    main()

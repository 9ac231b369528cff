"""Runs of several processes: they know composed models, and their figures are those of one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from demo_world import WorldSettings, draw_world, write_world
from recbole_showcase.encoders import embed_dataset
from tests.integration.test_registration import stock_config
from tests.integration.test_training import SASREC, prepare
from tests.processes import ROOT, free_port, run_python
from tests.tiny import TinyWorld, write_sentences
from tests.together import run_together

# METEOR needs WordNet, and these two a pretrained language model.
WITH_DOWNLOADS = {
    *("METEOR", "MAUVE", "BERTScore", "BERTScoreRescaled"),
    *("BARTScore", "BARTScorePrecision", "BARTScoreRecall"),
    *("StatementPrecision", "StatementRecall", "EvidencePrecision", "EvidenceRecall"),
}
SMALL = WorldSettings(seed=6, n_users=41, n_items=16, reviews_mean=6.0, share_with_photos=0.9)
TRAIN = """
import json, sys
if __name__ == "__main__":
    import recbole_showcase
    from recbole.quick_start import run
    model, dataset, config, port = json.loads(sys.argv[1])
    result = run(model, dataset, config_dict=config, nproc=2, port=port)
    figures = {key: float(value) for key, value in result["test_result"].items()}
    print("FIGURES", json.dumps(figures))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """A drawing of the demo world: its features are of an encoder that reads texts as well."""
    folder = tmp_path_factory.mktemp("drawings") / "small"
    write_world(draw_world(SMALL), folder)
    embed_dataset(folder, progress=False)
    return TinyWorld(folder.parent, folder.name, {})


def _metrics() -> list[str]:
    import recbole.evaluator  # noqa: F401 - registers

    from recbole_showcase.integration.metrics import METRICS

    return ["Recall", "MRR", *(name for name in METRICS if name not in WITH_DOWNLOADS)]


def test_every_metric_is_that_of_one_process(world: TinyWorld, tmp_path: Path) -> None:
    """A guarded import runs in the parent only; the children know the model all the same."""
    metrics = _metrics()
    config = world.config(
        tmp_path,
        epochs=1,
        showcase_encoder="showcase-tiny",
        showcase_relevance="random",  # so that some hits have right photos and some have not
        showcase_selector="topk",
        metrics=metrics,
        topk=[2, 5],
    )
    (tmp_path / "train.py").write_text(TRAIN)
    given = json.dumps(["ShowcaseBPR", world.name, config, str(free_port())])
    output = run_python("-W", "ignore", "train.py", given, cwd=tmp_path)
    figures = json.loads(output.split("FIGURES")[1].splitlines()[0])
    assert {key.partition("@")[0] for key in figures} == {name.lower() for name in metrics}
    assert 0 < figures["explainedhitphotos@5"] < 1
    alone, users, sums = _result_in_one_process(tmp_path)
    assert figures == pytest.approx(alone, abs=0.0, rel=0.0, nan_ok=True)
    (left,) = (tmp_path / "saved").glob("*.user_sums.npz")
    with np.load(left) as file:
        assert (file["users"] == users).all() and len(users) > 20
        for name in ("recall@5", "bleu1", "imagef1@3"):
            (found,) = (file[key] for key in file.files if key.endswith(f" {name}"))
            assert (found == sums[name].rows).all(), name


def _result_in_one_process(work: Path) -> tuple[dict[str, float], Any, Any]:
    """Test figures and user sums of the checkpoint that a run left, without other processes."""
    from recbole.quick_start import load_data_and_model
    from recbole.utils import get_trainer

    (path,) = (work / "saved").glob("*.pth")
    config, model, _, train, _, test = load_data_and_model(str(path))
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    trainer.eval_collector.data_collect(train)
    result = trainer.evaluate(test, load_best_model=False)
    users, sums = trainer.evaluator.user_sums()
    tokens = model.showcase.data.corpus.user_tokens[users]
    return {name: float(value) for name, value in result.items()}, tokens, sums


@dataclass(frozen=True)
class Runs:
    """Runs by name: what each gave, and the weights that its processes ended with."""

    results: dict[str, dict[str, Any]]
    work: Path

    def weights(self, name: str, process: int = 0) -> dict[str, torch.Tensor]:
        return torch.load(self.work / name / f"{process}.pt")


QUOTED = ["Recall", "BLEU1", "ROUGEL", "Distinct2", "EmptyTexts", "UserInfluence"]
NOT_RANDOM = {"showcase_explainer": "nrt", "explainer_unknown_rate": 0.0, "explainer_dropout": 0.0}


@pytest.fixture(scope="module")
def runs(tiny_world: TinyWorld, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """One Python for all of them, since starting it takes longer than what they do."""
    work = tmp_path_factory.mktemp("together")
    few = TinyWorld.write(work / "data", "few", n_users=3, n_items=8)
    quoted = TinyWorld.write(work / "data", "quoted")
    write_sentences(quoted)
    worlds = {"few": few, "quotes": quoted, "quotes of one": quoted}
    jobs: dict[str, dict[str, Any]] = {}

    def job(name: str, model: str, nproc: int = 2, given: Any = (), **changes: Any) -> None:
        world = worlds.get(name, tiny_world)
        changes = {"epochs": 2, "eval_step": 0, "train_batch_size": 64, **changes}
        make = stock_config if not model.startswith("Showcase") else TinyWorld.config
        config = make(world, work / name, **changes)
        jobs[name] = {"model": model, "dataset": world.name, "config": config, "nproc": nproc,
                      "keep": str(work / name), **dict(given)}  # fmt: skip

    job("BPR", "BPR")
    job("joint", "ShowcaseBPR")
    job("alternating", "ShowcaseBPR", showcase_schedule="alternating")
    job("SASRec", "SASRec", **SASREC)
    job("joint, SASRec", "ShowcaseSASRec", **SASREC)
    job("one", "ShowcaseBPR", 1, showcase_batch_size=30, **NOT_RANDOM)
    job("two", "ShowcaseBPR", 2, showcase_batch_size=30, **NOT_RANDOM)
    # 12 rows to learn from: the last of two batches has one sample, the valid split three users.
    job("few", "ShowcaseBPR", 2, showcase_batch_size=11, train_batch_size=4, eval_step=1)
    # Nothing of the explanation side is trained.
    untrained = {"showcase_explainer": "quote", "showcase_relevance": "clip", "epochs": 1}
    job("quotes", "ShowcaseBPR", 2, metrics=QUOTED, **untrained)
    job("quotes of one", "ShowcaseBPR", 1, metrics=QUOTED, **untrained)
    job("hosts", "ShowcaseBPR", 2, {"hosts": True}, epochs=1)
    job("fails", "ShowcaseBPR", 2, {"fail": 1}, epochs=1)
    results = run_together(list(jobs.values()), work)
    return Runs(dict(zip(jobs, results, strict=True)), work)


@pytest.mark.parametrize(
    ("stock", "composed"),
    [("BPR", "joint"), ("BPR", "alternating"), ("SASRec", "joint, SASRec")],
)
def test_the_recommender_is_the_stock_one_under_two_processes(
    runs: Runs, stock: str, composed: str
) -> None:
    """To the last digit: no parameter moves by a gradient that is there for the others only."""
    alone, beside = runs.weights(stock), runs.weights(composed)
    for name, weights in alone.items():
        assert torch.equal(weights, beside[name]), name


@pytest.mark.parametrize("name", ["joint", "alternating", "few", "hosts"])
def test_all_processes_end_with_the_same_weights(runs: Runs, name: str) -> None:
    first, second = (runs.weights(name, process) for process in (0, 1))
    for key, weights in first.items():
        assert torch.equal(weights, second[key]), key


def test_two_processes_train_the_explainer_of_one(runs: Runs) -> None:
    """Each does half of every batch, and the means are those of the whole."""
    one, two = (runs.weights(name) for name in ("one", "two"))
    head = [key for key in one if key.startswith("showcase.explainer.")]
    for key in (*head, *(key for key in one if key.startswith("showcase.relevance."))):
        torch.testing.assert_close(two[key], one[key], rtol=1e-3, atol=2e-4, msg=key)
    assert len(head) > 20 and any((two[key] != one[key]).any() for key in head)


def test_fewer_rows_than_processes_are_no_hindrance(runs: Runs) -> None:
    assert set(runs.results["few"]["figures"]) == {"recall@5", "ndcg@5", "imagef1@3", "bleu1"}


def test_two_processes_quote_as_one(runs: Runs) -> None:
    alone, shared = (runs.results[name]["figures"] for name in ("quotes of one", "quotes"))
    texts = [name.lower() for name in QUOTED[1:]]
    assert [shared[name] for name in texts] == [alone[name] for name in texts]
    assert shared["bleu1"] > 40


def test_processes_of_two_hosts_meet(runs: Runs) -> None:
    assert set(runs.results["hosts"]["figures"]) == {"recall@5", "ndcg@5", "imagef1@3", "bleu1"}


def test_torchrun_starts_two_hosts(tiny_world: TinyWorld, tmp_path: Path, runs: Runs) -> None:
    """The example, as it is started on two machines, gives what RecBole's own processes give."""
    settings = tiny_world.config(tmp_path, epochs=1, eval_step=0, train_batch_size=64)
    del settings["gpu_id"]  # the example says which
    (tmp_path / "settings.yaml").write_text(json.dumps(settings))
    given = [str(ROOT / "examples/several_machines.py"), "ShowcaseBPR", tiny_world.name,
             "--config", "settings.yaml"]  # fmt: skip
    port = str(free_port())
    start = ["-W", "ignore", "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1",
             "--master-addr=localhost", f"--master-port={port}"]  # fmt: skip
    with ThreadPoolExecutor() as pool:
        hosts = [
            pool.submit(run_python, *start, f"--node-rank={rank}", *given, cwd=tmp_path, cold=True)
            for rank in (0, 1)
        ]
        first, second = (host.result() for host in hosts)
    said, said_by_second = (
        [line for line in output.splitlines() if line.startswith("{")] for output in (first, second)
    )
    assert json.loads(said[0]) == runs.results["hosts"]["figures"]
    assert not said_by_second


def test_a_process_that_fails_ends_all_with_its_error(runs: Runs) -> None:
    assert "ValueError: process 1 has a cold" in runs.results["fails"]["error"]


def test_the_first_process_writes_alone(runs: Runs) -> None:
    """Its log, its events and its checkpoint, all errors being the failing process's."""
    for name in ("joint", "two"):
        assert len(list((runs.work / name / "saved").iterdir())) == 3  # weights, figures, sums
    for job in (runs.work / "log_tensorboard").iterdir():
        assert len([path for path in job.iterdir() if path.is_file()]) == 1
    assert len(list((runs.work / "log_tensorboard").iterdir())) <= len(runs.results)


@pytest.mark.parametrize("explainer", ["showcase", "nrt", "peter", "pepler", "show_and_tell"])
def test_shares_of_a_batch_have_its_gradient(
    world: TinyWorld, tmp_path: Path, explainer: str
) -> None:
    """The mean over the processes, with ratings that not all shares have, and a ragged batch."""
    from recbole_showcase.data.loader import ExplanationLoader

    changes = {"explainer_cross_modal_weight": 0.0, "explainer_personal_weight": 0.0}
    trainer, _ = prepare(
        "ShowcaseBPR",
        world,
        tmp_path,
        showcase_explainer=explainer,
        showcase_encoder="showcase-tiny",
        showcase_batch_size=27,
        showcase_max_tokens=30,  # some texts are shorter
        **(changes if explainer == "showcase" else {}),
    )
    model = trainer.model.eval()  # without dropout
    data = model.showcase.data
    data.corpus.interactions.ratings[::3] = np.nan

    def gradients(batch: Any) -> list[torch.Tensor]:
        model.zero_grad()
        sum(model.explain_loss(batch)).backward()
        return [p.grad.clone() for p in model.showcase.parameters() if p.grad is not None]

    parts = [
        ExplanationLoader(data, 1, selection=True, place=place, processes=3) for place in range(3)
    ]
    whole = ExplanationLoader(data, 1, selection=True)
    batches = [list(loader.epoch(0)) for loader in (whole, *parts)]
    assert len(batches[0][-1].explanation) % 3
    weights = torch.cat([share.explanation.mean_weights for share in batches[1]])
    assert (weights != 1).any(dim=0).all()
    for batch, *shares in zip(*batches, strict=True):
        of_shares = zip(*(gradients(share) for share in shares), strict=True)
        for one, several in zip(gradients(batch), of_shares, strict=True):
            mean = torch.stack(several).mean(dim=0)
            torch.testing.assert_close(mean, one, rtol=1e-3, atol=1e-6)


def test_processes_share_every_sample(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """Also a batch of one sample, and an epoch of fewer batches than processes."""
    from recbole_showcase.data.loader import ExplanationLoader

    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_batch_size=57)
    data = trainer.model.showcase.data
    loaders = [
        ExplanationLoader(data, 1, selection=True, place=place, processes=5) for place in range(5)
    ]
    seen: dict[str, list[int]] = {"explanation": [], "selection": []}
    for loader in loaders:
        batches = list(loader.epoch(3))
        assert len(batches) == len(loader) == len(loaders[0])
        for batch in batches:
            for kind, rows in seen.items():
                part = getattr(batch, kind)
                rows += part.pairs.rows.tolist() if part is not None else []
    assert sorted(seen["explanation"]) == sorted(data.train_rows)
    assert sorted(seen["selection"]) == sorted(data.selection_rows)


def test_shares_of_a_batch_are_of_like_length(world: TinyWorld, tmp_path: Path) -> None:
    """No process waits for one whose texts are longer by more than from one text to the next."""
    from recbole_showcase.data.loader import ExplanationLoader

    trainer, _ = prepare(
        "ShowcaseBPR", world, tmp_path, showcase_encoder="showcase-tiny", showcase_batch_size=16
    )
    data = trainer.model.showcase.data
    loaders = [
        ExplanationLoader(data, 1, selection=False, place=place, processes=2) for place in range(2)
    ]
    for shares in zip(*(loader.epoch(0) for loader in loaders), strict=True):
        one, other = (share.explanation.token_mask.sum(dim=1).tolist() for share in shares)
        in_turn = [length for pair in zip_longest(one, other) for length in pair if length]
        assert in_turn == sorted(in_turn, reverse=True)

"""The programs of ``benchmarks/`` as functions on small data, and tables of what they find."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.quick.data import COMPOSITE, IMAGENET, WORLD, Place
from benchmarks.quick.processes import Call

if TYPE_CHECKING:
    from benchmarks.quick.judging import Figures
    from recbole_showcase.benchmark.plan import Task

EPOCHS = 8
# The variants of benchmarks/claims.py that are trained: not the two whose epoch NDCG chooses, of
# which the table of joint training has one.
VARIANTS = ("photos", "reviews", "both", "ce+ccl", "ce+pcl", "ce+ccl+pcl", "recommender alone",
            "explainer alone")  # fmt: skip
Found = Sequence[Mapping[str, Any]]


def _fresh(folder: Path) -> Path:
    """An empty folder, whatever an interrupted call has left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _pairs(found: Found) -> int:
    return min(int(run["test pairs"]) for run in found if "test pairs" in run)


# Joint training on the demo world


def _joint(model: str, seed: int, place: Place) -> dict[str, float]:
    from benchmarks.demo_world import run

    work = _fresh(place.work / f"joint-{model}-{seed}")
    return run(model, seed, work, place.dataset(WORLD), epochs=EPOCHS)


def _joint_calls(place: Place, seed: int) -> list[Call]:
    models = ("BPR", "ShowcaseBPR")
    return [
        Call(place.work / f"call-joint-{model}-{seed}.json", _joint, (model, seed, place))
        for model in models
    ]


def _joint_figures(found: Found) -> Figures:
    stock, ours = ({k: v for k, v in f.items() if k not in _NO_FIGURES} for f in found)
    both = ("recall@10", "ndcg@10")
    return {
        "BPR": {metric: stock[metric] for metric in both},
        "ShowcaseBPR": ours | {"F1@3 over random": ours["imagef1@3"] / found[1][_RANDOM]},
        "ShowcaseBPR - BPR": {metric: ours[metric] - stock[metric] for metric in both},
    }


_RANDOM = "random imagef1@3"
_NO_FIGURES = ("seconds", "test pairs", _RANDOM)
JOINT = (_joint_calls, _joint_figures, _pairs)


# The claims of the method


def _claims(variant: str, seed: int, place: Place) -> dict[str, float]:
    from benchmarks import claims

    kept = _fresh(place.work / f"claims-{variant}-{seed}") / "figures.json"
    claims.train(variant, seed, place.dataset(WORLD), kept, epochs=EPOCHS)
    found: dict[str, float] = json.loads(kept.read_text())
    return found


def _claims_call(variant: str, place: Place, seed: int) -> Call:
    kept = place.work / f"call-claims-{variant}-{seed}.json"
    return Call(kept, _claims, (variant, seed, place))


def _selection_figures(found: Found) -> Figures:
    from benchmarks import claims

    (run,) = found
    ways = [*claims.PROFILES, "learned", "learned + DPP", "best by truth"]
    columns = ("Precision", "Recall", "F1", "Div")
    table = {
        way: {column: run[f"{way}|{column}"] for column in columns if f"{way}|{column}" in run}
        for way in ways
    }
    worst, best = run["random|F1"], run["best by truth|F1"]
    for way in ways[:-1]:
        table[way]["way to the best"] = (run[f"{way}|F1"] - worst) / (best - worst)
    return table


SELECTION = (
    lambda place, seed: [_claims_call("both", place, seed)],
    _selection_figures,
    _pairs,
)


def claims_table(title: str) -> tuple[Any, Any, Any]:
    """Calls, figures and pairs of a table of the program, of the variants that are trained."""
    from benchmarks import claims

    variants, columns = claims.TABLES[title]
    rows = [variant for variant in variants if variant in VARIANTS]
    return (
        lambda place, seed: [_claims_call(row, place, seed) for row in rows],
        lambda found: {
            row: {column: run[column] for column in columns if column in run}
            for row, run in zip(rows, found, strict=True)
        },
        _pairs,
    )


# What the losses can be brought down by


def _contrast_trace(seed: int) -> dict[str, dict[str, float]]:
    from benchmarks import contrast_trace

    found = {}
    for name in contrast_trace.LOSSES:
        first, last = contrast_trace.train(name, 100, seed)
        found[name] = {"before training": first, "after training": last}
    return found


CONTRAST_TRACE = (
    lambda place, seed: [Call(place.work / f"call-trace-{seed}.json", _contrast_trace, (seed,))],
    lambda found: found[0],
    lambda found: 32,  # rows of a batch
)


# Quoting on the demo world


def _quoting(name: str, seed: int, place: Place) -> dict[str, float]:
    from benchmarks import quoting

    saved = _fresh(place.work / f"quoting-{name}-{seed}")
    return quoting.run(place.dataset(name), seed, saved, "compare", epochs=EPOCHS)


def _quoting_figures(found: Found) -> Figures:
    """Means over the drawings."""
    table: dict[str, dict[str, float]] = {}
    for key in found[0]:
        row, bar, metric = key.partition("|")
        if bar:
            table.setdefault(row, {})[metric] = statistics.fmean(run[key] for run in found)
    return table


def quoting_on(*names: str) -> tuple[Any, Any, Any]:
    """Calls, figures and pairs of the table of quoting on some drawings."""
    return (
        lambda place, seed: [
            Call(place.work / f"call-quoting-{name}-{seed}.json", _quoting, (name, seed, place))
            for name in names
        ],
        _quoting_figures,
        lambda found: int(sum(run["pairs"] for run in found)),
    )


# Does seeing help


def features_of_others(task: Task, columns: Sequence[str]) -> dict[str, float]:
    """The figures of a run whose items have features of others."""
    from benchmarks import shuffled_features

    found = shuffled_features.trained_again(task)
    return {column: found[column.lower()] for column in columns}


# Photos as explanation


def _authorship(seed: int, place: Place) -> dict[str, dict[str, float]]:
    from benchmarks import authorship
    from recbole_showcase.resources import properties_path

    words = ["--seeds", str(seed), "--epochs", "24", "--author-photos", "5"]
    arguments = authorship.parser().parse_args(words)
    settings = authorship.fixed_settings(place.dataset(WORLD), place.work / "authorship", arguments)
    files = [str(properties_path() / "demo.yaml")]
    cells = authorship.cells(settings, place.dataset(WORLD).name, files, arguments)
    return {f"{name}, {kind}": found for (name, kind), (found,) in cells}


AUTHORSHIP = (
    lambda place, seed: [Call(place.work / f"call-who-{seed}.json", _authorship, (seed, place))],
    lambda found: found[0],
    lambda found: int(found[0]["random, uniform"]["MRecallCases"]),
)


# Learned relevance under other encoders

ENCODERS = ("showcase-tiny", "projected", "cone")


def _relevance(
    name: str, chosen: Mapping[str, Any], seed: int, epochs: int, place: Place
) -> dict[str, float]:
    from benchmarks import relevance

    work = _fresh(place.work / f"relevance-{'-'.join(map(str, chosen.values()))}-{seed}")
    own = relevance.OF_OWN_DATA if name == COMPOSITE else {}
    settings = {f"showcase_{key}": value for key, value in chosen.items()}
    data = place.dataset(name)
    return relevance.run({**settings, **own, "seed": seed, "epochs": epochs}, data, work)


def relevance_under(
    *encoders: str, name: str = WORLD, epochs: int = EPOCHS // 2
) -> tuple[Any, Any, Any]:
    """Calls, figures and pairs of the table of learned relevance, of a data set's encoders."""

    def calls(place: Place, seed: int) -> list[Call]:
        return [
            Call(
                place.work / f"call-relevance-{encoder}-{way}-{seed}.json",
                _relevance,
                (name, {"encoder": encoder, "relevance": way}, seed, epochs, place),
            )
            for encoder in encoders
            for way in ("clip", "learned")
        ]

    def figures(found: Found) -> Figures:
        values = [run["imagef1@3"] for run in found]
        pairs = zip(values[::2], values[1::2], strict=True)
        rows = zip(encoders, pairs, strict=True)
        return {encoder: {"clip": clip, "learned": learned} for encoder, (clip, learned) in rows}

    return calls, figures, lambda found: int(found[0]["pairs"])


REAL_PHOTOS = relevance_under(IMAGENET, name=COMPOSITE, epochs=EPOCHS)

"""Every RecBole model as a base: a data set that all of them can read, and one trial of each.

``benchmarks/bases.py`` tries all of them; ``tests/integration/test_bases.py`` a few of each family.
"""

from __future__ import annotations

import contextlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tests.tiny import TinyWorld

FAMILIES = {
    "general": "general_recommender",
    "sequential": "sequential_recommender",
    "context-aware": "context_aware_recommender",
    "knowledge-aware": "knowledge_aware_recommender",
    "decision tree": "exlib_recommender",
}
RELATIONS = 3
EMBEDDING = 16


def model_names(family: str) -> list[str]:
    """Names of RecBole's models of a family, with those whose packages are not installed."""
    (root,) = find_spec("recbole.model").submodule_search_locations  # type: ignore[union-attr]
    stems = [module.name for module in pkgutil.iter_modules([f"{root}/{FAMILIES[family]}"])]
    if family == "decision tree":
        return ["LightGBM", "XGBoost"]
    from importlib import import_module

    names = []
    for stem in stems:
        module = import_module(f"recbole.model.{FAMILIES[family]}.{stem}")
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        names.append(next(name for name in classes if name.lower() == stem))
    return names


def family_of(model: str) -> str:
    """The family that a model belongs to."""
    return next(family for family in FAMILIES if model in model_names(family))


def write_rich_world(data_path: Path) -> TinyWorld:
    """The tiny world with user features, ratings that differ, a knowledge graph and embeddings."""
    world = TinyWorld.write(data_path, name="rich")
    rng = np.random.default_rng(1)
    users, items = (sorted(set(column)) for column in _columns(world, ("user_id", "item_id")))
    stem = world.folder / world.name

    def write(suffix: str, header: str, rows: list[str]) -> None:
        Path(f"{stem}.{suffix}").write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    ages = rng.integers(18, 60, len(users))
    write(
        "user",
        "user_id:token\tage:float\tgender:token",
        [f"{user}\t{age}\t{'mf'[age % 2]}" for user, age in zip(users, ages, strict=True)],
    )
    write("link", "item_id:token\tentity_id:token", [f"{item}\te{item}" for item in items])
    triples = {
        f"e{item}\tr{relation}\tx{rng.integers(8)}" for item in items for relation in range(3)
    }
    write("kg", "head_id:token\trelation_id:token\ttail_id:token", sorted(triples))
    for suffix, tokens in (
        ("ent", [f"e{item}" for item in items]),
        ("rel", [f"r{relation}" for relation in range(RELATIONS)]),
    ):
        vectors = rng.normal(size=(len(tokens), EMBEDDING))
        rows = [
            f"{token}\t{' '.join(f'{x:.4f}' for x in vector)}"
            for token, vector in zip(tokens, vectors, strict=True)
        ]
        write(suffix, f"{suffix}_id:token\t{suffix}_emb:float_seq", rows)
    _rate(world, rng)
    return world


def _columns(world: TinyWorld, names: tuple[str, ...]) -> list[list[str]]:
    lines = (world.folder / f"{world.name}.inter").read_text(encoding="utf-8").splitlines()
    header = [field.partition(":")[0] for field in lines[0].split("\t")]
    return [[line.split("\t")[header.index(name)] for line in lines[1:]] for name in names]


def _rate(world: TinyWorld, rng: np.random.Generator) -> None:
    """Give the interactions ratings of 2 and 5, so that there are labels of both kinds."""
    path = world.folder / f"{world.name}.inter"
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    place = [field.partition(":")[0] for field in header.split("\t")].index("rating")
    rated = []
    for line in lines:
        values = line.split("\t")
        values[place] = str(rng.choice([2.0, 5.0]))
        rated.append("\t".join(values))
    path.write_text("\n".join([header, *rated, ""]), encoding="utf-8")


INTER = ["user_id", "item_id", "rating", "timestamp"]
ITEM = {"inter": INTER, "item": ["item_id", "category", "price"]}
_CE = {"train_neg_sample_args": None}
_FAMILY_SETTINGS: dict[str, dict[str, Any]] = {
    "general": {},
    "sequential": {
        **_CE,
        "MAX_ITEM_LIST_LENGTH": 6,
        "hidden_size": EMBEDDING,
        "inner_size": EMBEDDING,
    },
    "context-aware": {
        "load_col": {**ITEM, "user": ["user_id", "age", "gender"]},
        "eval_args": {"split": {"RS": [0.7, 0.15, 0.15]}, "order": "RO", "mode": "full"},
        "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1},
        "metrics": ["Recall", "ImageF1", "BLEU1"],
    },
    "knowledge-aware": {
        "load_col": {
            "inter": INTER,
            "kg": ["head_id", "relation_id", "tail_id"],
            "link": ["item_id", "entity_id"],
        },
        "kg_embedding_size": EMBEDDING,
    },
    "decision tree": {
        "load_col": {**ITEM, "user": ["user_id", "age", "gender"]},
        "eval_args": {"split": {"RS": [0.7, 0.15, 0.15]}, "order": "RO", "mode": "labeled"},
        "train_neg_sample_args": None,
        "threshold": {"rating": 3},
        "metrics": ["AUC", "ImageF1", "BLEU1"],
        "valid_metric": "AUC",
    },
}
_BPR = {"train_neg_sample_args": {"distribution": "uniform", "sample_num": 1}}
_FEATURE = {"load_col": ITEM, "selected_features": ["category"]}
_RERANK = {"reranker_CAN_NUM": 10, "embedding_size": EMBEDDING}
_ENTITIES = {
    "load_col": {
        "inter": INTER,
        "kg": ["head_id", "relation_id", "tail_id"],
        "link": ["item_id", "entity_id"],
        "ent": ["ent_id", "ent_emb"],
        "rel": ["rel_id", "rel_emb"],
    },
    "additional_feat_suffix": ["ent", "rel"],
    "preload_weight": {"ent_id": "ent_emb", "rel_id": "rel_emb"},
    "alias_of_entity_id": ["ent_id"],
    "alias_of_relation_id": ["rel_id"],
    "kg_embedding_size": EMBEDDING,
}
_PRETRAINED = {"pretrain_epochs": 1, "save_step": 1, "metrics_k": 5}
# What single models need beside the settings of their family; a list is stages, one run each.
_MODEL_SETTINGS: dict[str, dict[str, Any] | list[dict[str, Any]]] = {
    "ConvNCF": {"cnn_channels": [1, 4, 4], "cnn_kernels": [4, 4], "cnn_strides": [4, 4]},
    "DGCF": {"train_batch_size": 64},  # it samples as many items as its batch is large
    "NCL": {"num_clusters": 4, "warm_up_step": 0},
    "RaCT": [
        {**_PRETRAINED, "train_stage": "actor_pretrain"},
        {**_PRETRAINED, "train_stage": "critic_pretrain"},
        {"train_stage": "finetune", "metrics_k": 5},
    ],
    "S3Rec": [
        {**_PRETRAINED, "load_col": ITEM, "item_attribute": "category", "train_stage": "pretrain"},
        {"load_col": ITEM, "item_attribute": "category", "train_stage": "finetune"},
    ],
    # They drop edges of the graph at random in evaluation too: no two rankings would be equal.
    "KGIN": {"node_dropout_rate": 0.0},
    "MCCLK": {"node_dropout_rate": 0.0},
    "KD_DAGFM": [{"phase": "teacher_training"}, {"phase": "distillation"}, {"phase": "finetuning"}],
    "DSSM": {"load_col": {**ITEM, "item": ["item_id", "category"], "user": ["user_id", "gender"]}},
    "FDSA": _FEATURE,
    "FPMC": _BPR,
    "GRU4RecF": _FEATURE,
    "SASRecF": _FEATURE,
    "GRU4RecCPR": _RERANK,
    "SASRecCPR": _RERANK,
    "GRU4RecKG": _ENTITIES,
    "KSR": _ENTITIES,
    "DIN": {**_BPR, "load_col": ITEM},
    "DIEN": {**_BPR, "load_col": ITEM},
    "TransRec": _BPR,
    "LightGBM": {"lgb_num_boost_round": 5},
    "XGBoost": {"xgb_num_boost_round": 5},
}


def stages_of(model: str) -> list[dict[str, Any]]:
    """The settings of each run that a model takes, the last one its training proper."""
    own = _MODEL_SETTINGS.get(model, {})
    family = _FAMILY_SETTINGS[family_of(model)]
    return [{**family, **stage} for stage in (own if isinstance(own, list) else [own])]


@dataclass(frozen=True)
class Trial:
    """What a trial of a base found.

    Attributes:
        vectors: Where the explainer's user and item vectors come from, ``None`` for nowhere.
        result: The figures of the test split.
    """

    vectors: tuple[str | None, str | None]
    result: Mapping[str, float]


def try_base(model: str, world: TinyWorld, work: Path) -> Trial:
    """Train ``Showcase<model>`` for an epoch a stage, test, generate, save, and load back.

    Raises:
        AssertionError: If a figure is not finite, the explainer did not learn, or the loaded model
            gives other scores, photos or texts.
    """
    changes: dict[str, Any] = {}
    work.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(work):
        for stage in stages_of(model):
            trained = _train(model, world, work, {**stage, **changes})
            changes = {"pre_model_path": trained.file, "warm_up": trained.file}
        before = _answers(trained.model, trained.loaders)
        after = _answers(*_load(trained.file))
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, f"{name} of the loaded model")
    return Trial(trained.model.vectors.sources, trained.result)


@dataclass(frozen=True)
class _Trained:
    model: Any
    loaders: Any
    file: str
    result: Mapping[str, float]


def _train(model: str, world: TinyWorld, work: Path, settings: Mapping[str, Any]) -> _Trained:
    """Do what RecBole's quick start does, and keep the model."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.data.transform import construct_transform
    from recbole.quick_start import quick_start
    from recbole.utils import get_model, get_trainer, init_seed

    from recbole_showcase.integration.checkpoint import clean_argv

    name = f"Showcase{model}"
    values = world.config(work, **{"epochs": 1, **settings})
    with clean_argv():
        config = Config(name, world.name, config_dict=values)
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    loaders = data_preparation(config, dataset)
    init_seed(config["seed"], config["reproducibility"])
    built = get_model(name)(config, loaders[0]._dataset).to(config["device"])
    transform = construct_transform(config)
    quick_start.get_flops(built, dataset, config["device"], None, transform)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, built)
    start = {key: value.clone() for key, value in built.showcase.named_parameters()}
    trainer.fit(loaders[0], loaders[1])
    result = trainer.evaluate(loaders[2])
    assert all(np.isfinite(float(value)) for value in result.values()), result
    moved = [key for key, value in built.showcase.named_parameters() if (value != start[key]).any()]
    assert moved, "the explainer did not learn"
    return _Trained(built, loaders, trainer.saved_model_file, result)


def _load(file: str) -> tuple[Any, Any]:
    from recbole.quick_start import load_data_and_model

    _, model, _, *loaders = load_data_and_model(file)
    return model, loaders


def _answers(model: Any, loaders: Any) -> dict[str, Any]:
    """Scores of test rows, and photos and texts for pairs."""
    import torch
    from recbole.utils import init_seed

    from recbole_showcase.composed.ranking import top_items
    from recbole_showcase.data.pairs import Pairs

    init_seed(7, True)
    data = model.showcase.data
    rows = data.samples(loaders[2]._dataset.showcase_rows)[:8]
    model.eval()
    with torch.no_grad():
        users = np.unique(data.corpus.interactions.users[rows])
        items, scores = top_items(model, loaders, users, 5)
    outputs = model.explain(Pairs.of_rows(data.corpus, rows))
    return {
        "items": items,
        "scores": scores,
        "photos": outputs.photos,
        "relevance": outputs.relevance,
        "texts": np.array(outputs.texts),
    }

"""A whole run: schedules, losses, optimizer, evaluation, and the world it must learn."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from recbole_showcase.composed.trainer import _spread
from recbole_showcase.errors import SettingsError
from recbole_showcase.integration.checkpoint import clean_argv, load_checkpoint
from recbole_showcase.integration.metrics import EVALUATION
from tests.tiny import DIM, TOPICS, TinyWorld


def prepare(model: str, tiny_world: TinyWorld, work: Path, **changes: object):
    """Build the data, the model and the trainer as quick start does."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    with clean_argv():
        config = Config(model, tiny_world.name, config_dict=tiny_world.config(work, **changes))
    init_seed(config["seed"], True)
    dataset = create_dataset(config)
    loaders = data_preparation(config, dataset)
    built = get_model(model)(config, loaders[0]._dataset).to(config["device"])
    return get_trainer(config["MODEL_TYPE"], model)(config, built), loaders


SASREC = {"train_neg_sample_args": None, "hidden_size": 16, "inner_size": 16}


@pytest.mark.parametrize(
    ("model", "changes"),
    [("ShowcaseBPR", {}), ("ShowcaseLightGCN", {}), ("ShowcaseSASRec", SASREC)],
)
def test_a_run_reports_both_sides(
    tiny_world: TinyWorld, tmp_path: Path, model: str, changes: dict[str, object]
) -> None:
    trainer, (train, valid, test) = prepare(model, tiny_world, tmp_path, **changes)
    trainer.fit(train, valid)
    result = trainer.evaluate(test)
    assert set(result) == {"recall@5", "ndcg@5", "imagef1@3", "bleu1"}
    assert all(np.isfinite(float(value)) for value in result.values())


def test_the_tiny_world_is_learned(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """A user's topic shows in every past review and photo, so text and photos can be right."""
    import recbole_showcase

    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR",
        tiny_world,
        tmp_path,
        epochs=16,
        showcase_learning_rate=0.003,
        valid_metric="BLEU1",
    )
    trainer.fit(train, valid)
    result = trainer.evaluate(test)
    assert result["bleu1"] > 95
    (checkpoint,) = (tmp_path / "saved").glob("*.pth")
    recommender = recbole_showcase.load_explainer(checkpoint)
    pages = recommender.user_showcases([f"u{n}" for n in range(8)], top_k=2)
    right = [
        TOPICS[number % len(TOPICS)] in shown.text
        for number, page in enumerate(pages)
        for shown in (*page.recommended, *page.held_out)
    ]
    assert len(right) == 24 and np.mean(right) > 0.9
    for number, page in enumerate(pages):
        topic = number % len(TOPICS)
        (held_out,) = page.held_out
        assert tiny_world.topic_of_photo[held_out.photos[0].id] == topic
        assert held_out.review is not None and TOPICS[topic] in held_out.review.text
        past = {review.item for review in page.history}
        assert not past & {shown.item for shown in page.recommended}


def test_the_same_seed_gives_the_same_run(tiny_world: TinyWorld, tmp_path: Path) -> None:
    states = []
    for work in (tmp_path / "a", tmp_path / "b"):
        trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, work)
        trainer.fit(train, valid)
        states.append(trainer.model.state_dict())
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name


def test_the_recommenders_batches_do_not_depend_on_the_explainer(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """Gradients are not shared by default: the recommender trains exactly as if alone."""
    tables = []
    for schedule in ("joint", "alternating"):
        trainer, (train, valid, _) = prepare(
            "ShowcaseBPR", tiny_world, tmp_path / schedule, showcase_schedule=schedule
        )
        trainer.fit(train, valid)
        tables.append(trainer.model.item_embedding.weight.detach())
    assert torch.equal(*tables)


def test_a_base_that_draws_when_it_is_set_to_train(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """SGL draws graphs at each ``train()``, so it is called as often as without an explainer."""
    from tests.integration.test_registration import stock_config

    changes = stock_config(tiny_world, tmp_path / "alone", epochs=2)
    alone, (train, _, _) = prepare("SGL", tiny_world, tmp_path / "alone", **changes)
    alone.fit(train)
    beside, (train, _, _) = prepare("ShowcaseSGL", tiny_world, tmp_path / "beside")
    beside.fit(train)
    for name, weights in alone.model.state_dict().items():
        assert torch.equal(weights, beside.model.state_dict()[name]), name


def test_shared_gradients_reach_the_recommender(tiny_world: TinyWorld, tmp_path: Path) -> None:
    for share in (False, True):
        trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, showcase_share_gradient=share)
        sum(trainer.model.explain_loss(next(trainer.loader.epoch(0)))).backward()
        grad = trainer.model.item_embedding.weight.grad
        assert (grad is not None and bool(grad.any())) == share
        head = trainer.model.showcase.parameters()
        assert all(p.grad is not None for p in head if p.requires_grad)


def test_staged_epochs_train_one_side_each(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, _, _) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, showcase_schedule="staged", showcase_staged_epochs=1
    )
    model = trainer.model

    def snapshot() -> tuple[torch.Tensor, torch.Tensor]:
        tables = model.item_embedding.weight, next(model.showcase.explainer.parameters())
        return tuple(table.detach().clone() for table in tables)

    states = [snapshot()]
    losses = []
    for epoch in (0, 1):
        losses.append(trainer._train_epoch(train, epoch))
        states.append(snapshot())
    changed = [
        [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        for before, after in itertools.pairwise(states)
    ]
    assert changed == [[True, False], [False, True]]
    assert losses[0][1] == 0 and losses[1][0] == 0


def test_the_explanation_side_has_its_own_learning_rate(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, _ = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, learning_rate=0.5, showcase_learning_rate=0.25
    )
    base, head = trainer.optimizer.param_groups
    assert (base["lr"], head["lr"]) == (0.5, 0.25)
    assert len(base["params"]) + len(head["params"]) == len(list(trainer.model.parameters()))


def test_losses_are_logged_by_name(
    tiny_world: TinyWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path, epochs=1)
    with caplog.at_level(logging.INFO):
        trainer.fit(train, valid)
    line = next(r.getMessage() for r in caplog.records if "training" in r.getMessage())
    assert "recommendation loss" in line and "cross entropy loss" in line


@pytest.mark.parametrize(("n_batches", "n_steps"), [(3, 10), (10, 10), (10, 3), (0, 4), (1, 7)])
def test_batches_are_spread_over_the_steps(n_batches: int, n_steps: int) -> None:
    batches = iter(range(n_batches))
    take = _spread(batches, n_batches, n_steps)  # type: ignore[arg-type]
    taken = [batch for batch in (take() for _ in range(n_steps)) if batch is not None]
    assert taken + list(batches) == list(range(n_batches))
    assert len(taken) == min(n_batches, n_steps)


def test_explanations_are_only_made_when_due(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, epochs=4, showcase_eval_step=2, showcase_valid_pairs=5
    )
    asked = []
    explain = trainer.model.explain
    trainer.model.explain = lambda pairs, text, photos, progress: (
        asked.append((len(pairs), text)) or explain(pairs, text=text, photos=photos)
    )
    trainer.fit(train, valid)
    assert asked == [(5, False), (5, True)] * 2, "photos for ImageF1, then texts from them"
    trainer.evaluate(test)
    assert asked[4:] == [(40, False), (40, True)]


@pytest.mark.parametrize(
    ("metrics", "made"),
    [
        (["Recall"], []),
        (["ImageF1"], [False]),
        (["BLEU1"], [True]),
        (["BLEU1", "ImageF1", "CLIPScore"], [True]),
        (["FMR", "BLEU1"], [True]),
    ],
)
def test_nothing_is_made_that_no_metric_reads(
    tiny_world: TinyWorld, tmp_path: Path, metrics: list[str], made: list[bool]
) -> None:
    changes = {"metrics": metrics, "eval_step": 0}
    trainer, (_, _, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    trainer.eval_collector.resources.encoder = SimpleNamespace(
        encode_texts=lambda texts: torch.zeros(len(texts), DIM)
    )
    asked, kept = [], []
    explain, compute = trainer.model.explain, trainer.evaluator.evaluate
    trainer.model.explain = lambda pairs, text, photos, progress: (
        asked.append(text) or explain(pairs, text=text, photos=photos)
    )
    trainer.evaluator.evaluate = lambda given: kept.append(given) or compute(given)
    trainer.evaluate(test, load_best_model=False)
    assert asked == made
    if made:
        gathered = vars(kept[0].get(EVALUATION).evaluation)
        assert ("photo_features" in gathered) == ("CLIPScore" in metrics)
        assert ("lexicon" in gathered) == ("FMR" in metrics)


def test_training_stops_by_an_explanation_metric(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path, valid_metric="BLEU1")
    score, result = trainer.fit(train, valid)
    assert score == result["bleu1"]


def test_a_metric_that_is_never_defined_leaves_a_checkpoint(
    tiny_world: TinyWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A held-out pair a user: no user has two texts to compare."""
    changes = {"metrics": ["Recall", "UserUSR"], "valid_metric": "UserUSR"}
    trainer, (train, valid, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    with caplog.at_level(logging.WARNING):
        score, result = trainer.fit(train, valid)
    assert score == -np.inf and np.isnan(result["userusr"])
    assert load_checkpoint(trainer.saved_model_file, map_location="cpu")["epoch"] == 1
    assert np.isfinite(trainer.evaluate(test)["recall@5"])
    warned = [r.getMessage() for r in caplog.records if "valid_metric 'userusr'" in r.getMessage()]
    assert len(warned) == 2 and "40 pairs explained" in warned[0] and "at no" in warned[1]


@pytest.mark.parametrize("metric", ["Recall@5", "SelfBLEU"])
def test_an_undefined_validation_is_worse_than_any(
    tiny_world: TinyWorld, tmp_path: Path, caplog: pytest.LogCaptureFixture, metric: str
) -> None:
    """Of more and of less to be better."""
    changes = {"epochs": 4, "valid_metric": metric, "metrics": ["Recall", "SelfBLEU"]}
    trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    found = iter([np.nan, 0.3, np.nan, np.nan])
    trainer.evaluate = lambda *args, **kwargs: {metric.lower(): next(found)}
    with caplog.at_level(logging.WARNING):
        score, _ = trainer.fit(train, valid)
    assert score == 0.3 and trainer.cur_step == 2
    assert load_checkpoint(trainer.saved_model_file, map_location="cpu")["epoch"] == 1
    assert sum("valid_metric" in r.getMessage() for r in caplog.records) == 1


@pytest.mark.parametrize("enabled", [False, True])
def test_explanation_steps_scale_losses_as_recboles_do(
    tiny_world: TinyWorld, tmp_path: Path, enabled: bool
) -> None:
    """The scaled gradients are the loss's by a large factor; the step is the same."""
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    trainer.enable_scaler = enabled
    largest: list[float] = []
    for parameter in trainer.model.showcase.parameters():
        parameter.register_hook(lambda grad: largest.append(float(grad.abs().max())))
    before = [p.detach().clone() for p in trainer.model.showcase.parameters()]
    trainer._explanation_steps(iter([next(trainer.loader.epoch(0))]), 0, show_progress=False)
    assert (max(largest) > 1000) == enabled
    moved = [float((a - b).abs().max()) for a, b in
             zip(before, trainer.model.showcase.parameters(), strict=True)]  # fmt: skip
    assert 0 < max(moved) < 0.0011, "a step of Adam is no longer than the learning rate"


def test_explanation_metrics_stand_beside_value_metrics(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, (train, valid, test) = prepare(
        "ShowcaseBPR",
        tiny_world,
        tmp_path,
        metrics=["AUC", "ImageF1"],
        valid_metric="AUC",
        eval_args={"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "mode": "uni5"},
    )
    trainer.fit(train, valid)
    assert set(trainer.evaluate(test)) == {"auc", "imagef1@3"}


def test_who_is_known_is_looked_up_where_the_vectors_are(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """A device that holds no values says where something is copied from it."""
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    assert not any("known_items" in name for name in trainer.model.showcase.state_dict())
    model, batch = trainer.model.to("meta"), next(trainer.loader.epoch(0)).explanation.to("meta")
    users, items = model._vectors_of(batch)
    assert users.is_meta and items.is_meta and len(users) == len(items) == len(batch)


def test_profiles_and_photos_may_be_empty(tiny_world: TinyWorld, tmp_path: Path) -> None:
    names = ("max_photos", "max_history_reviews", "max_history_photos")
    none = {f"showcase_{name}": 0 for name in names}
    trainer, (train, valid, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, epochs=1, **none)
    trainer.fit(train, valid)
    assert np.isfinite(trainer.evaluate(test)["bleu1"])


def test_photos_alone_need_no_text(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, _, test) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, metrics=["Recall", "ImageF1"]
    )
    trainer.model.showcase.explainer.generate = None  # would fail if called
    trainer.eval_collector.data_collect(train)
    assert "imagef1@3" in trainer.evaluate(test, load_best_model=False)


def test_each_stage_has_a_best_epoch_of_its_own(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """The recommender alone may be best early, and go on long after; the explainer is tested."""
    changes = {
        "epochs": 7,
        "stopping_step": 1,
        "showcase_schedule": "staged",
        "showcase_staged_epochs": 4,
        "valid_metric": "Recall@5",
    }
    trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path, **changes)
    found = iter([0.9, 0.5, 0.4, 0.3, 0.1, 0.2, 0.15])
    trainer.evaluate = lambda *args, **kwargs: {"recall@5": next(found)}
    score, _ = trainer.fit(train, valid)
    assert score == 0.2, "the first stage neither stopped the training nor kept its best score"
    assert load_checkpoint(trainer.saved_model_file, map_location="cpu")["epoch"] == 5


def test_a_trainer_that_explains_nothing_is_refused(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole.trainer import Trainer

    trainer, (train, valid, _) = prepare("ShowcaseBPR", tiny_world, tmp_path)
    model = type(trainer.model)(trainer.config, train._dataset)
    with pytest.raises(
        SettingsError, match=r"get_trainer\(config\['MODEL_TYPE'\], 'ShowcaseBPR'\)"
    ):
        Trainer(trainer.config, model).fit(train, valid)


def test_figures_of_other_weights_are_not_kept(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (train, valid, test) = prepare("ShowcaseBPR", tiny_world, tmp_path)
    trainer.fit(train, valid)
    trainer.evaluate(test, load_best_model=False)
    assert not list((tmp_path / "saved").glob("*.test.json"))
    trainer.evaluate(test)
    assert len(list((tmp_path / "saved").glob("*.test.json"))) == 1


def test_rows_follow_orders_and_splits_made_later(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """As in RecBole's examples of sessions, which shuffle and split what is built."""
    _, (train, *_) = prepare("ShowcaseBPR", tiny_world, tmp_path)
    split = train._dataset
    corpus = split.showcase.corpus.interactions

    def fits(part: Any) -> bool:
        feat = part.inter_feat
        own = [feat[field].numpy() for field in (part.uid_field, part.iid_field)]
        users, items = corpus.users[part.showcase_rows], corpus.items[part.showcase_rows]
        same = np.array_equal(own[0], users) and np.array_equal(own[1], items)
        return same and not any("showcase" in field for field in feat.columns)

    split.shuffle()
    assert fits(split)
    left, right = split.split_by_ratio([0.3, 0.7])
    assert len(left) + len(right) == len(split) and fits(left) and fits(right) and fits(split)
    split.sort(by="user_id")
    assert fits(split)
    assert all(map(fits, split.leave_one_out(group_by="user_id", leave_one_mode="valid_and_test")))

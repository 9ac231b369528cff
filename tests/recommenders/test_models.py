"""Recommenders that see as RecBole's users meet them: run, ranked, saved, loaded, composed."""

from __future__ import annotations

import copy
import pickle
import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import recbole_showcase
from recbole_showcase.errors import (
    CheckpointError,
    DataError,
    FeatureStoreError,
    RegistrationError,
    SettingsError,
)
from recbole_showcase.integration.config import recommender_defaults
from recbole_showcase.recommenders import recommender
from recbole_showcase.resources import properties_path
from recbole_showcase.settings import read_settings
from tests.integration.test_checkpoints import train
from tests.integration.test_registration import stock_config
from tests.recommenders.conftest import COLD, MODELS, built
from tests.tiny import TOPICS, TinyWorld
from tests.together import run_together


def scores(model: Any, users: Any = range(1, 6)) -> np.ndarray:
    """Of some users and all items (U, n_items)."""
    from recbole.data.interaction import Interaction

    model.eval()
    with torch.no_grad():
        found = model.full_sort_predict(Interaction({"user_id": torch.tensor([*users])}))
    return found.view(len([*users]), -1).numpy()


def test_full_ranking_is_pair_by_pair(trained: tuple[Any, Any]) -> None:
    from recbole.data.interaction import Interaction

    model = trained[0].model
    users, items = torch.tensor([1, 2, 3]), torch.arange(model.n_items)
    pairs = {"user_id": users.repeat_interleave(len(items)), "item_id": items.repeat(3)}
    model.eval()
    with torch.no_grad():
        alone = model.predict(Interaction(pairs)).view(3, -1).numpy()
    np.testing.assert_allclose(scores(model, users), alone, rtol=1e-5, atol=1e-5)


def test_what_is_kept_of_a_ranking_follows_the_weights(trained: tuple[Any, Any]) -> None:
    model = copy.deepcopy(trained[0].model)
    before = scores(model)
    with torch.no_grad():
        model.user_embedding.weight[1] *= -2
    after = scores(model)
    assert (after[0] != before[0]).any()


def test_what_is_kept_of_a_ranking_follows_the_mode(trained: tuple[Any, Any]) -> None:
    """In training BM3 has no vectors of cold items."""
    from recbole.data.interaction import Interaction

    model = copy.deepcopy(trained[0].model)
    before = scores(model)
    model._ranked = None
    with torch.no_grad():
        model.train().full_sort_predict(Interaction({"user_id": torch.tensor([1])}))
    np.testing.assert_array_equal(scores(model), before)


def test_tastes_and_cold_items_are_learned(trained: tuple[Any, Any]) -> None:
    """Items of a user's topic are ahead, so is one that nobody visited, by what it shows."""
    trainer, (train_data, *_) = trained
    model, data = trainer.model, train_data._dataset
    users = data.token2id("user_id", [f"u{u}" for u in range(32)])
    known = [token for token in data.field2id_token["item_id"][1:] if token != COLD]
    topics = np.array([int(token[1:]) % len(TOPICS) for token in known])
    found = scores(model, users)
    own = topics == (np.arange(32) % len(TOPICS))[:, None]
    ranked = found[:, data.token2id("item_id", known)]
    assert ranked[own].mean() > ranked[~own].mean() + ranked.std() / 2
    cold = data.token2id("item_id", COLD)
    assert not model.trained[cold]
    likes = np.arange(32) % len(TOPICS) == 0
    others = found[~likes, cold]
    assert found[likes, cold].mean() > others.mean() + 1.5 * others.std()


def test_nothing_but_parameters_and_buffers_is_on_a_device(trained: tuple[Any, Any]) -> None:
    model = copy.deepcopy(trained[0].model).to("meta")
    tensors = [v for part in model.modules() for v in vars(part).values()]
    assert not [v for v in tensors if isinstance(v, torch.Tensor)]
    assert {t.device.type for t in (*model.parameters(), *model.buffers())} == {"meta"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("model", MODELS)
def test_on_a_gpu(model: str, seen_world: TinyWorld, tmp_path: Path) -> None:
    trainer, loaders = built(model, seen_world, tmp_path, gpu_id="0")
    assert {b.device.type for b in trainer.model.buffers()} == {"cuda"}
    trainer.fit(loaders[0], loaders[1])
    assert np.isfinite(trainer.evaluate(loaders[2])["recall@5"])


@pytest.mark.parametrize("model", MODELS)
def test_mixed_precision_trains(model: str, seen_world: TinyWorld, tmp_path: Path) -> None:
    """``enable_amp`` is RecBole's; its type is that of CUDA, which has the narrower range."""
    trainer, loaders = built(model, seen_world, tmp_path, epochs=2, enable_amp=True)
    usual = torch.get_autocast_dtype("cpu")
    torch.set_autocast_dtype("cpu", torch.float16)
    try:
        trainer.fit(loaders[0], loaders[1])
    finally:
        torch.set_autocast_dtype("cpu", usual)
    assert all(weights.isfinite().all() for weights in trainer.model.parameters())
    assert np.isfinite(trainer.evaluate(loaders[2])["recall@5"])


@pytest.mark.parametrize("mode", ["full", "uni5", "pop5", "labeled"])
@pytest.mark.parametrize("model", MODELS)
def test_every_way_to_evaluate(
    model: str, mode: str, seen_world: TinyWorld, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "epochs": 1,
        "eval_args": {"split": {"RS": [0.7, 0.1, 0.2]}, "order": "TO", "mode": mode},
    }
    if mode == "labeled":
        changes |= {"metrics": ["RMSE"], "valid_metric": "RMSE"}
        changes |= {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
        changes |= {"threshold": {"rating": 3}}
    trainer, loaders = built(model, seen_world, tmp_path, **changes)
    trainer.fit(loaders[0], loaders[1], saved=False)
    result = trainer.evaluate(loaders[2], load_best_model=False)
    assert result and all(np.isfinite(float(value)) for value in result.values())


@pytest.mark.parametrize("model", MODELS)
def test_a_plain_run_is_saved_loaded_and_repeated(
    model: str, seen_world: TinyWorld, tmp_path: Path
) -> None:
    """By ``run_recbole`` with no setting of ours but the encoder; twice, to the last digit."""
    from recbole.quick_start import load_data_and_model

    found = []
    for turn in ("one", "two"):
        config = stock_config(seen_world, tmp_path / turn, showcase_encoder="topics")
        config["showcase_encoder"] = "topics"
        checkpoint, result = train(model, seen_world.name, config)
        _, loaded, *_ = load_data_and_model(str(checkpoint))
        found.append((scores(loaded), {name: float(value) for name, value in result.items()}))
        state = torch.load(checkpoint, weights_only=False)["state_dict"]
        for name, value in loaded.state_dict().items():
            torch.testing.assert_close(value, state[name], rtol=0, atol=0)
        assert type(loaded).__name__ == model
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("model", MODELS)
def test_as_a_base_it_learns_as_alone_and_explains(
    model: str, seen_world: TinyWorld, tmp_path: Path
) -> None:
    """The same weights beside an explainer, which reads its vectors; and loaded again."""
    plain, loaders = built(model, seen_world, tmp_path / "plain")
    plain.fit(loaders[0], loaders[1])
    changes = {"embedding_size": 8, "metrics": ["Recall", "NDCG", "ImageF1", "BLEU1"]}
    config = seen_world.config(tmp_path / "showcase", **changes)
    checkpoint, result = train(f"Showcase{model}", seen_world.name, config)
    assert {"recall@5", "imagef1@3", "bleu1"} <= set(result)
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    best = torch.load(plain.saved_model_file, weights_only=False)["state_dict"]
    for name, value in best.items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0, msg=name)
    recommender = recbole_showcase.load_explainer(checkpoint)
    assert recommender.model.vectors.sources == ("forward()", "forward()")
    (cards,) = recommender.recommend(["u1"], top_k=2)
    assert len(cards) == 2 and cards[0].photos


def test_an_epoch_learns_from_its_own_edges(seen_world: TinyWorld, tmp_path: Path) -> None:
    """The trainer tells the model which epoch begins, and a resumed run draws the same."""
    trainer, (train_data, *_) = built("FREEDOM", seen_world, tmp_path, edge_dropout=0.5)
    model, seen = trainer.model, []
    assert type(trainer).__name__ == "FREEDOMTrainer"
    for epoch in (0, 1, 0):
        trainer._train_epoch(train_data, epoch)
        seen.append(model.pruned.places.clone())
    assert seen[0].equal(seen[2]) and not seen[0].equal(seen[1])
    edges = train_data._dataset.inter_matrix(form="csr").nnz
    assert seen[0].shape[1] == seen[1].shape[1] == 2 * round(0.5 * edges)
    assert model.whole.places.shape[1] == 2 * edges


@pytest.mark.parametrize("model", MODELS)
def test_the_file_has_the_defaults(model: str) -> None:
    from recbole.utils import get_model

    settings = get_model(model).Settings
    file = yaml.safe_load((properties_path() / "model" / f"{model}.yaml").read_text())
    assert file.pop("train_neg_sample_args", None) is None
    assert set(file) == {field.name for field in fields(settings)}
    assert read_settings(settings, "", file) == settings()


def test_names_are_found_as_recbole_spells_them() -> None:
    from recbole.utils import get_model

    from recbole_showcase.recommenders.vbpr import VBPR

    assert get_model("VBPR") is VBPR
    assert get_model("ShowcaseVBPR").base_model is VBPR
    with pytest.raises(RegistrationError, match="Did you mean 'VBPR'"):
        get_model("Vbpr")
    with pytest.raises(RegistrationError, match="Did you mean 'ShowcaseFREEDOM'"):
        get_model("ShowcaseFreedom")


def test_a_derived_model_has_what_its_base_has(seen_world: TinyWorld, tmp_path: Path) -> None:
    from recbole_showcase.recommenders.freedom import FREEDOM

    class Freer(FREEDOM):
        pass

    recbole_showcase.showcase_class(Freer)
    trainer, (train_data, *_) = built("ShowcaseFreer", seen_world, tmp_path)
    assert trainer.model.settings.knn_k == 10
    trainer._train_epoch(train_data, 0)
    assert trainer.model.pruned.places.shape[1] < trainer.model.whole.places.shape[1]


def test_a_data_set_without_features_names_the_command(
    seen_world: TinyWorld, tmp_path: Path
) -> None:
    """Before the interactions are read: here they could not be."""
    world = TinyWorld(tmp_path / "data", "seen", {})
    shutil.copytree(seen_world.folder, world.folder)
    shutil.rmtree(world.folder / "seen.features")
    (world.folder / "seen.inter").write_text("no interactions")
    with pytest.raises(FeatureStoreError, match=r"recbole-showcase embed .*seen --encoder"):
        built("VBPR", world, tmp_path, showcase_encoder="showcase-tiny")


def test_a_data_set_without_photos_is_refused(seen_world: TinyWorld, tmp_path: Path) -> None:
    world = TinyWorld(tmp_path / "data", "seen", {})
    shutil.copytree(seen_world.folder, world.folder)
    (world.folder / "seen.image").unlink()
    with pytest.raises(DataError, match="leave it out of 'modalities'"):
        built("VBPR", world, tmp_path)
    trainer, _ = built("FREEDOM", world, tmp_path, modalities=["review"])
    assert trainer.model.alike.weights.max() <= 1


def test_settings_of_others_do_no_harm() -> None:
    """RecBole's own though one is nearly ours, those of a composed model, and the user's."""
    model = recommender("VBPR")
    given = {"learning_rate": 0.01, "modalitie": 1, "showcase_explainer": "nrt", "mine": 2}
    assert recommender_defaults(model, given, known=["modalitie"])["embedding_size"] == 64
    with pytest.raises(SettingsError, match="'modalitie'"):
        recommender_defaults(model, given)


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        ("VBPR", {"embedding_size": 0}, "'embedding_size' is 0"),
        ("FREEDOM", {"edge_dropout": 1.0}, "'edge_dropout' is 1.0"),
        ("BM3", {"modalities": ["video"]}, "'modalities"),
        ("BM3", {"modalities": ["sentence"]}, "'modalities"),
        ("BM3", {"modalities": []}, "'modalities'"),
        ("BM3", {"train_neg_sample_args": {"distribution": "uniform"}}, "learns without negatives"),
        ("VBPR", {"modalites": ["image"]}, "'modalites'; the nearest allowed one is 'modalities'"),
        ("BM3", {"dropout_probs": 0.1}, "unknown setting 'dropout_probs'"),
        ("FREEDOM", {"showcase_encodr": "x"}, "allowed one is 'showcase_encoder'"),
    ],
)
def test_settings_that_cannot_be(
    model: str, changes: Any, said: str, seen_world: TinyWorld, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=said):
        built(model, seen_world, tmp_path, **changes)


@pytest.mark.parametrize("model", MODELS)
def test_its_data_set_class_is_one_and_the_same_to_pickles(model: str) -> None:
    from recbole.data import dataset
    from recbole.utils import get_model

    get_model(model)
    found = getattr(dataset, model + "Dataset")
    assert pickle.loads(pickle.dumps(found)) is found
    get_model(model)
    assert getattr(dataset, model + "Dataset") is found


def test_other_features_than_learned_from_are_refused(
    seen_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, _ = built("VBPR", seen_world, tmp_path)
    known = trainer.model.other_parameter()
    trainer.model.load_other_parameter(known)
    image = known["item_features"]["image"]
    for other in ([-value for value in image], image[1:], "sha256:then"):
        with pytest.raises(CheckpointError, match="image changed; train it again"):
            trainer.model.load_other_parameter({"item_features": {"image": other}})


def test_two_processes_end_with_the_same_weights(seen_world: TinyWorld, tmp_path: Path) -> None:
    jobs = [
        {
            "model": model,
            "dataset": seen_world.name,
            "config": seen_world.config(tmp_path / model, metrics=["Recall"], epochs=1),
            "nproc": 2,
            "keep": str(tmp_path / f"{model}-kept"),
        }
        for model in ("VBPR", "BM3", "ShowcaseFREEDOM")
    ]
    for job in jobs:
        Path(job["keep"]).mkdir()
    for job, found in zip(jobs, run_together(jobs, tmp_path), strict=True):
        assert np.isfinite(found["figures"]["recall@5"]), found
        one, other = (torch.load(p, weights_only=True) for p in sorted(Path(job["keep"]).iterdir()))
        for name, value in one.items():
            torch.testing.assert_close(value, other[name], rtol=0, atol=0, msg=name)

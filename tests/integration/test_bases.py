"""Recommenders of every family as bases; all of RecBole's are tried by benchmarks/bases.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import recbole_showcase
from recbole_showcase.errors import CheckpointError, RegistrationError
from recbole_showcase.integration.plain import from_plain, to_plain
from tests.bases import try_base, write_rich_world
from tests.integration.test_training import prepare
from tests.tiny import TinyWorld

TABLES = ("user_embedding", "item_embedding")
FORWARD = ("forward()", "forward()")
SEQUENCE = ("forward of the sequence", "item_embedding")
FIELDS = ("token_embedding_table", "token_embedding_table")
# A model of each kind, and where its vectors come from.
CASES = {
    "Pop": (None, None),
    "EASE": (None, None),
    "AsymKNN": (None, None),
    "RecVAE": (None, None),
    "NeuMF": ("user_mf_embedding", "item_mf_embedding"),
    "LightGCN": FORWARD,
    "FPMC": ("UI_emb", "IU_emb"),
    "GRU4Rec": SEQUENCE,
    "SASRecF": SEQUENCE,
    "S3Rec": SEQUENCE,
    "DeepFM": FIELDS,
    "CKE": TABLES,
    "MKR": ("user_embeddings_lookup", "item_embeddings_lookup"),
    "RippleNet": (None, "entity_embedding"),
}


@pytest.fixture(scope="module")
def rich_world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """The tiny world with all that models of any family ask for."""
    return write_rich_world(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("model", CASES)
def test_a_base_trains_tests_generates_and_loads(
    rich_world: TinyWorld, tmp_path: Path, model: str
) -> None:
    assert try_base(model, rich_world, tmp_path).vectors == CASES[model]


@pytest.mark.parametrize(
    ("model", "module", "install"),
    [
        ("KGAT", "dgl", "dgl"),
        ("KGIN", "torch_scatter", "--no-build-isolation torch_scatter"),
        ("NCL", "faiss", "'recbole_showcase[ncl]'"),
    ],
)
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, model: str, module: str, install: str
) -> None:
    from recbole.utils import get_model

    monkeypatch.setitem(sys.modules, module, None)
    message = f"'Showcase{model}' needs the package '{module}' (pip install {install})"
    with pytest.raises(RegistrationError, match=re.escape(message)):
        get_model(f"Showcase{model}")


@pytest.mark.parametrize("model", ["BPR", "SASRec", "NGCF", "MultiVAE"])
def test_the_recommender_trains_as_if_alone(
    tiny_world: TinyWorld, tmp_path: Path, model: str
) -> None:
    """Dropout, sampling and shuffling draw what they draw without an explainer."""
    changes = {"train_neg_sample_args": None} if model in ("SASRec", "MultiVAE") else {}
    stock, stock_losses = _train(model, tiny_world, tmp_path / "stock", changes)
    composed, losses = _train(f"Showcase{model}", tiny_world, tmp_path / "ours", changes)
    assert [loss[: len(stock_losses[0])] for loss in losses] == stock_losses
    state = composed.state_dict()
    for name, value in stock.state_dict().items():
        assert torch.equal(value, state[name]), name


def _train(model: str, world: TinyWorld, work: Path, changes: dict) -> tuple:
    """Two epochs; returns the model and the losses of each."""
    if not model.startswith("Showcase"):
        changes = {**changes, "metrics": ["Recall"]}
    trainer, (train, valid, _) = prepare(model, world, work, epochs=2, **changes)
    losses = []
    epoch = trainer._train_epoch
    trainer._train_epoch = lambda *args, **kwargs: (
        losses.append(epoch(*args, **kwargs)) or losses[-1]
    )
    trainer.fit(train, valid)
    return trainer.model, [loss if isinstance(loss, tuple) else (loss,) for loss in losses]


def test_a_base_that_fits_at_once_leaves_the_explainer_its_epochs(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, (train, valid, _) = prepare("ShowcasePop", tiny_world, tmp_path, epochs=3)
    trainer.fit(train, valid)
    assert list(trainer.train_loss_dict) == [0, 1, 2]
    assert all(loss > 0 for loss in trainer.train_loss_dict.values())
    stock, _ = _train("Pop", tiny_world, tmp_path / "stock", {})
    assert stock.item_cnt.any()
    assert torch.equal(trainer.model.item_cnt, stock.item_cnt)


def test_a_base_may_name_its_tables(tiny_world: TinyWorld, tmp_path: Path) -> None:
    from recbole.model.general_recommender import BPR

    class Tabled(BPR):
        showcase_user_table = "tastes"
        showcase_item_table = "places"

        def __init__(self, config, dataset) -> None:
            super().__init__(config, dataset)
            self.tastes = torch.nn.Embedding(self.n_users, 3)
            self.places = torch.nn.Embedding(self.n_items, 5)

    recbole_showcase.showcase_class(Tabled)
    trainer, _ = prepare("ShowcaseTabled", tiny_world, tmp_path)
    vectors = trainer.model.vectors
    assert vectors.sources == ("tastes", "places")
    assert (vectors.user_size, vectors.item_size) == (3, 5)


def test_sequences_end_before_the_explained_row(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """Against a loop over the interactions."""
    changes = {"train_neg_sample_args": None, "MAX_ITEM_LIST_LENGTH": 4, "hidden_size": 16}
    trainer, _ = prepare("ShowcaseGRU4Rec", tiny_world, tmp_path, **changes)
    corpus = trainer.model.showcase.data.corpus
    inter = corpus.interactions
    rows = np.arange(1, len(corpus))
    found = corpus.visited(inter.users[rows], inter.times[rows], rows, 4)
    for row, items in zip(rows, found, strict=True):
        past = [
            other
            for other in np.flatnonzero((inter.users == inter.users[row]) & (inter.splits == 0))
            if inter.times[other] < inter.times[row]
        ]
        past.sort(key=lambda other: inter.times[other])
        expected = [inter.items[other] for other in past][-4:]
        assert items.tolist() == expected + [0] * (4 - len(expected))


def test_propagated_vectors_follow_the_model(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """What is kept from one forward is not used after the weights have changed."""
    trainer, _ = prepare("ShowcaseLightGCN", tiny_world, tmp_path)
    model = trainer.model.eval()
    batch = next(trainer.loader.epoch(0)).explanation
    with torch.no_grad():
        first, _ = model._vectors_of(batch)
        assert torch.equal(first, model.forward()[0][batch.users])
        state = {name: value + 1 for name, value in model.state_dict().items()}
        model.load_state_dict(state)
        second, _ = model._vectors_of(batch)
        assert torch.equal(second, model.forward()[0][batch.users])
    assert not torch.equal(first, second)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_sparse_matrices_come_back_as_they_were(tmp_path: Path, form: str, kind: str) -> None:
    value = getattr(sp, f"{form}_{kind}")(np.array([[0.0, 2.5, 0.0], [1.0, 0.0, 0.0]]))
    torch.save(to_plain(value, "w"), tmp_path / "w")
    back = from_plain(torch.load(tmp_path / "w", weights_only=True))
    assert type(back) is type(value) and back.shape == value.shape and back.dtype == value.dtype
    assert (back.toarray() == value.toarray()).all()


def test_arrays_and_nestings_come_back_as_they_were(tmp_path: Path) -> None:
    value = {1: [np.arange(3), (np.float32(0.5), "x", None)], "module": torch.nn.Linear(1, 1)}
    torch.save(to_plain(value, "ripple_set"), tmp_path / "w")
    back = from_plain(torch.load(tmp_path / "w", weights_only=True))
    assert list(back) == [1] and back[1][1] == (0.5, "x", None)
    assert back[1][0].dtype == np.int64 and back[1][0].tolist() == [0, 1, 2]


def test_what_only_code_could_restore_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"'tables\['a'\]\[0\]' is of type object"):
        to_plain({"a": [object()]}, "tables")

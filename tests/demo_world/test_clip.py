from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch

from demo_world import WorldSettings, draw_world
from demo_world.catalogue import DISH_NAMES
from demo_world.clip_figures import FolderClip
from demo_world.clip_model import IMAGE_SIZE
from demo_world.clip_pairs import ClipPairs, draw_pairs, sentences_about
from demo_world.clip_training import ClipTraining, augment, normalise, train_clip
from demo_world.figures import WorldFeatures, selection_f1, zero_shot_accuracy
from recbole_showcase.errors import SettingsError
from recbole_showcase.resources import weights_path

SHIPPED = weights_path() / "showcase-tiny"


@pytest.fixture(scope="module")
def clip() -> FolderClip:
    return FolderClip(SHIPPED)


def test_shipped_files_are_small_and_name_no_path() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) <= 15_000_000
    for path in SHIPPED.glob("*.json"):
        assert str(Path.home()) not in path.read_text()
        assert "local-dir" not in path.read_text()


def test_shipped_model_loads_from_any_folder(clip: FolderClip, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(SHIPPED, moved)
    text = ["The beef pho was great!", ""]
    assert np.array_equal(FolderClip(moved).encode_texts(text), clip.encode_texts(text))


def test_tokenizer_spells_what_it_does_not_know() -> None:
    tokenizer = open_clip.get_tokenizer(f"local-dir:{SHIPPED}")
    tokens = tokenizer(["Beef pho", "BEEF PHO", "ünknown ☃ 日本", "word " * 200])
    assert torch.equal(tokens[0], tokens[1])
    assert tokens.shape == (4, 48)
    assert all((row == 2).sum() == 1 for row in tokens)  # each text ends once, even when cut


def test_shipped_model_knows_the_shipped_drawing(clip: FolderClip, demo_dir: Path) -> None:
    """It was not trained on this drawing; 3 % would be chance, and blind choice gives 1."""
    world = draw_world(WorldSettings())
    photos = [(demo_dir / "photos" / path).read_bytes() for path in world.image["path"]]
    reviews = clip.encode_texts(world.review["text"].tolist())
    features = WorldFeatures(clip.encode_jpegs(photos), reviews, reviews)
    dish = (world.photo_truth["kind"] == "dish").to_numpy()
    truth = np.array([DISH_NAMES.index(name) for name in world.photo_truth["label"][dish]])
    prompts = clip.encode_texts([f"a photo of {name}" for name in DISH_NAMES])
    assert zero_shot_accuracy(features.image[dish], prompts, truth) > 0.75
    f1 = selection_f1(world, features)
    assert f1["random"] < 0.2
    assert f1["both"] > 2.5 * f1["random"]


def test_the_shipped_drawing_is_kept_out_of_training() -> None:
    record = json.loads((SHIPPED / "training.json").read_text())
    assert WorldSettings().seed not in record["training"]["train_seeds"]
    assert record["training"] == json.loads(json.dumps(ClipTraining().__dict__))
    with pytest.raises(SettingsError, match="cannot be trained on"):
        ClipTraining(train_seeds=(WorldSettings().seed, 5))


def test_sentences_about_what_a_photo_shows() -> None:
    text = "My go-to. The beef pho was great! Loved the candlelight. I had carbonara."
    assert sentences_about(text, "beef pho") == ("The beef pho was great!",)
    assert sentences_about(text, "candlelit") == ("Loved the candlelight.",)
    assert sentences_about(text, "spaghetti carbonara") == ("I had carbonara.",)
    assert sentences_about(text, "churros") == ()


@pytest.fixture(scope="module")
def pairs() -> ClipPairs:
    return draw_pairs((301,), IMAGE_SIZE, n_users=10)


def test_pairs_name_what_they_show(pairs: ClipPairs) -> None:
    assert pairs.pixels.shape == (len(pairs.labels), 3, IMAGE_SIZE, IMAGE_SIZE)
    assert all(pairs.sentences)
    for sentences, review in zip(pairs.sentences, pairs.reviews, strict=True):
        assert all(sentence in review for sentence in sentences)


def test_augmentation_keeps_shape_and_scale(pairs: ClipPairs) -> None:
    torch.manual_seed(0)
    pixels = torch.from_numpy(pairs.pixels[:5])
    plain = normalise(pixels.float() / 255)
    changed = augment(pixels)
    assert changed.shape == plain.shape == (5, 3, IMAGE_SIZE, IMAGE_SIZE)
    assert (changed - plain).abs().mean() > 0.05
    assert abs(changed.mean() - plain.mean()) < 0.3


def test_training_learns_repeats_and_leaves_a_folder_that_loads(
    pairs: ClipPairs, tmp_path: Path
) -> None:
    short = ClipTraining(train_seeds=(301,), steps=3, batch_size=16)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "README.md").write_text("not of the training")
    model = train_clip(pairs, tmp_path / "a", short)
    again = train_clip(pairs, tmp_path / "b", short)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    assert (tmp_path / "b" / "README.md").read_text() == "not of the training"
    loaded = FolderClip(tmp_path / "a").encode_texts(["hello"])
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'a'}")(["hello"])
        expected = model.encode_text(tokens, normalize=True).numpy()
    assert np.allclose(loaded, expected, atol=0.02)  # half precision on disk

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from recbole_showcase.distillation import classifier_for
from recbole_showcase.encoders import ClipEncoder, FeatureStore
from recbole_showcase.errors import FeatureStoreError
from recbole_showcase.resources import weights_path
from tests.encoders.conftest import MICRO, Photographed, write_encoder
from tests.encoders.test_embed import run
from tests.processes import finish_python


@pytest.fixture(scope="module")
def encoder(micro: str) -> ClipEncoder:
    return ClipEncoder.load(micro)


@pytest.fixture(scope="module")
def weights_file(micro: str) -> Path:
    """The weights of ``micro`` in a file of their own, and its architecture known by name."""
    folder = Path(micro.removeprefix("local-dir:"))
    (folder.parent / "Micro-Test.json").write_text(json.dumps(MICRO))
    open_clip.add_model_config(folder.parent / "Micro-Test.json")
    path = folder.parent / "tuned.pt"
    torch.save(open_clip.create_model(micro).state_dict(), path)
    return path


def photo(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(32, 32), (100, 40), (20, 70)])
def test_preprocess_equals_open_clips_own(encoder: ClipEncoder, size: tuple[int, int]) -> None:
    config = encoder.provenance()["preprocessing"]["image"]
    reference = image_transform_v2(PreprocessCfg(**config), is_train=False)
    ours = encoder.preprocess(photo(*size))
    assert ours.is_contiguous()
    one_of_255 = 1 / 255 / config["std"][0]
    torch.testing.assert_close(ours, reference(photo(*size)), rtol=0, atol=one_of_255 + 1e-6)
    assert config["mean"] == [0.5, 0.5, 0.5]


def test_vectors_equal_open_clips_own(encoder: ClipEncoder, micro: str) -> None:
    model = open_clip.create_model(micro).eval()
    images = torch.stack([encoder.preprocess(photo(40, 40 + n)) for n in range(3)])
    texts = ["good soup", "", "a quiet place 🍜"]
    tokens = open_clip.get_tokenizer(micro)(texts)
    with torch.no_grad():
        own = model.encode_image(images, normalize=True), model.encode_text(tokens, normalize=True)
    torch.testing.assert_close(encoder.encode_images(images), own[0])
    torch.testing.assert_close(encoder.encode_texts(texts), own[1])


def test_vectors_are_of_length_one_and_batch_equals_one_by_one(encoder: ClipEncoder) -> None:
    images = torch.stack([encoder.preprocess(photo(40, 40 + n)) for n in range(3)])
    for batch, single in (
        (encoder.encode_images(images), [encoder.encode_images(image[None]) for image in images]),
        (encoder.encode_texts(["a", "b c"]), [encoder.encode_texts([t]) for t in ("a", "b c")]),
    ):
        assert batch.shape == (len(single), encoder.dim)
        assert batch.dtype == torch.float32
        assert not batch.requires_grad
        torch.testing.assert_close(batch.norm(dim=-1), torch.ones(len(single)))
        torch.testing.assert_close(batch, torch.cat(single))
        assert not torch.allclose(batch[0], batch[1])


def test_empty_batches(encoder: ClipEncoder) -> None:
    assert encoder.encode_images(torch.zeros(0, 3, 32, 32)).shape == (0, 12)
    assert encoder.encode_texts([]).shape == (0, 12)


def test_texts_longer_than_the_context_are_cut(encoder: ClipEncoder) -> None:
    assert encoder.tokenize(["soup " * 500]).shape == (1, 16)


def test_names_of_the_features_folder(
    encoder: ClipEncoder, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encoder.name == "micro"
    assert ClipEncoder.load("Micro-Test", str(weights_file)).name == "Micro-Test--tuned"
    from recbole_showcase.encoders.choice import choose_encoder

    tagged = choose_encoder("ViT-B-32", "laion2b_s34b_b79k")
    assert (tagged.name, tagged.pretrained) == ("ViT-B-32--laion2b_s34b_b79k", "laion2b_s34b_b79k")
    hub = choose_encoder("hf-hub:laion/CLIP-ViT-B-32")
    assert (hub.name, hub.model_name) == ("laion--CLIP-ViT-B-32", "hf-hub:laion/CLIP-ViT-B-32")


def test_a_folder_is_found_from_anywhere(
    micro: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(micro.removeprefix("local-dir:"))
    monkeypatch.chdir(folder.parent)
    architecture = ClipEncoder.load(f"local-dir:{folder.name}").provenance()["architecture"]
    monkeypatch.chdir(tmp_path)
    assert ClipEncoder.load(architecture).name == folder.name


def test_digest_is_of_the_weights_not_of_the_file(
    encoder: ClipEncoder, weights_file: Path, micro: str, tmp_path: Path
) -> None:
    digest = encoder.provenance()["weights_digest"]
    shutil.copytree(micro.removeprefix("local-dir:"), tmp_path / "copy")
    moved = ClipEncoder.load(f"local-dir:{tmp_path / 'copy'}")
    assert moved.provenance()["weights_digest"] == digest
    named = ClipEncoder.load("Micro-Test", str(weights_file))
    assert named.provenance()["weights_digest"] == digest
    other = ClipEncoder.load(write_encoder(tmp_path / "other", seed=1))
    assert other.provenance()["weights_digest"] != digest


def test_provenance_is_json(encoder: ClipEncoder) -> None:
    provenance = encoder.provenance()
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance["dim"] == encoder.dim == 12
    assert provenance["preprocessing"]["text"]["context_length"] == 16


@pytest.mark.parametrize(
    ("architecture", "weights", "message"),
    [
        ("ViT-B32", None, "did you mean 'ViT-B-32'"),
        ("showcase-tinny", None, "did you mean 'showcase-tiny'"),
        ("qqqq", None, "nothing known is like it"),
        ("ViT-B-32", None, "needs weights: a tag .*laion2b_s34b_b79k"),
        ("ViT-B-32", "", "needs weights"),
        ("ViT-B-32", "laion2b_s34b", "did you mean 'laion2b_s34b_b79k'"),
        ("ViT-B-32", "/no/such/file.pt", "neither a file nor a tag"),
        ("showcase-tiny", "openai", "brings its own weights"),
        ("local-dir:/no/such/folder", None, "is no encoder folder"),
    ],
)
def test_unknown_names(architecture: str, weights: str | None, message: str) -> None:
    with pytest.raises(FeatureStoreError, match=message):
        ClipEncoder.load(architecture, weights)


def test_the_shipped_encoder_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("asked the network"))
    encoder = ClipEncoder.load()
    assert encoder.name == encoder.provenance()["architecture"] == "showcase-tiny"
    assert str(Path.cwd()) not in json.dumps(encoder.provenance())
    assert encoder.encode_texts(["ramen in a bowl"]).shape == (1, encoder.dim)


def test_weights_are_never_random(micro: str, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(micro.removeprefix("local-dir:"), folder)
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(FeatureStoreError, match="cannot be loaded"):
        ClipEncoder.load(f"local-dir:{folder}")


def test_weights_of_another_architecture(weights_file: Path) -> None:
    with pytest.raises(FeatureStoreError, match="cannot be loaded"):
        ClipEncoder.load("RN50", str(weights_file))


def test_hostile_weights_are_not_run(weights_file: Path, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "bad.pt"
    torch.save({"state_dict": Hostile()}, path)
    with pytest.raises(FeatureStoreError, match="cannot be loaded"):
        ClipEncoder.load("Micro-Test", str(path))
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(FeatureStoreError, match="cannot be loaded: its weights are damaged, or h"):
        ClipEncoder.load("Micro-Test", str(path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("device", ["nonsense", "cuda:99"])
def test_unusable_device(micro: str, device: str) -> None:
    with pytest.raises(FeatureStoreError, match=f"device '{device}' cannot be used"):
        ClipEncoder.load(micro, device=device)


def test_loading_leaves_the_root_logger_alone(tmp_path: Path) -> None:
    """A handler on it would keep RecBole from setting up its own log."""
    code = (
        "import logging; from recbole_showcase.encoders import ClipEncoder; "
        "ClipEncoder.load(); print(logging.getLogger().handlers)"
    )
    done = finish_python("-c", code, cwd=tmp_path)
    assert done.stdout.strip() == "[]" and not done.returncode


def test_shipped_weights_that_are_damaged_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(weights_path() / "showcase-tiny", tmp_path / "showcase-tiny")
    monkeypatch.setattr("recbole_showcase.encoders.choice.weights_path", lambda: tmp_path)
    monkeypatch.setattr("recbole_showcase.distillation.classifier.weights_path", lambda: tmp_path)
    meta = ClipEncoder.load().provenance()
    classifier_for(meta)
    weights = tmp_path / "showcase-tiny" / "open_clip_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-9] ^= 1
    weights.write_bytes(content)
    said = r"open_clip_model\.safetensors is missing or not as it was shipped.*pip install"
    with pytest.raises(FeatureStoreError, match=said):
        ClipEncoder.load()
    (tmp_path / "showcase-tiny" / "alignment" / "classifier.safetensors").unlink()
    with pytest.raises(FeatureStoreError, match=r"alignment/classifier\.safetensors is missing"):
        classifier_for(meta)
    (tmp_path / "showcase-tiny" / "SHA256SUMS").unlink()
    with pytest.raises(FeatureStoreError, match="SHA256SUMS cannot be read"):
        ClipEncoder.load()


@pytest.mark.parametrize("key", ["trust_remote_code", "auto_map"])
def test_an_encoder_folder_runs_no_code(micro: str, tmp_path: Path, key: str) -> None:
    folder = tmp_path / "hostile"
    shutil.copytree(micro.removeprefix("local-dir:"), folder)
    marker = tmp_path / "ran"
    (folder / "own.py").write_text(
        f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nclass Own: pass\n"
    )
    file = folder / "open_clip_config.json"
    config = json.loads(file.read_text())
    config["model_cfg"]["text_cfg"] |= {"hf_tokenizer_name": "x", "tokenizer_kwargs": {key: True}}
    file.write_text(json.dumps(config))
    names = {"AutoTokenizer": ["own.Own", None]}
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": names}))
    with pytest.raises(FeatureStoreError, match=f"hostile.*cannot be loaded: .*{key}"):
        ClipEncoder.load(f"local-dir:{folder}")
    assert not marker.exists()


def test_a_data_set_does_not_choose_the_encoder(
    make_dataset: Callable[..., Photographed], micro: str
) -> None:
    data = make_dataset(photos=2, reviews=2)
    run(data, micro)
    named = FeatureStore.open(data.folder, micro, "image")
    assert named.folder == FeatureStore.open(data.folder, "micro", "image").folder
    assert ClipEncoder.of_store(named).dim == named.dim
    file = named.folder / "meta.json"
    meta = json.loads(file.read_text())
    for architecture in (micro, "hf-hub:somebody/code", "local-dir:/", "ViT-B-32"):
        file.write_text(json.dumps(meta | {"architecture": architecture}))
        with pytest.raises(FeatureStoreError, match=r"meta.json names the encoder .*showcase_enco"):
            ClipEncoder.of_store(FeatureStore.open(data.folder, "micro", "image"))
    with pytest.raises(FeatureStoreError, match="names the encoder 'ViT-B-32'"):
        ClipEncoder.of_store(FeatureStore.open(data.folder, micro, "image"))

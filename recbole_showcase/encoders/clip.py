"""Contrastive image–text encoders of open_clip, with the provenance of their weights.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
ICML 2021; OpenCLIP: Cherti et al., "Reproducible scaling laws for contrastive
language-image learning", CVPR 2023.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import open_clip
import torch
from PIL import Image
from torch.nn import functional

from recbole_showcase.arguments import check_device
from recbole_showcase.encoders.choice import EncoderChoice, choose_encoder
from recbole_showcase.encoders.commands import IMPORTED
from recbole_showcase.encoders.geometry import Geometry
from recbole_showcase.encoders.names import SHIPPED, brings_its_weights
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import FeatureStoreError, refusal_of


@contextmanager
def _root_logger_untouched() -> Iterator[None]:
    """Take back the handler that open_clip's log calls give to a root logger without any.

    With it, ``logging.basicConfig`` does nothing, and RecBole's log of a later run is lost.
    """
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        yield
    finally:
        for handler in [h for h in root.handlers if h not in before]:
            root.removeHandler(handler)


@dataclass
class ClipEncoder:
    """A frozen image–text encoder whose vectors have length one.

    Make one with :meth:`load`.

    Attributes:
        name: Folder name of its features, for example ``ViT-B-32--laion2b_s34b_b79k``.
        dim: Width of a vector, D.
        device: Where it computes.
    """

    name: str
    dim: int
    device: torch.device
    _model: torch.nn.Module
    _tokenizer: Any
    _geometry: Geometry
    _scale: torch.Tensor
    _shift: torch.Tensor
    _provenance: dict[str, Any]
    _tokenizing: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(
        cls, architecture: str = SHIPPED, weights: str | None = None, device: str = "cpu"
    ) -> ClipEncoder:
        """Load an encoder with its weights; weights are never left at random.

        Args:
            architecture: ``showcase-tiny`` (ships with the package), any open_clip
                architecture, ``local-dir:FOLDER`` or ``hf-hub:OWNER/NAME``.
            weights: A pretrained tag of the architecture or the path of a weights file;
                not for the three kinds that carry their own.
            device: A torch device.

        Raises:
            FeatureStoreError: Name, tag, file or device is unknown or cannot be loaded.
        """
        choice = choose_encoder(architecture, weights)
        check_device(FeatureStoreError, device)
        target = torch.device(device)
        with _root_logger_untouched():
            model, config, tokenizer = _load(choice)
            model = model.to(target).eval().requires_grad_(False)
        preprocessing = dict(open_clip.get_model_preprocess_cfg(model))
        geometry = Geometry.of(preprocessing)
        scale, shift = _row_of_pixels(preprocessing["mean"], preprocessing["std"], geometry.size[1])
        provenance = {
            "encoder": choice.name,
            "architecture": choice.architecture,
            "weights": choice.weights,
            "weights_digest": _digest(model, config),
            "preprocessing": {
                "image": preprocessing,
                "text": {
                    "tokenizer": type(tokenizer).__name__,
                    "context_length": tokenizer.context_length,
                },
            },
            "dim": config["embed_dim"],
        }
        return cls(
            name=choice.name,
            dim=config["embed_dim"],
            device=target,
            _model=model,
            _tokenizer=tokenizer,
            _geometry=geometry,
            _scale=scale.to(target),
            _shift=shift.to(target),
            _provenance=json.loads(json.dumps(provenance)),
        )

    @classmethod
    def of_store(cls, store: FeatureStore, device: str = "cpu") -> ClipEncoder:
        """Load the encoder that made a feature store, to encode more in the same space.

        ``meta.json`` may have come from anybody: it chooses neither a folder nor a download. What
        is loaded has to be named by whoever opened the store, as an architecture or by a name of
        the store that tells it.

        Raises:
            FeatureStoreError: It cannot be loaded, is not the same one any more, or is not named.
        """
        meta = store.meta
        architecture = meta["architecture"]
        own = brings_its_weights(architecture)
        _check_named(store, architecture)
        encoder = cls.load(architecture, None if own else meta["weights"], device)
        made_by = meta["weights_digest"]  # empty in features that something else has made
        if made_by and encoder.provenance()["weights_digest"] != made_by:
            raise FeatureStoreError(
                f"{store.folder}: made with other weights than '{architecture}' has now "
                f"({made_by}); make them anew with: {store.command}"
            )
        return encoder

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) of what it looks at, in pixels."""
        return self._geometry.size

    def provenance(self) -> dict[str, Any]:
        """Say who encodes and how, in values that JSON holds.

        The digest is taken over the configuration and the loaded parameters, so equal
        weights in another file format, or under another path, have the same one.
        """
        return dict(self._provenance)

    def pixels(self, photo: np.ndarray) -> np.ndarray:
        """Resize and crop a photo (h, w, 3) uint8 to (H, W, 3): the part done photo by photo."""
        return self._geometry(photo)

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        """Turn a photo into the tensor (3, H, W) that the encoder looks at."""
        pixels = self.pixels(np.array(image.convert("RGB")))
        return self.normalise(torch.from_numpy(pixels)[None])[0].contiguous()

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn pixels (B, H, W, 3) uint8 into encoder input (B, 3, H, W), on the device.

        The result keeps the pixels' order in memory (torch calls it channels last): nothing
        is moved, and convolutions are faster on it.
        """
        batch = pixels.to(self.device, non_blocking=True).contiguous().float()
        # Row by row of pixels: three channels are too few for the processor to add at once.
        batch.flatten(2).mul_(self._scale).add_(self._shift)
        return batch.permute(0, 3, 1, 2)

    def tokenize(self, texts: list[str]) -> torch.Tensor:
        """Turn texts into token numbers (B, L), cut at the context length."""
        if not texts:
            return torch.zeros(0, self._tokenizer.context_length, dtype=torch.long)
        with self._tokenizing:  # Hugging Face's tokenizers refuse two threads at once
            tokens: torch.Tensor = self._tokenizer(texts)
        return tokens

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        """Encode preprocessed photos (B, 3, H, W) as vectors (B, D) of length one, float32."""
        return self._encode(self._model.encode_image, images)

    def encode_tokens(self, tokens: torch.Tensor) -> torch.Tensor:
        """Encode token numbers (B, L) as vectors (B, D) of length one, float32."""
        return self._encode(self._model.encode_text, tokens)

    def encode_texts(self, texts: list[str]) -> torch.Tensor:
        """Encode texts as vectors (B, D) of length one, float32."""
        return self.encode_tokens(self.tokenize(texts))

    def _encode(self, tower: Any, batch: torch.Tensor) -> torch.Tensor:
        if not len(batch):
            return torch.zeros(0, self.dim, device=self.device)
        with torch.no_grad(), self._autocast():
            vectors = tower(batch.to(self.device, non_blocking=True))
        return functional.normalize(vectors.float(), dim=-1)

    def _autocast(self) -> AbstractContextManager[Any]:
        # On a CPU half precision is slower than float32 more often than not.
        return torch.autocast("cuda") if self.device.type == "cuda" else nullcontext()


def _check_named(store: FeatureStore, architecture: str) -> None:
    """Refuse an encoder that only ``meta.json`` names.

    Raises:
        FeatureStoreError: It does, and is not the shipped one.
    """
    if IMPORTED in store.meta:
        raise FeatureStoreError(
            f"{store.folder}: its features were imported, and no encoder is known that would "
            "encode more in their space; choose features made by embed for what needs one"
        )
    if architecture == SHIPPED:
        return
    if brings_its_weights(architecture):
        named = store.named == architecture
    else:
        named = store.folder.name.startswith(architecture.replace("/", "-") + "--")
    if not named:
        raise FeatureStoreError(
            f"{store.folder / 'meta.json'} names the encoder '{architecture}', and a data set does "
            f"not choose what is loaded; if it is yours, name it in the place of "
            f"'{store.folder.name}': showcase_encoder: {architecture} (distill: --encoder)"
        )


def _load(choice: EncoderChoice) -> tuple[torch.nn.Module, dict[str, Any], Any]:
    """The model, its configuration and its tokenizer; a configuration is data, and runs no code."""
    try:
        config = open_clip.get_model_config(choice.model_name)
        asked = _asking_for_code(config)
        if asked is not None:
            raise ValueError(f"its configuration asks to run code of its own ('{asked}')")
        model = open_clip.create_model(
            choice.model_name,
            pretrained=choice.pretrained,
            pretrained_text=False,
            require_pretrained=True,
            weights_only=True,
        )
        return model, config, open_clip.get_tokenizer(choice.model_name)
    except Exception as error:  # open_clip, torch, safetensors and the hub all raise their own
        raise FeatureStoreError(
            f"encoder '{choice.architecture}' with weights '{choice.weights}' "
            f"cannot be loaded: {refusal_of(error)}"
        ) from error


def _asking_for_code(config: Any) -> str | None:
    """A key of a nested configuration by which Hugging Face would run what lies beside it."""
    if isinstance(config, dict):
        for key in ("trust_remote_code", "auto_map"):
            if config.get(key):
                return key
    inner = config.values() if isinstance(config, dict) else config
    nested = inner if isinstance(config, dict | list) else ()
    return next((found for one in nested if (found := _asking_for_code(one))), None)


def _row_of_pixels(
    mean: list[float], std: list[float], width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Factor and summand (W · 3,) that normalise a row of pixels of 0 to 255."""
    deviation = torch.tensor(std, dtype=torch.float64)
    scale = 1 / (255 * deviation)
    shift = -torch.tensor(mean, dtype=torch.float64) / deviation
    return scale.float().repeat(width), shift.float().repeat(width)


def _digest(model: torch.nn.Module, config: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return f"sha256:{digest.hexdigest()}"

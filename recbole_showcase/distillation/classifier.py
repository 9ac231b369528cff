"""The classifier of sentence–photo pairs: one fully connected layer on the features of both.

After Yan et al., "Personalized Showcases: Generating Multi-Modal Explanations for
Recommendations", SIGIR 2023, which published no code; this is our reading. It distils
explanations out of reviews, and its confidence gives the metric CLIP-Align.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from scipy.special import expit

from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.plain import read_json
from recbole_showcase.files.replace import replaced_folder
from recbole_showcase.resources import require_whole, weights_path

Form = Literal["interaction", "concatenation"]
FORMS: tuple[Form, ...] = get_args(Form)
# How many vectors of D numbers stand side by side in the input of the layer.
_PARTS: Mapping[Form, int] = {"interaction": 4, "concatenation": 2}

FORMAT = "recbole_showcase alignment 1"
_DESCRIPTION, _WEIGHTS = "classifier.json", "classifier.safetensors"
SHIPPED_FOLDER = "alignment"  # beside the weights of the encoder that it is for
# Pairs scored at a time: 4,096 x 4 x 512 float32 are 34 MB.
_CHUNK = 4096


def pair_features(sentences: np.ndarray, photos: np.ndarray, form: Form) -> np.ndarray:
    """Put the features of sentences t and photos v side by side.

    ``concatenation`` is [t; v], the paper's words taken literally. A linear layer on it adds a
    score of the sentence and a score of the photo: it can tell sentences that describe things
    from others, but not which photo they describe. ``interaction`` is [t; v; t·v; |t − v|],
    products and differences element by element, on which a linear layer can tell a match.

    Args:
        sentences: (P, D).
        photos: (P, D).
        form: Which of the two.

    Returns:
        (P, F) with F = 2 D or 4 D.
    """
    if form == "concatenation":
        return np.concatenate([sentences, photos], axis=1)
    return np.concatenate(
        [sentences, photos, sentences * photos, np.abs(sentences - photos)], axis=1
    )


@dataclass(frozen=True)
class AlignmentClassifier:
    """One fully connected layer and a sigmoid; a :class:`~.scorers.Scorer`.

    Make one with :func:`~.training.train_classifier` or :meth:`load`.

    Attributes:
        form: What the layer sees; see :func:`pair_features`.
        weight: (F,) float32.
        bias: Added to the sum.
        encoder: Name of the encoder whose features it was trained on.
        weights_digest: Digest of that encoder's weights.
        record: How it was trained and how it fared, in values that JSON holds.
    """

    form: Form
    weight: np.ndarray
    bias: float
    encoder: str
    weights_digest: str
    record: dict[str, Any] = field(default_factory=dict)
    threshold: float = 0.5

    @property
    def dim(self) -> int:
        """Width of a feature, D."""
        return len(self.weight) // _PARTS[self.form]

    @property
    def bounds(self) -> tuple[float, float]:
        """Those of a probability."""
        return 0.0, 1.0

    @property
    def title(self) -> str:
        """What it is, in one line."""
        return f"classifier ({self.form}) trained on features of '{self.encoder}'"

    def confidence(self, sentences: np.ndarray, photos: np.ndarray) -> np.ndarray:
        """The probability (P,) that sentences (P, D) describe photos (P, D), float32."""
        logits = np.empty(len(sentences), dtype=np.float32)
        for start in range(0, len(sentences), _CHUNK):
            part = slice(start, start + _CHUNK)
            logits[part] = pair_features(sentences[part], photos[part], self.form) @ self.weight
        return expit(logits + np.float32(self.bias))

    def require_encoder(self, meta: Mapping[str, Any]) -> None:
        """Refuse features of another encoder.

        Args:
            meta: ``meta.json`` of a feature store.

        Raises:
            FeatureStoreError: Name or weights differ; names both encoders.
        """
        if (self.encoder, self.weights_digest) != (meta["encoder"], meta["weights_digest"]):
            raise FeatureStoreError(
                f"the alignment classifier is of encoder '{self.encoder}' "
                f"({self.weights_digest}), the features are of '{meta['encoder']}' "
                f"({meta['weights_digest']}); {_training(meta['encoder'])}"
            )

    def save(self, folder: Path) -> None:
        """Write ``classifier.json`` and ``classifier.safetensors``, whole or not at all.

        Raises:
            DataError: Something that is no classifier is in the folder's place.
        """
        folder = Path(folder)
        if folder.exists() and not (folder / _DESCRIPTION).is_file():
            raise DataError(f"{folder} is there and holds no classifier; name another folder")
        described = {
            "format": FORMAT,
            "form": self.form,
            "encoder": self.encoder,
            "weights_digest": self.weights_digest,
            "dim": self.dim,
            "record": self.record,
        }
        tensors = {"weight": self.weight, "bias": np.array([self.bias], dtype=np.float32)}
        with replaced_folder(folder) as partial:
            text = json.dumps(described, indent=2) + "\n"
            (partial / _DESCRIPTION).write_text(text, encoding="utf-8")
            (partial / _WEIGHTS).write_bytes(to_bytes(tensors))  # save_file hides it from others

    @classmethod
    def load(cls, folder: Path) -> AlignmentClassifier:
        """Read what :meth:`save` wrote.

        Raises:
            DataError: The folder holds no classifier, or a damaged one; names the file.
        """
        described, tensors = _read(Path(folder))
        weight, bias, form = tensors.get("weight"), tensors.get("bias"), described["form"]
        want = (_PARTS[form] * described["dim"],)
        if weight is None or bias is None or weight.shape != want or bias.shape != (1,):
            found = {name: tensor.shape for name, tensor in tensors.items()}
            raise DataError(
                f"{Path(folder) / _WEIGHTS}: has {found}; it must have weight {want} and bias (1,)"
            )
        if not all(np.isfinite(tensor).all() for tensor in (weight, bias)):
            raise DataError(f"{Path(folder) / _WEIGHTS}: holds values that are no numbers")
        return cls(
            form=form,
            weight=weight.astype(np.float32),
            bias=float(bias[0]),
            encoder=described["encoder"],
            weights_digest=described["weights_digest"],
            record=described["record"],
        )


def classifier_for(
    meta: Mapping[str, Any], folder: str | Path | None = None
) -> AlignmentClassifier:
    """The classifier for the features of a store.

    Args:
        meta: ``meta.json`` of the store.
        folder: Where the classifier is; None: the one that ships with the package for the
            store's encoder.

    Raises:
        DataError: The folder holds no classifier, or a damaged one.
        FeatureStoreError: It is of another encoder, or none ships for this one.
    """
    if not folder:
        name = Path(meta["encoder"]).name  # a folder of ours, whatever the file says
        folder = weights_path() / name / SHIPPED_FOLDER
        if not (folder / _DESCRIPTION).is_file():
            raise FeatureStoreError(
                f"no alignment classifier ships for encoder '{meta['encoder']}'; name one in the "
                "setting showcase_alignment or with --classifier, or "
                f"{_training(meta['encoder'])}"
            )
        require_whole(folder)
    classifier = AlignmentClassifier.load(Path(folder))
    classifier.require_encoder(meta)
    return classifier


def _training(encoder: str) -> str:
    """How to train a classifier for a feature store, as the end of an error."""
    words = ["distill", "DATA/NAME", "--encoder", encoder, "--labels", "FILE", "--save", "FOLDER"]
    return f"train one with: {shlex.join(['recbole-showcase', *words])}"


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the two files of a classifier and check the description's fields."""
    path = folder / _DESCRIPTION
    try:
        described = read_json(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise DataError(f"{path}: is no alignment classifier of the format '{FORMAT}'")
    kinds = {"form": str, "encoder": str, "weights_digest": str, "dim": int, "record": dict}
    for name, kind in kinds.items():
        if not isinstance(described.get(name), kind):
            raise DataError(
                f"{path}: '{name}' must be {kind.__name__}, found {described.get(name)!r}"
            )
    if described["form"] not in FORMS:
        raise DataError(f"{path}: 'form' is '{described['form']}'; allowed: {', '.join(FORMS)}")
    try:
        return described, load_file(folder / _WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{folder / _WEIGHTS}: cannot be read: {error}") from error

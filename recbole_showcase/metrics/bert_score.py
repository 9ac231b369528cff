"""BERTScore: tokens of two texts matched by their contextual vectors, plain or rescaled."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics._checks import check_texts, mean
from recbole_showcase.metrics.pretrained import TextModel

if TYPE_CHECKING:
    from torch import Tensor

_COLUMNS = ("LAYER", "P", "R", "F")  # of a file of baselines


def bert_score(
    hypotheses: Sequence[str],
    references: Sequence[str],
    model: str | TextModel,
    *,
    layer: int = -1,
    baseline: float = 0.0,
) -> float:
    """F of BERTScore, averaged over pairs, times 100.

    Zhang et al., "BERTScore: Evaluating Text Generation with BERT", ICLR 2020. Each token of a
    text is matched to the token of the other whose contextual vector is nearest by cosine; P is
    the mean over the tokens of the generated text, R that over those of the true one. Special
    tokens may be matched to, and are not averaged over. No idf weights.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        model: A loaded model, or its name or path.
        layer: Whose hidden states are compared, 0 being the embeddings and -1 the last layer's.
        baseline: b, the F of texts that have nothing to do with each other, such as
            :func:`bert_score_baseline` gives it: F becomes (F - b) / (1 - b).

    Returns:
        At most 100, and without a baseline at least -100; F of a pair with an empty text is 0; NaN
        if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: The model cannot be loaded.
    """
    return mean(bert_score_values(hypotheses, references, model, layer=layer, baseline=baseline))


def bert_score_values(
    hypotheses: Sequence[str],
    references: Sequence[str],
    model: str | TextModel,
    *,
    layer: int = -1,
    baseline: float = 0.0,
) -> NDArray[np.float64]:
    """:func:`bert_score` of each pair, shape (N,)."""
    check_texts(hypotheses=hypotheses, references=references)
    reader = TextModel(model) if isinstance(model, str) else model
    sides = (reader.states(hypotheses, layer), reader.states(references, layer))
    parts = [_greedy_f(said, true) for said, true in zip(*sides, strict=True)]
    found = np.concatenate([np.empty(0), *parts])
    return 100.0 * (found - baseline) / (1.0 - baseline)


def bert_score_baseline(given: str, model: TextModel, *, layer: int = -1) -> float:
    """The baseline of F that rescales BERTScore as ``rescale_with_baseline=True`` does.

    Args:
        given: A file of baselines, in the form of the authors' package bert-score: columns LAYER,
            P, R and F between commas, one line a layer; or a language such as ``en``, of which
            that package has files for many models, where it is installed. It is not imported.
        model: Whose baseline is looked for by its name, or by that of its folder.
        layer: The layer that is compared, as in :func:`bert_score`.

    Raises:
        SettingsError: There is no such file, or it has no baseline of the layer.
    """
    path = Path(given)
    if not path.is_file():
        path = _packaged(given, model.name)
    number = layer if layer >= 0 else model.model.config.num_hidden_layers + 1 + layer
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != _COLUMNS:
                raise ValueError(f"its columns are {rows.fieldnames}, not {list(_COLUMNS)}")
            found = {int(row["LAYER"]): float(row["F"]) for row in rows}
    except (OSError, TypeError, ValueError) as error:
        raise SettingsError(f"file of baselines '{path}' cannot be read: {error}") from error
    if number not in found:
        raise SettingsError(
            f"file of baselines '{path}' has none of layer {number}; it has {sorted(found)}"
        )
    if not found[number] < 1.0:  # nor is NaN
        raise SettingsError(f"file of baselines '{path}', layer {number}: {found[number]}; below 1")
    return found[number]


def _packaged(language: str, name: str) -> Path:
    """The file of baselines that the package bert-score has for a language and a model."""
    package = find_spec("bert_score")
    if package is None or package.origin is None:
        raise SettingsError(
            f"baseline '{language}' is no file, and the package bert-score, which has files of "
            "baselines by language and model, is not installed; allowed: a file with the columns "
            "LAYER,P,R,F, or after pip install bert-score a language such as 'en'"
        )
    folder = Path(package.origin).parent / "rescale_baseline"
    languages = {own.name: own for own in folder.iterdir()} if folder.is_dir() else {}
    if language not in languages:
        raise SettingsError(
            f"baseline '{language}' is no file, nor a language that the installed bert-score has "
            f"baselines of: {', '.join(sorted(languages)) or 'none'}"
        )
    known = {
        path.relative_to(languages[language]).with_suffix("").as_posix(): path
        for path in languages[language].rglob("*.tsv")
    }
    found = known.get(name) or known.get(Path(name).name)
    if found is None:
        raise SettingsError(
            f"the installed bert-score has no baseline of text model '{name}' for '{language}'; "
            f"it has those of {', '.join(sorted(known))}; or name a file"
        )
    return found


def _greedy_f(
    said: tuple[Tensor, Tensor, Tensor], true: tuple[Tensor, Tensor, Tensor]
) -> NDArray[np.float64]:
    """F of the greedy matching of the tokens of two batches of texts (B,)."""
    import torch.nn.functional as F

    if not (said[2].any() and true[2].any()):
        return np.zeros(len(said[1]))
    first, second = (F.normalize(side[0].double(), dim=-1) for side in (said, true))
    cosine = first @ second.transpose(1, 2)  # (B, T, U)
    precision = cosine.masked_fill(~true[1][:, None, :], -2.0).amax(dim=2)  # (B, T)
    recall = cosine.masked_fill(~said[1][:, :, None], -2.0).amax(dim=1)  # (B, U)
    means = []
    for best, (_, _, words) in ((precision, said), (recall, true)):
        count = words.sum(dim=1)
        means.append((best.masked_fill(~words, 0.0).sum(dim=1) / count.clamp(min=1)).numpy())
    filled = (said[2].any(dim=1) & true[2].any(dim=1)).numpy()
    total = means[0] + means[1]
    usable = filled & (total != 0)
    return np.divide(2.0 * means[0] * means[1], total, out=np.zeros(len(filled)), where=usable)

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
)

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics import (
    TextModel,
    bert_score,
    bert_score_values,
    mauve,
    mauve_of_vectors,
    pretrained,
)
from tests.metrics.texts import WORDS, draw

VOCABULARY = list(dict.fromkeys(word.lower() for word in WORDS))


def write_bert(path: Path) -> None:
    """A BERT of random weights, and its tokenizer, which adds special tokens."""
    path.mkdir()
    vocab = path / "vocab.txt"
    vocab.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *VOCABULARY]))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=5 + len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(path)
    BertTokenizerFast(str(vocab), model_max_length=32).save_pretrained(path)


def write_gpt2(path: Path) -> None:
    """A GPT-2 of random weights, and a tokenizer without special tokens in texts."""
    torch.manual_seed(0)
    words = {word: n for n, word in enumerate(["<end>", "<unk>", *VOCABULARY])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    config = GPT2Config(
        vocab_size=len(words), n_embd=16, n_layer=2, n_head=2, n_positions=32, initializer_range=0.5
    )
    GPT2Model(config).save_pretrained(path)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<end>", unk_token="<unk>", model_max_length=32
    )
    fast.save_pretrained(path)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    path = tmp_path_factory.mktemp("models") / "bert"
    write_bert(path)
    return TextModel(str(path))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    path = tmp_path_factory.mktemp("models") / "gpt2"
    write_gpt2(path)
    return TextModel(str(path))


def literal_states(reader: TextModel, text: str, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """States (T, H) of one text on its own, and which of them are of words."""
    given = reader.tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    words = ~given.pop("special_tokens_mask").bool()[0].numpy()
    with torch.no_grad():
        hidden = reader.model(**given, output_hidden_states=True).hidden_states
    return hidden[layer][0].double().numpy(), words


def literal_f(reader: TextModel, text: str, true: str, layer: int) -> float:
    if not text.strip() or not true.strip():
        return 0.0
    (said, own), (told, other) = (literal_states(reader, t, layer) for t in (text, true))
    cosines = [[a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for b in told] for a in said]
    precision = np.mean([max(row) for row, word in zip(cosines, own, strict=True) if word])
    columns = zip(zip(*cosines, strict=True), other, strict=True)
    recall = np.mean([max(column) for column, word in columns if word])
    return 200 * precision * recall / (precision + recall)


@pytest.mark.parametrize("layer", [-1, 1, 0])
@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_bert_score_equals_a_literal_version(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, name: str, layer: int
) -> None:
    monkeypatch.setattr(pretrained, "_BATCH", 7)
    reader = request.getfixturevalue(name)
    hypotheses, references = draw(0)
    hypotheses[1:9], references[20] = [""] * 8, " "  # more than a batch of empty texts
    expected = [
        literal_f(reader, text, true, layer)
        for text, true in zip(hypotheses, references, strict=True)
    ]
    found = bert_score_values(hypotheses, references, reader, layer=layer)
    assert found == pytest.approx(expected, abs=1e-3)  # float32 states, in batches
    assert bert_score(hypotheses, references, reader, layer=layer) == pytest.approx(
        np.mean(expected), abs=1e-3
    )


def test_bert_score_of_few(bert: TextModel, gpt2: TextModel) -> None:
    for reader in (bert, gpt2):
        assert bert_score(["the soup"], ["the soup"], reader) == pytest.approx(100)
        assert bert_score(["", "soup"], ["soup", ""], reader) == 0
        assert bert_score(["", ""], ["", ""], reader) == 0
        assert math.isnan(bert_score([], [], reader))
    with pytest.raises(DataError, match="hypotheses has 1, references has 2"):
        bert_score(["a"], ["a", "b"], bert)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"text model '.*nothing' cannot be loaded"):
        TextModel(str(tmp_path / "nothing"))


def literal_area(p: np.ndarray, q: np.ndarray) -> float:
    """Both areas under the curve, point by point."""
    points = [(1.0, 0.0), (0.0, 1.0)]
    for weight in np.linspace(1e-6, 1 - 1e-6, 25):
        divergences = []
        for side in (q, p):
            pairs = zip(side, weight * p + (1 - weight) * q, strict=True)
            divergences.append(sum(a * math.log(a / b) for a, b in pairs if a > 0))
        points.append((math.exp(-5 * divergences[0]), math.exp(-5 * divergences[1])))
    total = 0.0
    for first in (0, 1):
        line = sorted((point[first], -point[1 - first]) for point in points)
        for (x, y), (u, v) in pairwise(line):
            total -= (u - x) * (y + v) / 2
    return total / 2


@pytest.mark.parametrize("seed", range(5))
def test_frontier_equals_a_literal_version(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.dirichlet(np.full(8, 0.5), size=2)
    p[:2], q[1:4] = 0, 0
    p, q = p / p.sum(), q / q.sum()
    assert pretrained.frontier_area(p, q) == pytest.approx(literal_area(p, q), abs=1e-12)
    assert pretrained.frontier_area(q, p) == pytest.approx(literal_area(p, q), abs=1e-12)
    assert pretrained.frontier_area(p, p) == pytest.approx(1, abs=1e-6)


def test_mauve_of_clusters_that_are_known() -> None:
    rng = np.random.default_rng(0)
    centres = 10 * np.eye(4)
    said = np.repeat([0, 1, 2], [20, 10, 10])
    true = np.repeat([1, 2, 3], [10, 10, 20])
    vectors = [centres[own] + 0.01 * rng.normal(size=(40, 4)) for own in (said, true)]
    p, q = (np.bincount(own, minlength=4) / 40 for own in (said, true))
    assert mauve_of_vectors(*vectors, clusters=4) == pytest.approx(literal_area(p, q), abs=1e-9)
    assert mauve_of_vectors(vectors[0], vectors[0][::-1]) == pytest.approx(1, abs=1e-6)
    apart = mauve_of_vectors(centres[[0] * 20], centres[[1] * 20])
    assert apart == pytest.approx(literal_area(np.eye(2)[0], np.eye(2)[1]), abs=1e-9)
    assert apart < 0.02


def test_mauve_reads_the_last_token_of_each_text(gpt2: TextModel) -> None:
    texts, others = draw(0)
    own, other = (
        [literal_states(gpt2, text, -1)[0][-1] for text in side if text] for side in (texts, others)
    )
    expected = mauve_of_vectors(own, other, seed=3)
    assert mauve(texts, others, gpt2, seed=3) == pytest.approx(expected, abs=1e-6)
    assert mauve(texts, texts[::-1], gpt2) == pytest.approx(1, abs=1e-6)


def test_mauve_of_nothing(gpt2: TextModel) -> None:
    assert math.isnan(mauve([], ["soup"], gpt2))
    assert math.isnan(mauve(["soup"], ["", ""], gpt2))
    assert mauve(["soup"] * 3, ["soup"] * 2, gpt2) == pytest.approx(1, abs=1e-6)
    with pytest.raises(DataError, match=r"\(1, 2\) and \(1, 3\)"):
        mauve_of_vectors(np.ones((1, 2)), np.ones((1, 3)))
    with pytest.raises(SettingsError, match="clusters is 0"):
        mauve_of_vectors(np.ones((1, 2)), np.ones((1, 2)), clusters=0)

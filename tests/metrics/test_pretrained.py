from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

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
    bert_score_baseline,
    bert_score_values,
    mauve,
    mauve_of_vectors,
    pretrained,
)
from recbole_showcase.metrics.mauve import frontier_area
from tests.metrics.texts import WORDS, draw

bert_score_module = sys.modules["recbole_showcase.metrics.bert_score"]  # the function hides it
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


def write_baselines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["LAYER,P,R,F", *lines]) + "\n")
    return path


def test_a_baseline_rescales(bert: TextModel, tmp_path: Path) -> None:
    file = write_baselines(tmp_path / "base.tsv", "0,.1,.2,.3", "1,.4,.5,.6", "2,.6,.7,.8")
    assert bert_score_baseline(str(file), bert) == 0.8, "the last of two layers"
    assert bert_score_baseline(str(file), bert, layer=1) == 0.6
    assert bert_score_baseline(str(file), bert, layer=-3) == 0.3
    hypotheses, references = draw(1)
    hypotheses[3] = ""
    plain = bert_score_values(hypotheses, references, bert)
    found = bert_score_values(hypotheses, references, bert, baseline=0.8)
    assert found == pytest.approx([100 * (value / 100 - 0.8) / 0.2 for value in plain])
    assert found[3] == pytest.approx(-400), "F of an empty text is 0"
    assert bert_score(["the soup"], ["the soup"], bert, baseline=0.8) == pytest.approx(100)


def test_baselines_of_the_installed_package(
    bert: TextModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bert_score_module, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"'en' is no file, and the package bert-score"):
        bert_score_baseline("en", bert)
    origin = SimpleNamespace(origin=str(tmp_path / "bert_score" / "__init__.py"))
    monkeypatch.setattr(bert_score_module, "find_spec", lambda name: origin)
    with pytest.raises(SettingsError, match=r"'en' is no file, nor a language .*: none"):
        bert_score_baseline("en", bert)
    folder = tmp_path / "bert_score" / "rescale_baseline"
    write_baselines(folder / "en" / "owner" / "small.tsv", "2,0,0,.5")
    with pytest.raises(SettingsError, match=r"no baseline of text model '.*bert' for 'en'.*small"):
        bert_score_baseline("en", bert)
    with pytest.raises(SettingsError, match=r"'\.\.' is no file, nor a language .*: en"):
        bert_score_baseline("..", bert)
    write_baselines(folder / "en" / "bert.tsv", "2,0,0,.25")  # by the name of the model's folder
    assert bert_score_baseline("en", bert) == 0.25
    named = SimpleNamespace(name="owner/small", model=bert.model)
    assert bert_score_baseline("en", named) == 0.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("LAYER,P,R,F\n1,.1,.2,.3\n", r"none of layer 2; it has \[1\]"),
        ("LAYER,P,R,F\n2,.1,.2,1.0\n", "layer 2: 1.0; below 1"),
        ("LAYER,P,R,F\n2,.1,.2,nan\n", "layer 2: nan; below 1"),
        ("LAYER,P,R,F\n2,.1\n", "cannot be read"),
        ("LAYER\tP\tR\tF\n", "its columns are"),
        ("", "its columns are None"),
        ("\x00\xff", "its columns are"),
    ],
)
def test_a_file_that_holds_no_baselines_is_refused(
    bert: TextModel, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "base.tsv"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(SettingsError, match=rf"file of baselines '.*base.tsv'.*({said}|cannot be)"):
        bert_score_baseline(str(file), bert)


@pytest.mark.skipif(find_spec("bert_score") is None, reason="bert-score is not installed")
def test_rescaled_scores_are_the_packages(bert: TextModel, tmp_path: Path) -> None:
    """Their matching on our states: the package does not tokenize with transformers 5."""
    from bert_score.utils import greedy_cos_idf

    file = write_baselines(tmp_path / "base.tsv", *(f"{n},.1,.2,{0.3 + n / 10}" for n in range(3)))
    hypotheses, references = draw(0)
    sides = []
    for texts in (hypotheses, references):
        ((states, there, words),) = bert.states(texts, -1)
        sides.append((states.clone(), there, words.double() * 1.0))
    (said, said_mask, said_idf), (true, true_mask, true_idf) = sides
    *_, f = greedy_cos_idf(true, true_mask, true_idf, said, said_mask, said_idf)
    expected = 100 * (f - 0.5) / (1 - 0.5)
    baseline = bert_score_baseline(str(file), bert)
    found = bert_score_values(hypotheses, references, bert, baseline=baseline)
    filled = [bool(text) for text in hypotheses]
    assert found[filled] == pytest.approx(expected.numpy()[filled], abs=1e-2)


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
    assert frontier_area(p, q) == pytest.approx(literal_area(p, q), abs=1e-12)
    assert frontier_area(q, p) == pytest.approx(literal_area(p, q), abs=1e-12)
    assert frontier_area(p, p) == pytest.approx(1, abs=1e-6)


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

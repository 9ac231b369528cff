"""Small models of Hugging Face's, written to folders as real ones are."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForSequenceClassification,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from tests.metrics.texts import WORDS

VOCABULARY = list(dict.fromkeys(word.lower() for word in WORDS))
LABELS = ("contradiction", "entailment", "neutral")
KEY = "spicy"  # the one word that the classifier reads


def write_nli(
    path: Path, labels: tuple[str, ...] = LABELS, *, window: int = 32, random: bool = False
) -> None:
    """A BERT that finds entailment, where it is a label, just where a pair has the word KEY.

    Its weights are set: every token but KEY has one vector, KEY one at right angles to it, and the
    first position averages over all. With ``random`` they are drawn instead.
    """
    path.mkdir(parents=True)
    vocab = path / "vocab.txt"
    vocab.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *VOCABULARY]))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=5 + len(VOCABULARY),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=window,
        initializer_range=1.0,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
    )
    model = BertForSequenceClassification(config)
    if not random:
        _read_key(model, [label.lower() == "entailment" for label in labels])
    model.save_pretrained(path)
    BertTokenizerFast(str(vocab), model_max_length=window).save_pretrained(path)


@torch.no_grad()
def _read_key(model: BertForSequenceClassification, entailment: list[bool]) -> None:
    for name, weight in model.named_parameters():
        weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
    words = model.bert.embeddings.word_embeddings.weight
    words[:, :2] = torch.tensor([1.0, -1.0])
    words[5 + VOCABULARY.index(KEY)] = torch.tensor([0.0, 0, 1, -1, 0, 0, 0, 0])
    attention = model.bert.encoder.layer[0].attention
    attention.self.value.weight.copy_(torch.eye(8))  # queries and keys of 0: a plain mean
    attention.output.dense.weight.copy_(torch.eye(8))
    model.bert.pooler.dense.weight[0, 2] = 100.0
    model.classifier.weight[torch.tensor(entailment), 0] = 10.0
    model.classifier.bias[torch.tensor(entailment)] = -1.0  # below the others where it reads 0


def word_tokenizer(path: Path, window: int = 32) -> PreTrainedTokenizerFast:
    """Words between a start and an end, as BART has them."""
    words = {word: n for n, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *VOCABULARY])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=window,
    )
    fast.save_pretrained(path)
    return fast


def write_seq2seq(path: Path, kind: str = "bart") -> None:
    """A BART, or a T5, of random weights, and its tokenizer."""
    size = len(word_tokenizer(path))
    torch.manual_seed(0)
    if kind == "bart":
        config = BartConfig(
            vocab_size=size,
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            max_position_embeddings=40,
            init_std=0.5,
        )
        BartForConditionalGeneration(config).save_pretrained(path)
        return
    small = T5Config(
        vocab_size=size, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2,
        pad_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    T5ForConditionalGeneration(small).save_pretrained(path)

"""The tokenizer of the generated texts: Hugging Face's, trained on the training split or given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from recbole_showcase.atomic import StoredColumn
from recbole_showcase.files.plain import parse_json
from recbole_showcase.text.pieces import Recall, pieces
from recbole_showcase.text.pretrained import load_pretrained

# Where GPT-2's tokenizer parts a text, but that marks belong to the letters before them: it would
# cut words of Thai, Hindi or Arabic with vowels at each mark. Texts without are parted alike.
_PARTS = Regex(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}[\p{L}\p{M}]*| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
)
_ID = np.dtype(np.int32)
# What decoders write for bytes that are no character.
_BROKEN = "\ufffd"
SPECIALS = {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}


class TextTokenizer:
    """Texts to token ids and back, with a start and an end of text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Wrap a Hugging Face tokenizer, adding the special tokens that it lacks.

        Padding gets a token of its own where it shares one with words or ends of texts: masks are
        where there is no padding, and an end must be learned.
        """
        missing: dict[str, Any] = {
            name: token for name, token in SPECIALS.items() if getattr(tokenizer, name) is None
        }
        shared = (tokenizer.bos_token, tokenizer.eos_token, tokenizer.unk_token)
        if tokenizer.pad_token in shared:
            missing["pad_token"] = SPECIALS["pad_token"]
        if missing:
            tokenizer.add_special_tokens(missing)
        self.tokenizer = tokenizer
        self.pad_id = int(tokenizer.pad_token_id)
        self.bos_id = int(tokenizer.bos_token_id)
        self.eos_id = int(tokenizer.eos_token_id)
        self._parts = pieces if _reads_pieces(tokenizer) else _whole
        self._ids = Recall(self._ids_of)

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> TextTokenizer:
        """Train a byte-level BPE tokenizer; it can spell any text, so it needs no unknown token.

        Args:
            texts: Texts of the training split.
            vocab_size: The most entries, the 256 bytes and the special tokens among them.
        """
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = _parted()
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIALS.values()),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIALS))

    @classmethod
    def load(cls, name_or_path: str) -> TextTokenizer:
        """Load a Hugging Face tokenizer by name or path, the value of ``showcase_tokenizer``.

        Raises:
            SettingsError: If there is none.
        """
        return cls(load_pretrained(AutoTokenizer, "showcase_tokenizer", name_or_path))

    def to_text(self) -> str | None:
        """The tokenizer as text; None if it is of a kind that cannot be written as one."""
        if not self.tokenizer.is_fast:
            return None
        names = ("pad_token", "bos_token", "eos_token", "unk_token")
        specials = {name: getattr(self.tokenizer, name) for name in names}
        kept = {name: str(token) for name, token in specials.items() if token is not None}
        own = self.tokenizer.backend_tokenizer.to_str()  # type: ignore[attr-defined]
        return json.dumps({"tokenizer": own, "specials": kept})

    @classmethod
    def from_text(cls, text: str) -> TextTokenizer:
        """The tokenizer that :meth:`to_text` wrote.

        Raises:
            ValueError: If it wrote no such text.
        """
        stored = parse_json(text)
        try:
            own = Tokenizer.from_str(stored["tokenizer"])
            return cls(PreTrainedTokenizerFast(tokenizer_object=own, **stored["specials"]))
        except Exception as error:  # the library raises no narrower one
            raise ValueError(f"no tokenizer: {error}") from error

    def __len__(self) -> int:
        """The number of token ids."""
        return len(self.tokenizer)

    def encode(self, texts: Sequence[str], max_tokens: int, *, ends: bool = True) -> np.ndarray:
        """Token ids of texts between a start and an end, padded to the longest.

        The name of a special token in a text is words like others, and never padding.

        Args:
            texts: B texts.
            max_tokens: The most tokens of a text, its start and end not counted; a longer text is
                cut and has no end.
            ends: Whether a text gets a start and an end.

        Returns:
            Ids of shape (B, T), int64.
        """
        if not texts:
            return np.empty((0, 0), dtype=np.int64)
        start, end = (np.array([own][:ends], _ID).tobytes() for own in (self.bos_id, self.eos_id))
        most = max_tokens * _ID.itemsize
        rows = []
        for found in self._ids.of([self._parts(text) for text in texts]):
            ids = b"".join(found)
            rows.append(start + ids[:most] + (end if len(ids) <= most else b""))
        lengths = np.array([len(row) for row in rows]) // _ID.itemsize
        padded = np.full((len(rows), lengths.max()), self.pad_id, dtype=np.int64)
        padded[np.arange(lengths.max()) < lengths[:, None]] = np.frombuffer(b"".join(rows), _ID)
        return padded

    def _ids_of(self, parts: Sequence[str]) -> list[bytes]:
        """The token ids of each of some parts of texts."""
        # Where a vocabulary has the name of the padding as a word, it still comes out whole.
        words = ([token for token in ids if token != self.pad_id] for ids in self._encoded(parts))
        return [np.array(ids, _ID).tobytes() for ids in words]

    def _encoded(self, parts: Sequence[str]) -> Iterable[list[int]]:
        if self._parts is not pieces:
            how = {"add_special_tokens": False, "split_special_tokens": True}
            return self.tokenizer(list(parts), **how)["input_ids"]
        # One by one: to wake threads for some new words takes longer than the words do.
        own = self.tokenizer.backend_tokenizer
        own.encode_special_tokens = True
        own.no_truncation()  # which a tokenizer's file may ask for, as for padding
        own.no_padding()
        return (own.encode(part, add_special_tokens=False).ids for part in parts)

    def decode(self, ids: list[list[int]]) -> list[str]:
        """Texts of token ids, without special tokens and outer white space.

        A token may hold some bytes of a character only. Where a text ends within a character, as
        one that is cut may, or within several, as one of a model that has learned little may, they
        are left out.
        """
        texts = self.tokenizer.batch_decode(ids, skip_special_tokens=True)
        return [
            (text if self._spells_broken(row) else text.rstrip(f"{_BROKEN} ")).strip()
            for text, row in zip(texts, ids, strict=True)
        ]

    def _spells_broken(self, ids: list[int]) -> bool:
        """Whether the last tokens are those of U+FFFD itself, which a text may also hold."""
        tokens = self.tokenizer.convert_ids_to_tokens(ids, skip_special_tokens=True)
        return "".join(tokens).endswith("".join(self.tokenizer.tokenize(_BROKEN)))

    def fingerprint(self) -> str:
        """The vocabulary as text, equal for tokenizers that give the same ids."""
        return json.dumps(sorted(self.tokenizer.get_vocab().items(), key=lambda item: item[1]))


def _parted() -> pre_tokenizers.PreTokenizer:
    """How our own tokenizer parts texts before it looks for tokens."""
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(_PARTS, "isolated"), bytes_of])


def _reads_pieces(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the ids of a text are those of its :func:`pieces`, one after the other.

    So it is where every run of white space begins a part of its own, as in ours and in GPT-2's,
    and nothing is done to a text before. Others may look at a text's start or at what white space
    there is.
    """
    if not tokenizer.is_fast:
        return False
    own = tokenizer.backend_tokenizer  # type: ignore[attr-defined]
    parts, added = own.pre_tokenizer, own.get_added_tokens_decoder().values()
    gpt2 = isinstance(parts, pre_tokenizers.ByteLevel) and parts.use_regex
    alike = (gpt2 and not parts.add_prefix_space) or _state(parts) == _state(_parted())
    return alike and own.normalizer is None and all(token.special for token in added)


def _state(parts: pre_tokenizers.PreTokenizer | None) -> object:
    return parts and parts.__getstate__()


def _whole(text: str) -> list[str]:
    return [text]


class TokenTable:
    """Token ids of the texts of some rows, each encoded when it is first asked for."""

    def __init__(
        self,
        tokenizer: TextTokenizer,
        texts: StoredColumn | np.ndarray,
        rows: np.ndarray,
        max_tokens: int,
        *,
        ends: bool,
    ) -> None:
        """Make room for the ids.

        Args:
            tokenizer: What encodes.
            texts: The texts of all rows (N,).
            rows: The rows that may be asked for (S,), no row twice.
            max_tokens: The most tokens of a text, its start and end not counted.
            ends: Whether a text has a start and an end.
        """
        self._tokenizer, self._texts, self._rows = tokenizer, texts, rows
        self._limit, self._ends = max_tokens, ends
        small = np.uint16 if len(tokenizer) <= 2**16 else np.int32
        # Zeros take no memory before they are written. The last row is of those that are not there.
        self._ids = np.zeros((len(rows) + 1, max_tokens + 2 * ends), dtype=small)
        self._lengths = np.full(len(rows) + 1, -1, dtype=np.int32)  # -1: not encoded yet
        self._lengths[-1] = 0
        self._place = np.full(len(texts), -1, dtype=np.int64)
        self._place[rows] = np.arange(len(rows))

    def take(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Ids (..., L) and mask (..., L) of rows (...), none for -1; L is the longest of them."""
        place = np.where(rows >= 0, self._place[rows], -1)
        self._encode(np.unique(place[self._lengths[place] < 0]))
        lengths = self._lengths[place]
        width = int(lengths.max(initial=0))
        mask = np.arange(width) < lengths[..., None]
        ids = np.full(mask.shape, self._tokenizer.pad_id, dtype=np.int64)
        ids[mask] = self._ids[place][..., :width][mask]
        return torch.from_numpy(ids), torch.from_numpy(mask)

    def _encode(self, place: np.ndarray) -> None:
        """Encode the texts at some places (M,) of the table."""
        if not len(place):
            return
        texts = self._texts[self._rows[place]].tolist()
        ids = self._tokenizer.encode(texts, self._limit, ends=self._ends)  # (M, T)
        self._ids[place, : ids.shape[1]] = ids
        self._lengths[place] = (ids != self._tokenizer.pad_id).sum(axis=1)


def no_tokens(*shape: int) -> tuple[Tensor, Tensor]:
    """Ids and mask (..., 0) where nobody asks for any."""
    return torch.empty(*shape, 0, dtype=torch.long), torch.empty(*shape, 0, dtype=torch.bool)

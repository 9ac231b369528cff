"""What holds for every explainer."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.sentences import ItemSentences
from recbole_showcase.explainers import ExplainerInputs
from recbole_showcase.testing.base import (
    HALVES,
    STATISTICS,
    WIDTH,
    Contract,
    all_close,
    half_is_close,
    shake,
    unreached,
)
from recbole_showcase.text.tokenizer import TextTokenizer

TEXTS = ["good soup", "the pizza was great and big", "nice", "we loved the salad", "meh"]
_REPLACED = ["good tea", "the salad was great and big", "nice", "we loved the pizza", "meh"]
_PAST = [
    "the soup again",
    "pizza",
    "I love salad and soup",
    "fine place",
    "we go there for tea",
    "big and good",
    "nice salad",
]
# What others wrote: each row of a batch may quote some of these.
SENTENCES = (
    "The soup was hot.",
    "We loved the pizza.",
    "A big salad!",
    "The soup again, and tea.",
    "Nice place to sit",
    "Pizza was cold.",
)
# What stands behind the last size of the words of a batch, to pad them more.
_MORE_WORDS = {
    "tokens": (0, 3),
    "token_mask": (0, 3),
    "replaced_tokens": (0, 2),
    "replaced_mask": (0, 2),
    "user_review_tokens": (0, 2, 0, 4),
    "user_review_mask": (0, 2, 0, 4),
    "item_review_tokens": (0, 1, 0, 3),
    "item_review_mask": (0, 1, 0, 3),
}


class ExplainerContract(Contract):
    """What holds for every explainer.

    Attributes:
        learns: Whether it can learn five texts by heart; one without parameters cannot.
        steps: Steps of Adam in which it does.
        learning_rate: Of these steps.
    """

    learns: ClassVar[bool] = True
    steps: ClassVar[int] = 90
    learning_rate: ClassVar[float] = 0.01

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """Of the texts to learn."""
        return TextTokenizer.train(TEXTS, 280)

    def build(self) -> Any:
        """The explainer, in evaluation mode."""
        known = torch.arange(6) > 0
        inputs = ExplainerInputs(
            photo_statistics=STATISTICS,
            review_statistics=STATISTICS * 2,
            user=3,
            item=4,
            known_users=known,
            known_items=torch.arange(7) > 0,
            max_tokens=20,
        )
        return self._built(inputs, self.tokenizer)

    def batch(self) -> tuple[ExplanationBatch, Tensor, Tensor]:
        """Five different samples with 3, 1, 2, 0 and 3 photos, and the recommender's vectors."""
        return explanation_batch(self.tokenizer)

    def test_losses_are_finite_and_reach_every_parameter(self) -> None:
        """One scalar a name, and a gradient for all that is to be trained."""
        explainer = self.build()
        losses = explainer(*self.batch())
        assert len(losses) == len(explainer.loss_names)
        assert all(loss.shape == () and loss.isfinite() for loss in losses)
        if any(loss.requires_grad for loss in losses):
            sum(losses).backward()
        assert not unreached(explainer)

    def test_mixed_precision(self) -> None:
        """Losses and gradients in either half type, as RecBole's ``enable_amp`` has them."""
        explainer, batch = self.build(), self.batch()
        recurrent = any(isinstance(m, nn.RNNBase) for m in explainer.modules())
        # Processors have no recurrent layers of the narrower range, which CUDA takes.
        for kind in HALVES[: 1 if recurrent else 2]:
            half_is_close(explainer, kind, lambda: explainer(*batch))

    def test_padding_changes_nothing(self) -> None:
        """More padded photos, reviews and tokens, whatever stands in them, give the same."""
        explainer = self.build()
        batch, *vectors = self.batch()
        padded = _padded(batch, self.tokenizer.pad_id)
        all_close(explainer(batch, *vectors), explainer(padded, *vectors))
        assert explainer.generate(batch, *vectors) == explainer.generate(padded, *vectors)

    def test_a_batch_generates_what_its_rows_generate(self) -> None:
        """Pairs do not know of each other."""
        explainer = self.build()
        batch, users, items = self.batch()
        together = explainer.generate(batch, users, items)
        assert len(together) == len(batch) and all(isinstance(text, str) for text in together)
        for row in range(len(batch)):
            one = type(batch)(**{k: v[row : row + 1] for k, v in vars(batch).items()})
            alone = explainer.generate(one, users[row : row + 1], items[row : row + 1])
            assert alone == [together[row]]

    def test_generation_does_not_look_at_the_tokens(self) -> None:
        """The true text is not there in use."""
        explainer = self.build()
        batch, *vectors = self.batch()
        blind = replace(batch, tokens=batch.tokens[:, :0], token_mask=batch.token_mask[:, :0])
        assert explainer.generate(batch, *vectors) == explainer.generate(blind, *vectors)

    def test_a_rating_is_of_its_pair_and_not_of_the_truth(self) -> None:
        """What it predicts, where it predicts ratings, is one number a pair, known in use."""
        explainer = self.build()
        batch, users, items = self.batch()
        rated = explainer.rate(batch, users, items)
        if rated is None:
            return
        assert rated.shape == (len(batch),) and rated.isfinite().all() and not rated.requires_grad
        blind = replace(batch, ratings=batch.ratings * torch.nan, tokens=batch.tokens[:, :0],
                        token_mask=batch.token_mask[:, :0])  # fmt: skip
        all_close((rated,), (explainer.rate(blind, users, items),))
        for row in range(len(batch)):
            one = type(batch)(**{k: v[row : row + 1] for k, v in vars(batch).items()})
            alone = explainer.rate(one, users[row : row + 1], items[row : row + 1])
            all_close((rated[row : row + 1],), (alone,))

    def test_it_reads_no_more_than_it_asks_for(self) -> None:
        """What ``reads`` does not name is empty in its batches."""
        explainer = self.build()
        batch, *vectors = self.batch()
        asked = {"replaced": "replaced", "user_reviews": "user_review",
                 "item_reviews": "item_review"}  # fmt: skip
        unread = [field for name, field in asked.items() if name not in explainer.reads]
        names = [f"{field}_{what}" for field in unread for what in ("tokens", "mask")]
        less = replace(batch, **{name: getattr(batch, name)[..., :0] for name in names})
        if "sentences" not in explainer.reads:
            less = _without_sentences(less)
        for one, other in zip(explainer(batch, *vectors), explainer(less, *vectors), strict=True):
            assert torch.equal(one, other)

    def test_it_writes_from_no_more_reviews_than_it_says(self) -> None:
        """Those behind ``past_reviews`` change no text, whether they are there or not."""
        explainer = self.build()
        if explainer.past_reviews is None:
            return
        batch, *vectors = self.batch()
        names = ("review_mask", "user_review_mask")
        kept = {name: getattr(batch, name).clone() for name in names}
        for mask in kept.values():
            mask[:, explainer.past_reviews :] = False
        fewer = replace(batch, **kept)
        assert explainer.generate(batch, *vectors) == explainer.generate(fewer, *vectors)

    def test_pairs_without_photos_and_reviews_are_explained(self) -> None:
        """Nothing to write from is nothing to fail at, and absent is the same as masked."""
        explainer = self.build()
        batch, *vectors = self.batch()
        sets = [f"{kind}_{what}" for kind in ("photo", "review") for what in ("features", "mask")]
        sets += [f"{whose}_review_{what}" for whose in ("user", "item")
                 for what in ("tokens", "mask")]  # fmt: skip
        none = replace(batch, **{name: getattr(batch, name)[:, :0] for name in sets})
        assert all(loss.isfinite() for loss in explainer(none, *vectors))
        masked = {name: getattr(batch, name) & False for name in sets if name.endswith("mask")}
        hidden = replace(batch, **masked)
        assert explainer.generate(none, *vectors) == explainer.generate(hidden, *vectors)

    def test_an_item_that_nobody_else_wrote_of_is_explained(self) -> None:
        """Absent sentences are the same as masked ones, and nothing is made up of them."""
        explainer = self.build()
        batch, *vectors = self.batch()
        hidden = replace(batch, sentence_mask=batch.sentence_mask & False)
        without = explainer.write(_without_sentences(batch), *vectors)
        assert explainer.write(hidden, *vectors)[0] == without[0]
        if without[1] is not None:
            assert len(without[1]) == len(batch) and (without[1] < 0).all()

    def test_what_is_written_is_what_is_generated(self) -> None:
        """``write`` says beside it which reviews a text rests on, one row a pair."""
        explainer, batch = self.build(), self.batch()
        texts, evidence = explainer.write(*batch)
        assert texts == explainer.generate(*batch)
        if evidence is not None:
            assert evidence.shape[0] == len(texts) and (evidence >= -1).all()

    def test_saving_and_loading_gives_equal_outputs(self) -> None:
        """All that was learned is in the state."""
        explainer, other = self.build(), self.build()
        shake(explainer, 0.1)
        other.load_state_dict(explainer.state_dict())
        batch = self.batch()
        for one, two in zip(explainer(*batch), other(*batch), strict=True):
            assert torch.equal(one, two)

    def test_it_learns_five_texts_by_heart(self) -> None:
        """Losses that go down make texts that come out."""
        if not self.learns:
            return
        explainer, batch = self.build(), self.batch()
        optimizer = torch.optim.Adam(explainer.parameters(), lr=self.learning_rate)
        for _ in range(self.steps):
            optimizer.zero_grad()
            sum(explainer(*batch)).backward()
            optimizer.step()
        assert explainer.generate(*batch) == TEXTS


def explanation_batch(
    tokenizer: TextTokenizer, n: int = 5, photos: int = 3, reviews: int = 2
) -> tuple[ExplanationBatch, Tensor, Tensor]:
    """A batch of n different samples (B = 5 differs from every other size), and vectors."""
    torch.manual_seed(1)
    tokens = torch.from_numpy(tokenizer.encode(TEXTS[:n], 20))
    replaced = torch.from_numpy(tokenizer.encode(_REPLACED[:n], 20))
    past = torch.from_numpy(tokenizer.encode(_PAST, 20, ends=False))
    # Each row has words of its own, so that an explainer of words alone can tell rows apart.
    user_words = past.unfold(0, reviews, 1)[:n].transpose(1, 2)  # (n, R, L)
    item_words = past.flip(0).unfold(0, 3, 1)[:n].transpose(1, 2)
    photo_mask = torch.arange(photos) < torch.tensor([3, 1, 2, 0, 3])[:n, None]
    review_mask = torch.arange(reviews) < torch.tensor([2, 1, 1, 0, 2])[:n, None]
    own = torch.Generator().manual_seed(2)
    sentence_mask = torch.arange(4) < torch.tensor([4, 2, 1, 3, 4])[:n, None]
    batch = ExplanationBatch(
        users=torch.arange(n) + 1,
        items=torch.arange(n) + 1,
        ratings=torch.tensor([5.0, 4.0, float("nan"), 1.0, 3.0])[:n],
        photo_features=torch.randn(n, photos, WIDTH) * photo_mask[..., None],
        photo_mask=photo_mask,
        review_features=torch.randn(n, reviews, WIDTH) * review_mask[..., None],
        review_mask=review_mask,
        tokens=tokens,
        token_mask=tokens != tokenizer.pad_id,
        replaced_tokens=replaced,
        replaced_mask=(replaced != tokenizer.pad_id) & (torch.arange(n) != 2)[:, None],
        user_review_tokens=user_words.masked_fill(~review_mask[..., None], tokenizer.pad_id),
        user_review_mask=(user_words != tokenizer.pad_id) & review_mask[..., None],
        item_review_tokens=item_words,
        item_review_mask=item_words != tokenizer.pad_id,
        sentence_features=torch.randn(n, 4, WIDTH, generator=own) * sentence_mask[..., None],
        sentence_mask=sentence_mask,
        sentences=ItemSentences(
            np.where(sentence_mask.numpy(), (np.arange(n)[:, None] + np.arange(4)) % 6, -1),
            QuotedWords(),
            ("soup", "pizza"),
        ),
    )
    return batch, torch.randn(n, 3), torch.randn(n, 4)


class QuotedWords:
    """The words of ``SENTENCES``, each of a review of its own.

    Attributes:
        rows: The row of each sentence.
    """

    rows = np.arange(len(SENTENCES)) + 11

    def texts(self, sentences: np.ndarray) -> list[str]:
        """The words of sentences, by position."""
        return [SENTENCES[n] for n in sentences]


def _without_sentences(batch: ExplanationBatch) -> ExplanationBatch:
    return replace(
        batch,
        sentence_features=batch.sentence_features[:, :0],
        sentence_mask=batch.sentence_mask[:, :0],
        sentences=replace(batch.sentences, positions=batch.sentences.positions[:, :0]),
    )


def _padded(batch: ExplanationBatch, pad: int) -> ExplanationBatch:
    """The batch with more photos, reviews and words that are not there."""
    n = len(batch)
    more: dict[str, Any] = {
        name: F.pad(getattr(batch, name), by, value=0 if "mask" in name else pad)
        for name, by in _MORE_WORDS.items()
    }
    positions = np.pad(batch.sentences.positions, ((0, 0), (0, 3)), constant_values=-1)
    more["sentences"] = replace(batch.sentences, positions=positions)
    for kind, by in (("photo", 2), ("review", 4), ("sentence", 3)):
        features, mask = (getattr(batch, f"{kind}_{what}") for what in ("features", "mask"))
        junk = torch.full((n, by, WIDTH), 9.0)
        more[f"{kind}_features"] = torch.cat([features, junk], dim=1)
        more[f"{kind}_mask"] = F.pad(mask, (0, by))
    return replace(batch, **more)

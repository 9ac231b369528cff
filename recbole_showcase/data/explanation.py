"""Explanation data: which rows are samples, and batches that hide what is held out."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.data.corpus import TRAIN, Features, PhotoTable, ReviewCorpus
from recbole_showcase.data.lexicon import mined_lexicon
from recbole_showcase.data.marks import DataMarks
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.data.profiles import Newcomer, Profile
from recbole_showcase.data.selection import PhotoSelection
from recbole_showcase.data.sentences import ItemSentences, SentenceTable
from recbole_showcase.data.targets import TargetTexts
from recbole_showcase.encoders.commands import check_command
from recbole_showcase.encoders.store import FeatureStore
from recbole_showcase.errors import DataError
from recbole_showcase.metrics import read_lexicon
from recbole_showcase.settings import ShowcaseSettings
from recbole_showcase.text.sampling import TOKENIZER_TEXTS, evenly
from recbole_showcase.text.tokenizer import TextTokenizer, TokenTable, no_tokens

_STATISTICS_SAMPLE = 20_000


class ExplanationData(PhotoSelection):
    """Everything the explanation side knows of a data set, shared by its splits.

    Attributes:
        settings: The settings.
        corpus: The reviews.
        photos: The photos.
        tokenizer: Trained on the target texts of training samples, or loaded by name.
        marks: By which what a training knew is known again; None where nobody asks.
        reads: What the explainer wants in its batches beside the rest (``Explainer.reads``).
        longer: Users (n_users,), bool, whose sequence of visits goes on behind that of training;
            None where there is nobody.
    """

    reads: frozenset[str] = frozenset()
    longer: np.ndarray | None = None
    marks: DataMarks | None = None

    def __init__(
        self,
        settings: ShowcaseSettings,
        corpus: ReviewCorpus,
        photos: PhotoTable,
        tokenizer: TextTokenizer | None = None,
        marks: DataMarks | None = None,
    ) -> None:
        """Prepare the tokenizer.

        Args:
            settings: The settings.
            corpus: The reviews.
            photos: The photos.
            tokenizer: Of the texts; None for the one that the settings name, or a new one that is
                trained on the training split.
            marks: By which what is known here is known again; None where nobody asks.

        Raises:
            DataError: If the training split has no sample, and is not one of photos alone.
        """
        self.settings = settings
        self.marks = marks
        self.corpus = corpus
        self.photos = photos
        if not len(self.train_rows) and not self.photos_alone:
            raise DataError(
                "no explanation sample in the training split: no review has both a text and "
                f"showcase_min_photos = {settings.min_photos} photos with features; what does not "
                f"join is told by: {check_command(corpus.path.parent)}"
            )
        if tokenizer is not None:
            self.tokenizer = tokenizer
        elif settings.tokenizer:
            self.tokenizer = TextTokenizer.load(settings.tokenizer)
        else:
            rows = evenly(self.train_rows, TOKENIZER_TEXTS)
            self.tokenizer = TextTokenizer.train(self.corpus.targets[rows], settings.vocab_size)

    def __deepcopy__(self, memo: dict[int, Any]) -> ExplanationData:
        """The same object: a copied model reads the same data."""
        return self

    def with_settings(self, settings: ShowcaseSettings) -> ExplanationData:
        """The same data read with other limits; for loaders that were saved with other settings."""
        other = self._anew()
        other.settings = settings
        return other

    def read_for(self, reads: frozenset[str]) -> ExplanationData:
        """The same data for an explainer that reads something else, see :attr:`Explainer.reads`."""
        other = copy.copy(self)
        other.reads = reads
        return other

    def grown(self, corpus: ReviewCorpus, photos: PhotoTable, longer: np.ndarray) -> Self:
        """What is known now, for a model that was trained on this data, whose words it keeps.

        Args:
            corpus: The reviews now, which know what was there before.
            photos: The photos now.
            longer: Users whose sequence of visits is to be read from the corpus (n_users,), bool.
        """
        other = self._anew()
        other.corpus, other.photos, other.longer = corpus, photos, longer
        if "lexicon" in self.reads:
            other._lexicon = self._lexicon
        return other

    def hold(self) -> None:
        """Open what is read where it is asked for, so that files written anew change nothing here.

        Raises:
            DataError: One has been written anew since this was made from it.
        """
        corpus, photos = self.corpus, self.photos
        for column in (corpus.texts, corpus.targets, photos.tokens, photos.paths):
            column.hold()
        if "sentences" in self.reads:
            self.sentences.hold()

    def _anew(self) -> Self:
        """A copy without what was computed: with other limits or rows it is no answer."""
        other = copy.copy(self)
        for name in list(vars(other)):
            if isinstance(getattr(type(other), name, None), cached_property):
                del vars(other)[name]
        return other

    @property
    def feature_dim(self) -> int:
        """Width of the CLIP features."""
        return self.photos.features.dim

    def photo_statistics(self) -> np.ndarray:
        """Mean and standard deviation (2, D) float32 of the training photos' features."""
        splits = self.corpus.interactions.splits
        own = np.flatnonzero((self.photos.rows > 0) & (splits[self.photos.rows] == TRAIN))
        return _statistics(self.photos.features, own)

    def review_statistics(self) -> np.ndarray:
        """Mean and standard deviation (2, D) float32 of the features that histories hold."""
        return _statistics(self.corpus.features, self.corpus.past_rows)

    @cached_property
    def train_rows(self) -> np.ndarray:
        """Rows of the explanation samples in the training split (S,)."""
        return self.samples(self._training_rows)

    @cached_property
    def photos_alone(self) -> bool:
        """Whether there is no text at all, and photos can be chosen: then nothing else is learned.

        Texts that are there and that no row carries are a fault, which the data set is told of.
        """
        return self.corpus.without_texts and len(self.selection_rows) > 0

    def samples(self, rows: np.ndarray) -> np.ndarray:
        """Those of the rows that can be explained: with a text and enough photos."""
        enough = self.photos.of_row.lengths(rows) >= self.settings.min_photos
        return rows[enough & self.corpus.has_text[rows] & (rows > 0)]

    def evaluated(self, rows: np.ndarray) -> np.ndarray:
        """Those of held-out rows that are explained: samples, or, where no row has a text, photos.

        What is compared with a true text then has none.
        """
        if not self.photos_alone:
            return self.samples(rows)
        enough = self.photos.of_row.lengths(rows) >= max(self.settings.min_photos, 1)
        return rows[enough & (rows > 0)]

    def texts_unused(self, rows: np.ndarray) -> int:
        """How many of the rows have a text but fewer photos than ``showcase_min_photos``."""
        with_text = self.corpus.has_text[rows] & (rows > 0)
        return int(with_text.sum()) - len(self.samples(rows))

    @cached_property
    def known_users(self) -> np.ndarray:
        """Users that have a training interaction (n_users,), bool; the recommender knows them."""
        return self._users_of(self._training_rows)

    @cached_property
    def known_items(self) -> np.ndarray:
        """Items that have a training interaction (n_items,), bool."""
        return self._items_of(self._training_rows)

    @cached_property
    def explained_users(self) -> np.ndarray:
        """Users that have a training sample (n_users,), bool."""
        return self._users_of(self.train_rows)

    @cached_property
    def explained_items(self) -> np.ndarray:
        """Items that have a training sample (n_items,), bool."""
        return self._items_of(self.train_rows)

    @cached_property
    def _training_rows(self) -> np.ndarray:
        return np.flatnonzero(self.corpus.interactions.splits == TRAIN)

    @cached_property
    def _targets(self) -> TargetTexts:
        """The training targets as the explainer reads them."""
        return TargetTexts(self.corpus.targets, self.train_rows, self.tokenizer, self.settings)

    def require_entities(self) -> None:
        """Find the entities of the targets now, where the explainer replaces them, or raise."""
        if "replaced" in self.reads and len(self.photos.tokens):
            _ = self._targets.lexicon

    def require_sentences(self) -> None:
        """Open the sentences, and read or mine the lexicon, where the explainer reads them.

        Raises:
            FeatureStoreError: If there are no features of sentences; says how to make them.
            DataError: If there is no lexicon.
        """
        if "sentences" in self.reads:
            _ = self.sentences
        if "lexicon" in self.reads:
            _ = self._lexicon

    @cached_property
    def sentences(self) -> SentenceTable:
        """The sentences of the training reviews.

        Raises:
            FeatureStoreError: If there are no features of them; says how to make them.
        """
        store = self.corpus.features.store
        return SentenceTable(self.corpus, FeatureStore(store.folder, "sentence", store.named))

    @cached_property
    def _lexicon(self) -> tuple[str, ...]:
        """The features of the file that the settings name, or those that training texts name."""
        if self.settings.lexicon:
            return tuple(read_lexicon(self.settings.lexicon))
        return tuple(mined_lexicon(self.corpus, self.settings.lexicon_size))

    def target_tokens(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Ids and mask (B, T) of the targets of training samples (B,)."""
        return self._targets.take(rows)

    @cached_property
    def _review_tokens(self) -> TokenTable:
        """Token ids of the texts that histories hold."""
        rows, limit = self.corpus.past_rows, self.settings.max_tokens
        return TokenTable(self.tokenizer, self.corpus.texts, rows, limit, ends=False)

    def training_batch(self, rows: np.ndarray, random: np.random.Generator) -> ExplanationBatch:
        """Training samples with their own photos and target texts.

        Args:
            rows: Rows of the training split (B,).
            random: Draws the entities that replace those of the texts, where asked for.
        """
        photos = self.photos.of_row.first(rows, self.settings.max_photos)
        pairs = Pairs.of_rows(self.corpus, rows)
        profile = self.profile(pairs)
        ratings = self.corpus.interactions.ratings[rows]
        # Other entities are set against photos: without any there is nothing to compare.
        asked = "replaced" in self.reads and bool((photos >= 0).any())
        replaced = self._targets.replaced(rows, random) if asked else no_tokens(len(rows))
        targets = self._targets.take(rows)
        return self._explanation_batch(pairs, photos, profile, ratings, targets, replaced)

    def explanation_batch(
        self, pairs: Pairs, photos: np.ndarray, profile: Profile
    ) -> ExplanationBatch:
        """Pairs to write a text for, from given photos.

        Args:
            pairs: B pairs.
            photos: Positions in the photo table (B, P), -1 if absent.
            profile: Of the pairs.
        """
        unknown = np.full(len(pairs), np.nan)
        none = no_tokens(len(pairs))
        return self._explanation_batch(pairs, photos, profile, unknown, none, none)

    def _explanation_batch(
        self,
        pairs: Pairs,
        photos: np.ndarray,
        profile: Profile,
        ratings: np.ndarray,
        tokens: tuple[Tensor, Tensor],
        replaced: tuple[Tensor, Tensor],
    ) -> ExplanationBatch:
        user_words, item_words = self._past_words(pairs, profile)
        sentences, sentence_features = self._item_sentences(pairs)
        users, items = self.model_ids(pairs)
        return ExplanationBatch(
            users=users,
            items=items,
            ratings=torch.from_numpy(ratings.astype(np.float32)),
            photo_features=torch.from_numpy(self.photos.features[photos]),
            photo_mask=torch.from_numpy(photos >= 0),
            review_features=profile.review_features,
            review_mask=profile.review_mask,
            tokens=tokens[0],
            token_mask=tokens[1],
            replaced_tokens=replaced[0],
            replaced_mask=replaced[1],
            user_review_tokens=user_words[0],
            user_review_mask=user_words[1],
            item_review_tokens=item_words[0],
            item_review_mask=item_words[1],
            sentence_features=torch.from_numpy(sentence_features),
            sentence_mask=torch.from_numpy(sentences.positions >= 0),
            sentences=sentences,
            pairs=pairs,
        )

    def _past_words(
        self, pairs: Pairs, profile: Profile
    ) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Ids and masks (B, R, L) of the past reviews of users and of items, where asked for."""
        of_users = of_items = no_tokens(len(pairs), 0)
        if "user_reviews" in self.reads:
            words = self._review_tokens
            if profile.newcomer is not None:
                words = self._words_of(profile.newcomer)
            of_users = words.take(profile.reviews)
        if "item_reviews" in self.reads:
            past = self._past_review_rows(self.corpus.item_timeline, pairs.items, pairs)
            of_items = self._review_tokens.take(past)
        return of_users, of_items

    def _item_sentences(self, pairs: Pairs) -> tuple[ItemSentences, np.ndarray]:
        """What others wrote of the items, and its features (B, S, D), where asked for."""
        if "sentences" not in self.reads:
            none = ItemSentences(np.empty((len(pairs), 0), dtype=np.int64))
            return none, np.zeros((len(pairs), 0, self.feature_dim), dtype=np.float32)
        found = self.sentences.of_items(pairs, self.settings.max_sentences)
        lexicon = self._lexicon if "lexicon" in self.reads else ()
        return ItemSentences(found, self.sentences, lexicon), self.sentences.features[found]

    def _words_of(self, newcomer: Newcomer) -> TokenTable:
        texts = np.array(newcomer.texts, dtype=object)
        rows, limit = np.arange(len(texts)), self.settings.max_tokens
        return TokenTable(self.tokenizer, texts, rows, limit, ends=False)


def _statistics(features: Features, index: np.ndarray) -> np.ndarray:
    """Mean and standard deviation (2, D) of some features; of very many, an even sample."""
    sample = features[evenly(index, _STATISTICS_SAMPLE)]
    if not len(sample):
        return np.stack([np.zeros(features.dim), np.ones(features.dim)]).astype(np.float32)
    return np.stack([sample.mean(axis=0), sample.std(axis=0)])

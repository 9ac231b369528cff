"""A trained model to ask: what do you recommend to this user, and why?"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np

from recbole_showcase.arguments import (
    Unknown,
    check_count,
    check_device,
    report_unknown,
    texts_of,
)
from recbole_showcase.atomic import PhotoFolder, photo_folder_or_none
from recbole_showcase.composed.growing import Known, check_known, data_now, has_grown
from recbole_showcase.composed.items import describe_items
from recbole_showcase.composed.lookup import TokenIndex
from recbole_showcase.composed.newcomers import (
    GivenPhoto,
    NewcomerEncoder,
    popular_items,
)
from recbole_showcase.composed.presenting import Presenter
from recbole_showcase.composed.ranking import Ranked, best_pairs, without_sequence
from recbole_showcase.data.corpus import TEST
from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.data.profiles import Newcomer
from recbole_showcase.errors import CheckpointError, DataError, SettingsError
from recbole_showcase.evaluation.results import Basis, load_basis, load_result
from recbole_showcase.integration.checkpoint import is_composed, load_checkpoint, restored_config
from recbole_showcase.integration.entry_points import restore
from recbole_showcase.integration.named_paths import permission
from recbole_showcase.parts import import_modules
from recbole_showcase.showcase import Review, Showcase, UserShowcase


def load_explainer(
    checkpoint: str | Path,
    device: str | None = None,
    photo_folder: str | Path | None = None,
    imports: Sequence[str] = (),
    data_path: str | Path | None = None,
    allow_paths: Sequence[str | Path] = (),
    known: Known = "training",
) -> ShowcaseRecommender:
    """Load a trained composed model with its data.

    Where the files have grown since the training, what came is history, candidates and sentences to
    quote, as after :meth:`ShowcaseRecommender.refresh`.

    Args:
        checkpoint: The file that training saved.
        device: Such as ``cuda:0``; by default what the checkpoint's configuration gives.
        photo_folder: Where the photos are, when not where the conversion found them.
        imports: Modules of parts and recommenders that are neither RecBole's nor this package's.
            Those of installed packages are found without; other code a checkpoint does not choose.
        data_path: The folder that holds the data set's, when it is not where training found it. A
            checkpoint of somebody else's chooses none outside the working directory.
        allow_paths: Files and folders that its other settings may name though they are outside the
            working directory and in no training of yours, such as a lexicon.
        known: What users are explained by: what the run was trained on and what came since
            (``training``), or what it held out as well (``now``), as is right for a model in use.

    Raises:
        SettingsError: If a module cannot be imported, or the device is none of this machine's.
        CheckpointError: If the file is not a checkpoint of a composed model, or leads to what you
            did not choose.
        DataError: If the photo folder or the data set's does not exist.
    """
    check_known(known)
    if device is not None:
        check_device(SettingsError, device)
    import_modules(imports)
    if photo_folder:
        PhotoFolder(photo_folder)  # that it is there is asked before the model is built
    state = load_checkpoint(checkpoint, map_location="cpu")
    may = permission(state, checkpoint, allow_paths)
    config = restored_config(state, checkpoint, data_path, may)
    if not (folder := Path(config["data_path"])).is_dir():
        raise DataError(
            f"there is no data set '{folder.name}' in {folder.parent}; data_path is "
            "the folder that holds it"
        )
    if device is not None:
        config["device"] = device
    if not is_composed(config["model"]):
        raise CheckpointError(
            f"checkpoint '{checkpoint}' is of {config['model']}, which explains nothing; "
            f"train Showcase{config['model']}"
        )
    loaded = restore(state, config)
    found = ShowcaseRecommender(
        config, loaded[1], loaded[3:], load_result(checkpoint), photo_folder, known
    )
    found.test_basis = load_basis(checkpoint)
    return found


class ShowcaseRecommender:
    """Recommendations with their showcases.

    Attributes:
        model: The composed model.
        model_name: Its name.
        dataset_name: The data set's name.
        test_result: Metrics of the test split that training left beside the checkpoint, or None.
        test_basis: On how many rows they rest, or None.
        photo_folder: Where the photos are, or None where they are not on this machine.
        data_folder: The data set's folder.
        item_names, item_categories: What items are called, by internal id.
        newcomers: What encodes the taste of people whom the data set has not.
        known: What users are explained by; see :func:`load_explainer`.
    """

    test_basis: Basis | None = None

    def __init__(
        self,
        config: Any,
        model: Any,
        loaders: Sequence[Any],
        test_result: dict[str, float] | None = None,
        photos: str | Path | None = None,
        known: Known = "training",
    ) -> None:
        """Wrap a trained model; :func:`load_explainer` does it for a checkpoint."""
        self.model_name: str = config["model"]
        self.dataset_name: str = config["dataset"]
        self.test_result = test_result
        self._trained, self._loaders, self._photos = model.eval(), loaders, photos
        self._config, self._seed = config, config["seed"]
        self.data_folder = Path(config["data_path"])
        data = model.showcase.data
        if known == "now" or has_grown(data, config):
            model = model.reading(data_now(data, config, known))
        self._take(model, known)

    def _take(self, model: Any, known: Known) -> None:
        """Answer by a model from now on, and from the data that it reads."""
        self.model, self._data, self.known = model, model.showcase.data, known
        for data in (self._data, self._trained.showcase.data):
            data.hold()
        folder, corpus = self.data_folder, self._data.corpus
        path = folder / f"{self.dataset_name}.item"
        self.photo_folder = (
            PhotoFolder(self._photos) if self._photos else photo_folder_or_none(folder)
        )
        self.item_names, self.item_categories = describe_items(
            corpus.item_tokens, path, self._config
        )
        self._told = Presenter(self._data, self.item_names, self.item_categories, self.photo_folder)
        self._told_in_training = replace(self._told, data=self._trained.showcase.data)
        store, encoder = self._data.photos.features.store, vars(self).get("newcomers")
        if encoder is None or not encoder.made(store):  # one is loaded once
            self.newcomers = NewcomerEncoder(store, str(model.device))
        self._tokens = TokenIndex(corpus.user_tokens, corpus.item_tokens)

    @property
    def trained(self) -> Any:
        """The model with what its training knew, of which evaluations are, whatever came since."""
        return self._trained

    def refreshed(self, known: Known = "now") -> ShowcaseRecommender:
        """A recommender of the same weights that answers from what the files hold now.

        See :meth:`refresh`; this one goes on answering as it did, also meanwhile.
        """
        data = self._trained.showcase.data
        other = copy.copy(self)
        other._take(self._trained.reading(data_now(data, self._config, known)), known)
        return other

    def refresh(self, known: Known = "now") -> None:
        """Answer from what the data set's files hold now, without training again.

        Reviews and photos that came since the training are history, candidates and sentences to
        quote. The model's weights, its ids, its vocabulary and what it was evaluated on stay.
        Users who came are explained from their own reviews and photos, and recommended what most
        have visited, or, by sequential models, what follows on their visits; items that came are
        explained where they are asked for, and ranked for such users alone. Either is named in a
        showcase's ``newcomer``.

        Run ``recbole-showcase embed`` first. Whatever fails leaves everything as it was.

        Args:
            known: Whether what the run held out counts as known as well (``now``), or what it was
                trained on and what came since (``training``).

        Raises:
            DataError: A file cannot be read, or ``known`` is another word.
            FeatureStoreError: Something has no features yet; says how to make them.
        """
        self.__dict__ = self.refreshed(known).__dict__

    @property
    def users(self) -> list[str]:
        """Tokens of all users."""
        return list(self._data.corpus.user_tokens[1:])

    def find(self, kind: Literal["user", "item"], tokens: list[str]) -> np.ndarray:
        """Internal ids (N,) of tokens, 0 for those that the data set has not."""
        return self._tokens.find(kind, tokens)

    def ranked(self, users: np.ndarray, top_k: int) -> Ranked:
        """The best new items of users by internal id (B,), none of them without a sequence."""
        return best_pairs(self.model, self._loaders, users, top_k)

    def without_sequence(self, users: np.ndarray) -> np.ndarray:
        """Which users (B,), by internal id, the model cannot recommend to, for want of a past."""
        return without_sequence(self.model, self._loaders, users)

    @overload
    def recommend(self, users: Sequence[str], top_k: int) -> list[list[Showcase]]: ...
    @overload
    def recommend(
        self, users: Sequence[str], top_k: int, *, unknown: Unknown
    ) -> list[list[Showcase] | None]: ...

    def recommend(self, users: Sequence[str], top_k: int, *, unknown: Unknown = "raise") -> Any:
        """The best new items of users, each with its showcase.

        New is what the user has not visited in any split of the data, the test split included, nor
        in a sequence that the data gives: a model in use should not offer what is known already.
        Figures of the test are computed by RecBole's evaluation, which keeps the test items.

        Args:
            users: Tokens of users.
            top_k: The number of items for each.
            unknown: What becomes of users that the data set has not, and, for sequential models,
                of those without a sequence: ``"raise"`` an error that names them, or ``"skip"``
                them: one warning names them, and ``None`` stands in their place.

        Raises:
            DataError: If a user cannot be answered, or an argument is of another kind.
        """
        check_count(DataError, top_k=top_k)
        users = texts_of("users", users, self._data.corpus.user_tokens[1])
        ids = self._answerable(self._tokens.ids("user", users, unknown), users, unknown)
        known = np.flatnonzero(ids > 0)
        if not len(known):
            return [None] * len(ids)
        own = ids[known]
        ranked = self.ranked(own, top_k)
        outputs = self.model.explain(ranked.pairs)
        found = self.showcases(ranked.pairs, outputs, ranked.ranks, ranked.scores)
        answers: list[list[Showcase] | None] = [None] * len(ids)
        for b, number in enumerate(known):
            answers[number] = [found[n] for n in np.flatnonzero(ranked.place == b)]
        return answers

    @overload
    def explain(self, users: Sequence[str], items: Sequence[str]) -> list[Showcase]: ...
    @overload
    def explain(
        self, users: Sequence[str], items: Sequence[str], *, unknown: Unknown
    ) -> list[Showcase | None]: ...

    def explain(
        self, users: Sequence[str], items: Sequence[str], *, unknown: Unknown = "raise"
    ) -> Any:
        """Showcases of given (user, item) pairs.

        Args:
            users: Tokens of users (N).
            items: Tokens of items (N).
            unknown: What becomes of pairs whose user or item the data set has not; see
                :meth:`recommend`.

        Raises:
            DataError: If a user or an item is not known, or the lengths differ.
        """
        own = self._tokens.ids("user", users, unknown)
        ids = self._tokens.ids("item", items, unknown)
        if len(own) != len(ids):
            raise DataError(f"{len(own)} users and {len(ids)} items are not pairs")
        known = np.flatnonzero((own > 0) & (ids > 0))
        answers: list[Showcase | None] = [None] * len(ids)
        pairs = Pairs.of_ids(own[known], ids[known])
        found = self.showcases(pairs, self.model.explain(pairs)) if len(known) else []
        for number, shown in zip(known, found, strict=True):
            answers[number] = shown
        return answers

    def explain_profile(
        self,
        reviews: Sequence[str] = (),
        photos: Sequence[GivenPhoto] = (),
        items: Sequence[str] | None = None,
        *,
        top_k: int = 5,
    ) -> list[Showcase]:
        """Showcases for somebody who is in no file, by what they say and show of their taste.

        Reviews and photos are encoded as those of the data set were, and stand for the past that
        photos are chosen and texts are written by. The recommender knows nothing of such a user:
        its user vector is zero and an explainer's id is the one of nobody in particular, as of
        users without a training row, so items are given, or are those that most have visited.

        Args:
            reviews: What they wrote, or would, the latest first; blank ones are left out. Of more
                than ``showcase_max_history_reviews`` the first count.
            photos: What they photographed, the latest first: files, what is in files, or images
                that Pillow has opened. Of more than ``showcase_max_history_photos`` the first
                count.
            items: Tokens of items to explain; by default those with the most training rows.
            top_k: How many of these.

        Returns:
            A showcase an item, of the user ``""``; ranked where no items are given.

        Raises:
            DataError: An item is not known, a photo cannot be decoded, or an argument is of another
                kind.
            FeatureStoreError: The encoder that made the features cannot be loaded.
        """
        check_count(DataError, top_k=top_k)
        newcomer = self.newcomer(reviews, photos)
        ids = (
            self.popular_items(top_k) if items is None else self._tokens.ids("item", items, "raise")
        )
        pairs = Pairs.of_ids(np.zeros_like(ids), ids)
        found = self.model.explain(pairs, newcomer=newcomer)
        ranks = np.arange(1, len(ids) + 1) if items is None else None
        return self.showcases(pairs, found, ranks)

    def newcomer(self, reviews: Sequence[str] = (), photos: Sequence[GivenPhoto] = ()) -> Newcomer:
        """Somebody's taste as features; see :meth:`explain_profile`, and ``model.explain``."""
        texts = [text for text in texts_of("reviews", reviews) if text.strip()]
        texts = texts[: self._data.settings.max_history_reviews]
        photos = photos[: self._data.settings.max_history_photos]
        return self.newcomers.newcomer(texts, self.newcomers.pixels(photos))

    def popular_items(self, top_k: int) -> np.ndarray:
        """Internal ids (<= top_k,) of the items with the most training rows."""
        corpus = self._data.corpus
        return popular_items(corpus.interactions, len(corpus.item_tokens), top_k)

    @overload
    def user_showcases(
        self, users: Sequence[str] | None = None, top_k: int = 5, n_users: int = 8
    ) -> list[UserShowcase]: ...
    @overload
    def user_showcases(
        self,
        users: Sequence[str] | None = None,
        top_k: int = 5,
        n_users: int = 8,
        *,
        unknown: Unknown,
    ) -> list[UserShowcase | None]: ...

    def user_showcases(
        self,
        users: Sequence[str] | None = None,
        top_k: int = 5,
        n_users: int = 8,
        *,
        unknown: Unknown = "raise",
    ) -> Any:
        """Pages of users: their past, their recommendations, and their test pairs.

        Args:
            users: Tokens of users; by default a sample of those whose test reviews have photos.
            top_k: The number of recommendations.
            n_users: The size of the sample.
            unknown: What becomes of users that the data set has not; see :meth:`recommend`.

        Raises:
            DataError: If a user is not known.
        """
        check_count(DataError, n_users=n_users)
        known = self._data.corpus.user_tokens
        users = self._sample_users(n_users) if users is None else texts_of("users", users, known[1])
        recommended = self.recommend(users, top_k, unknown=unknown)
        places = self.find("user", list(users))
        return [
            None
            if best is None
            else UserShowcase(user, self.history(number), tuple(best), self._held_out(number))
            for user, number, best in zip(users, places, recommended, strict=True)
        ]

    def _sample_users(self, n_users: int) -> list[str]:
        data = self._trained.showcase.data
        inter = data.corpus.interactions
        rows = data.samples(np.flatnonzero(inter.splits == TEST))
        candidates = np.unique(inter.users[rows])
        random = np.random.default_rng(self._seed)
        chosen = random.permutation(candidates)[:n_users]
        return [str(token) for token in self._data.corpus.user_tokens[chosen]]

    def history(self, user: int) -> tuple[Review, ...]:
        """The known reviews with a text or photos of a user by internal id, newest first."""
        return self._told.history(user)

    def _held_out(self, user: int) -> tuple[Showcase, ...]:
        """The user's test pairs that have a text and photos, explained as in the test."""
        model, told = self._trained, self._told_in_training
        inter = told.data.corpus.interactions
        rows = np.flatnonzero((inter.users == user) & (inter.splits == TEST))
        rows = told.data.samples(rows)
        pairs = Pairs.of_rows(told.data.corpus, rows)
        return tuple(told.showcases(pairs, model.explain(pairs)))

    def showcases(
        self,
        pairs: Pairs,
        outputs: Explanations,
        ranks: np.ndarray | None = None,
        scores: np.ndarray | None = None,
    ) -> list[Showcase]:
        """What the model gave for pairs, for people to read; see :meth:`Presenter.showcases`."""
        return self._told.showcases(pairs, outputs, ranks, scores)

    def photo_file(self, photo: int) -> Path | None:
        """The file of a photo, by its position in the photo table; None if it is not here."""
        return self._told.photo_file(photo)

    def _answerable(self, ids: np.ndarray, users: Sequence[str], unknown: Unknown) -> np.ndarray:
        """The ids (B,) with 0 for users whom a sequential model has no sequence of."""
        lost = self.without_sequence(ids) & (ids > 0)
        if lost.any():
            names = [users[int(n)] for n in np.flatnonzero(lost)]
            kind = type(self.model).__name__
            reason = f"without a sequence of items (two or more), which {kind} recommends to"
            report_unknown("user", names, len(ids), reason, unknown)
        return np.where(lost, 0, ids)

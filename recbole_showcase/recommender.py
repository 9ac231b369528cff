"""A trained model to ask: what do you recommend to this user, and why?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_showcase.atomic import PhotoFolder, photo_folder, read_columns
from recbole_showcase.composed.ranking import top_items
from recbole_showcase.data.corpus import TEST, TRAIN
from recbole_showcase.data.pairs import Explanations, Pairs
from recbole_showcase.errors import CheckpointError, DataError
from recbole_showcase.evaluation.results import load_result
from recbole_showcase.integration.checkpoint import load_checkpoint, restored_config
from recbole_showcase.integration.entry_points import restore
from recbole_showcase.parts import import_modules
from recbole_showcase.showcase import Photo, Review, Showcase, UserShowcase


def load_explainer(
    checkpoint: str | Path,
    device: str | None = None,
    photo_folder: str | Path | None = None,
    imports: Sequence[str] = (),
    data_path: str | Path | None = None,
) -> ShowcaseRecommender:
    """Load a trained composed model with its data.

    Args:
        checkpoint: The file that training saved.
        device: Such as ``cuda:0``; by default what the checkpoint's configuration gives.
        photo_folder: Where the photos are, when not where the conversion found them.
        imports: Modules of parts and recommenders that are neither RecBole's nor this package's.
            Those of installed packages are found without; other code a checkpoint does not choose.
        data_path: The folder that holds the data set's, when it is not where training found it.

    Raises:
        SettingsError: If a module cannot be imported.
        CheckpointError: If the file is not a checkpoint of a composed model.
        DataError: If the photo folder does not exist.
    """
    import_modules(imports)
    state = load_checkpoint(checkpoint, map_location="cpu")
    config = restored_config(state, checkpoint, data_path)
    if device is not None:
        config["device"] = device
    loaded = restore(state, config)
    if not hasattr(loaded[1], "showcase"):
        raise CheckpointError(
            f"checkpoint '{checkpoint}' is of {config['model']}, which explains nothing; "
            f"train Showcase{config['model']}"
        )
    return ShowcaseRecommender(config, loaded[1], loaded[3:], load_result(checkpoint), photo_folder)


class ShowcaseRecommender:
    """Recommendations with their showcases.

    Attributes:
        model: The composed model.
        model_name: Its name.
        dataset_name: The data set's name.
        test_result: Metrics of the test split that training left beside the checkpoint, or None.
    """

    def __init__(
        self,
        config: Any,
        model: Any,
        loaders: Sequence[Any],
        test_result: dict[str, float] | None = None,
        photos: str | Path | None = None,
    ) -> None:
        """Wrap a trained model; :func:`load_explainer` does it for a checkpoint."""
        self.model = model.eval()
        self.model_name: str = config["model"]
        self.dataset_name: str = config["dataset"]
        self.test_result = test_result
        self._loaders = loaders
        self._data = model.showcase.data
        self._seed = config["seed"]
        folder = Path(config["data_path"])
        self._photo_folder = PhotoFolder(photos) if photos else _photo_folder_or_none(folder)
        self._names, self._categories = self._describe_items(folder, config)

    @property
    def users(self) -> list[str]:
        """Tokens of all users."""
        return list(self._data.corpus.user_tokens[1:])

    def recommend(self, users: Sequence[str], top_k: int) -> list[list[Showcase]]:
        """The best new items of users, each with its showcase.

        Args:
            users: Tokens of users.
            top_k: The number of items for each.

        Raises:
            DataError: If a user is not known, or an argument is of another kind.
        """
        _check_count("top_k", top_k)
        ids = self._user_ids(users)
        if not len(ids):
            return []
        items, scores = top_items(self.model, self._loaders, ids, top_k)
        place, rank = np.nonzero(np.isfinite(scores))
        pairs = Pairs.of_ids(ids[place], items[place, rank])
        found = self._showcases(pairs, rank + 1, scores[place, rank])
        return [[found[n] for n in np.flatnonzero(place == b)] for b in range(len(users))]

    def explain(self, users: Sequence[str], items: Sequence[str]) -> list[Showcase]:
        """Showcases of given (user, item) pairs.

        Raises:
            DataError: If a user or an item is not known, or the lengths differ.
        """
        ids = _ids("item", self._data.corpus.item_tokens, items)
        own = self._user_ids(users)
        if len(users) != len(items):
            raise DataError(f"{len(users)} users and {len(items)} items are not pairs")
        return self._showcases(Pairs.of_ids(own, ids))

    def user_showcases(
        self, users: Sequence[str] | None = None, top_k: int = 5, n_users: int = 8
    ) -> list[UserShowcase]:
        """Pages of users: their past, their recommendations, and their test pairs.

        Args:
            users: Tokens of users; by default a sample of those whose test reviews have photos.
            top_k: The number of recommendations.
            n_users: The size of the sample.

        Raises:
            DataError: If a user is not known.
        """
        _check_count("n_users", n_users)
        users = self._sample_users(n_users) if users is None else users
        recommended = self.recommend(users, top_k)
        return [
            UserShowcase(user, self._history(number), tuple(best), self._held_out(number))
            for user, number, best in zip(users, self._user_ids(users), recommended, strict=True)
        ]

    def _sample_users(self, n_users: int) -> list[str]:
        inter = self._data.corpus.interactions
        rows = self._data.samples(np.flatnonzero(inter.splits == TEST))
        candidates = np.unique(inter.users[rows])
        random = np.random.default_rng(self._seed)
        chosen = random.permutation(candidates)[:n_users]
        return [str(token) for token in self._data.corpus.user_tokens[chosen]]

    def _history(self, user: int) -> tuple[Review, ...]:
        """The user's training reviews with a text or photos, newest first."""
        inter = self._data.corpus.interactions
        rows = np.flatnonzero((inter.users == user) & (inter.splits == TRAIN))
        rows = rows[np.argsort(-inter.times[rows], kind="stable")]
        reviews = (self._review(row) for row in rows)
        return tuple(review for review in reviews if review.text or review.photos)

    def _held_out(self, user: int) -> tuple[Showcase, ...]:
        """The user's test pairs that have a text and photos, explained as in the test."""
        inter = self._data.corpus.interactions
        rows = np.flatnonzero((inter.users == user) & (inter.splits == TEST))
        rows = self._data.samples(rows)
        return tuple(self._showcases(Pairs.of_rows(self._data.corpus, rows)))

    def _showcases(
        self, pairs: Pairs, ranks: np.ndarray | None = None, scores: np.ndarray | None = None
    ) -> list[Showcase]:
        outputs: Explanations = self.model.explain(pairs)
        corpus = self._data.corpus
        return [
            Showcase(
                user=str(corpus.user_tokens[pairs.users[n]]),
                item=str(corpus.item_tokens[pairs.items[n]]),
                item_name=self._names[pairs.items[n]],
                category=self._categories[pairs.items[n]],
                rank=None if ranks is None else int(ranks[n]),
                score=None if scores is None else float(scores[n]),
                photos=tuple(
                    self._photo(photo, float(relevance))
                    for photo, relevance in zip(
                        outputs.photos[n], outputs.relevance[n], strict=True
                    )
                    if photo >= 0
                ),
                text=outputs.texts[n],
                review=self._review(pairs.rows[n]) if pairs.rows[n] else None,
            )
            for n in range(len(pairs))
        ]

    def _photo(self, photo: int, relevance: float | None = None) -> Photo:
        table = self._data.photos
        path = None
        if self._photo_folder is not None and table.paths[photo]:
            file = self._photo_folder.resolve(table.paths[photo])
            path = file if file.is_file() else None
        return Photo(str(table.tokens[photo]), path, relevance)

    def _review(self, row: np.integer) -> Review:
        corpus = self._data.corpus
        inter = corpus.interactions
        photos = self._data.photos.of_row
        own = photos.values[photos.offsets[row] : photos.offsets[row + 1]]
        return Review(
            id=str(inter.reviews[row]),
            item=str(corpus.item_tokens[inter.items[row]]),
            item_name=self._names[inter.items[row]],
            rating=_known(inter.ratings[row]),
            time=_known(inter.times[row]),
            text=str(corpus.texts[row]),
            photos=tuple(self._photo(photo) for photo in own),
        )

    def _describe_items(self, folder: Path, config: Any) -> tuple[list[str], list[str]]:
        """Names and categories by internal item id, from ``.item`` where there is one.

        It is RecBole's file, and read by its settings; other columns do not matter.
        """
        tokens = self._data.corpus.item_tokens
        names, categories = [str(token) for token in tokens], [""] * len(tokens)
        path = folder / f"{self.dataset_name}.item"
        if not path.is_file():
            return names, categories
        item_field, words = config["ITEM_ID_FIELD"], config["seq_separator"]
        wanted = (item_field, "name", "category")
        table = read_columns(path, wanted, config["field_separator"], config["encoding"])
        if item_field not in table:
            return names, categories
        place = pd.Index(tokens).get_indexer(table[item_field])
        for column, target, between in (("name", names, " "), ("category", categories, ", ")):
            for number, value in zip(place, table.get(column, []), strict=False):
                if number > 0 and value:
                    target[number] = value.replace(words, between)
        return names, [category.replace("_", " ") for category in categories]

    def _user_ids(self, users: Sequence[str]) -> np.ndarray:
        return _ids("user", self._data.corpus.user_tokens, users)


def _ids(kind: str, known: np.ndarray, tokens: Sequence[str]) -> np.ndarray:
    """Internal ids of tokens.

    Raises:
        DataError: If the tokens are no list of text, or one is unknown, with the nearest known one.
    """
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Iterable):
        raise DataError(
            f"{kind}s are {tokens!r}; allowed: a list of {kind}s, such as ['{known[1]}']"
        )
    others = [token for token in tokens if not isinstance(token, str)]
    if others:
        raise DataError(f"{kind} {others[0]!r} is no text; allowed: such as '{known[1]}'")
    ids = pd.Index(known).get_indexer(pd.Index(list(tokens), dtype=object))
    for token, number in zip(tokens, ids, strict=True):
        if number <= 0:
            near = get_close_matches(token, list(known[1:]), n=1, cutoff=0)
            hint = f"; the nearest known one is '{near[0]}'" if near else ""
            raise DataError(f"{kind} '{token}' is not in the data set{hint}")
    return ids.astype(np.int64)


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise DataError(f"{name} is {value!r}; allowed: a whole number, 1 or more")


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _photo_folder_or_none(folder: Path) -> PhotoFolder | None:
    """The photos of a data set, or None: explanations are useful without the files too."""
    try:
        return photo_folder(folder)
    except DataError:
        return None

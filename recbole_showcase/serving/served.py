"""A checkpoint as it is served: which one it is, and what can be looked up in its data."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recbole_showcase.atomic import as_arrow
from recbole_showcase.encoders.store import digest_of_file
from recbole_showcase.errors import CheckpointError, FeatureStoreError, one_line
from recbole_showcase.explainers.quoting import Quoting
from recbole_showcase.gallery import encode_photo
from recbole_showcase.offline.fingerprints import data_record, fingerprint
from recbole_showcase.recommender import ShowcaseRecommender, load_explainer
from recbole_showcase.serving.schemas import ItemOut
from recbole_showcase.serving.tokens import TokenPlaces

PHOTO_SIDES = (128, 256, 512)  # sizes that photos are sent in, longest side in pixels
_KEPT_PHOTOS = 512
_UNHEADED = re.compile(r"[^ -~]")  # what a header cannot hold
LOG = logging.getLogger("uvicorn.error")  # the server's own, which has a handler


class Served:
    """A trained model with its data, and who it is.

    What is looked up here is only read, and may be from several threads at once; the model itself
    is for the one thread that works with it.

    Attributes:
        recommender: The trained model.
        digest: Of the checkpoint's file.
        model: Its name and digest, as ``explain`` writes it.
        data: The data set's name and fingerprint, as ``explain`` writes it.
        users: Tokens of users.
        takes_profiles: Whether people who are in no file can be answered.
        quoting: The model as it quotes others where its own text is late or fails; None if it
            quotes anyhow, or sentences have no features.
    """

    def __init__(self, recommender: ShowcaseRecommender, digest: str) -> None:
        """Prepare the look-ups.

        Args:
            recommender: The trained model.
            digest: Of the checkpoint's file.
        """
        self.recommender, self.digest = recommender, digest
        self.model = f"{recommender.model_name} {digest}"
        self.data = fingerprint(recommender.dataset_name, data_record(recommender))
        self._table = recommender.model.showcase.data
        corpus, photos = self._table.corpus, self._table.photos
        self.users = as_arrow(corpus.user_tokens[1:])
        self._items = as_arrow(corpus.item_tokens[1:])
        self._names = as_arrow(np.array(recommender.item_names[1:], dtype=object))
        self._photos = TokenPlaces(photos.tokens)
        self.jpeg = lru_cache(_KEPT_PHOTOS)(self._jpeg)
        for kind in ("user", "item"):  # pandas builds its index now, rather than in two threads
            recommender.find(kind, [""])
        self.takes_profiles = self._takes_profiles()
        self.quoting = self._quoting()

    @classmethod
    def load(cls, checkpoint: Path, **how: Any) -> Served:
        """Load a checkpoint, the very file whose digest it then has.

        Args:
            checkpoint: The file that training saved.
            how: As :func:`load_explainer` takes it.

        Raises:
            CheckpointError: As in :func:`load_explainer`, or the file was written meanwhile.
            DataError: As in :func:`load_explainer`.
        """
        digest = digest_of_file(checkpoint)
        recommender = load_explainer(checkpoint, **how)
        if digest_of_file(checkpoint) != digest:
            raise CheckpointError(f"checkpoint '{checkpoint}' was written while it was read")
        return cls(recommender, digest)

    def refreshed(self) -> Served:
        """The same model with what the data set's files hold now, as much of it known as before.

        Raises:
            DataError: As in :meth:`ShowcaseRecommender.refresh`.
            FeatureStoreError: As there.
        """
        return Served(self.recommender.refreshed(self.recommender.known), self.digest)

    @property
    def account(self) -> Path:
        """The file that is looked at to tell that the data has moved on: what the features say.

        It is written last, when all that is in the other files can be served.
        """
        return self._table.photos.features.store.folder / "meta.json"

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many users, items and photos there are."""
        return len(self.users), len(self._items), len(self._table.photos.tokens)

    @property
    def headers(self) -> dict[str, str]:
        """Which model and data it is, as headers may hold it."""
        names = {"x-showcase-model": self.model, "x-showcase-data": self.data}
        return {key: _UNHEADED.sub("?", text) for key, text in names.items()}

    def user(self, token: str) -> int:
        """Internal id of a user, 0 if there is none."""
        return int(self.recommender.find("user", [token])[0])

    def item(self, token: str) -> int:
        """Internal id of an item, 0 if there is none."""
        return int(self.recommender.find("item", [token])[0])

    def find_users(self, search: str, offset: int, limit: int) -> tuple[int, list[str]]:
        """How many users have a text in their id, whatever its case, and a page of them."""
        places = _places(search, self.users)
        return len(places), self.users.take(places[offset : offset + limit]).to_pylist()

    def find_items(self, search: str, offset: int, limit: int) -> tuple[int, list[ItemOut]]:
        """How many items have a text in their id or name, and a page of them."""
        places = _places(search, self._items, self._names)
        page = places[offset : offset + limit].to_pylist()
        return len(places), [self.item_out(place + 1) for place in page]

    def item_out(self, item: int) -> ItemOut:
        """What an item, by internal id, is called."""
        return ItemOut(
            id=str(self._table.corpus.item_tokens[item]),
            name=self.recommender.item_names[item],
            category=self.recommender.item_categories[item],
        )

    def photos_of(self, item: int) -> np.ndarray:
        """Positions of the photos of an item by internal id, the first posted first."""
        listed = self._table.photos.of_item
        found: np.ndarray = listed.values[listed.offsets[item] : listed.offsets[item + 1]]
        return found

    def photo_tokens(self, positions: np.ndarray) -> list[str]:
        """Tokens of photos by position."""
        tokens: list[str] = self._table.photos.tokens[positions].tolist()
        return tokens

    def positions(self, item: int, photos: Sequence[str]) -> np.ndarray | str:
        """Positions of an item's photos, or the token of one that the item has not."""
        found = [self._photos.find(photo) for photo in photos]
        for photo, position in zip(photos, found, strict=True):
            if position < 0 or self._table.photos.items[position] != item:
                return photo
        return np.array(found, dtype=np.int64)

    def _takes_profiles(self) -> bool:
        """Load the encoder now rather than at the first request; say it if it is not here."""
        try:
            self.recommender.newcomers.load()
        except FeatureStoreError as error:
            LOG.warning("who is in no file is not answered: %s", one_line(str(error)))
            return False
        return True

    def _quoting(self) -> Any:
        """The model that quotes, with its sentences opened now; say it if there are none."""
        if isinstance(self.recommender.model.showcase.explainer, Quoting):
            return None
        try:
            return self.recommender.model.quoting()
        except FeatureStoreError as error:
            LOG.warning(
                "texts that are late or fail have no quotes in their place: %s",
                one_line(str(error)),
            )
            return None

    def _jpeg(self, photo: str, side: int) -> bytes | None:
        """A photo encoded anew, with nothing of its file; None if there is none to be shown.

        An id is looked up, and never part of a path. Where the file lies the data set says, and
        the photo folder keeps what it says inside.
        """
        position = self._photos.find(photo)
        path = None if position < 0 else self.recommender.photo_file(position)
        return None if path is None else encode_photo(path, side)


def _places(search: str, *columns: pa.Array) -> pa.Array:
    """Places of the rows in which one of the columns has a text."""
    if not search:
        return pa.array(np.arange(len(columns[0])))
    found = None
    for column in columns:
        has = pc.match_substring(column, search, ignore_case=True)
        found = has if found is None else pc.or_(found, has)
    return pc.indices_nonzero(found)

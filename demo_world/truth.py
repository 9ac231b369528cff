"""What is true in a world, for tests, benchmarks and labelled pairs; no model reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from demo_world.catalogue import AMBIENCES, DISHES, Dish
from recbole_showcase.atomic import read_atomic
from recbole_showcase.errors import DataError
from recbole_showcase.text.sentences import split_sentences

if TYPE_CHECKING:
    import pandas as pd

_ROOM_PHRASES = {ambience.name: ambience.phrases for ambience in AMBIENCES}


def dish_forms(dishes: Iterable[Dish] = DISHES) -> dict[str, str]:
    """Return what may stand in a text, in lower case, and the dish it names.

    Every name and other name counts in the singular and in the plural.
    """
    forms: dict[str, str] = {}
    for dish in dishes:
        for name in (dish.name, *dish.also):
            forms[name] = dish.name
            other = name[:-1] if name.endswith("s") and dish.plural else name + "s"
            forms.setdefault(other, dish.name)
    return forms


class DishFinder:
    """Finds dishes in texts; of overlapping names the longest one at its place counts.

    Args:
        forms: Name as it may stand in a text, and the dish it names.
    """

    def __init__(self, forms: Mapping[str, str]) -> None:
        self._forms = {form.lower(): dish for form, dish in forms.items()}
        longest_first = sorted(self._forms, key=len, reverse=True)
        words = (r"[\s-]+".join(map(re.escape, form.split())) for form in longest_first)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)

    def find(self, text: str) -> set[str]:
        """Return the names of the dishes that a text names."""
        found = (match.group().lower() for match in self._pattern.finditer(text))
        return {self._forms[re.sub(r"[\s-]+", " ", form)] for form in found}


def describes(sentence: str, subject: str, finder: DishFinder) -> bool:
    """Whether a sentence names what a photo shows.

    Args:
        sentence: One sentence.
        subject: Name of a dish or of an ambience.
        finder: Finds the dishes that texts name.
    """
    if subject in _ROOM_PHRASES:
        return any(phrase in sentence.lower() for phrase in _ROOM_PHRASES[subject])
    return subject in finder.find(sentence)


@dataclass(frozen=True)
class Label:
    """What a photo shows.

    Attributes:
        kind: ``dish`` or ``ambience``.
        name: Which one.
    """

    kind: str
    name: str


class WorldTruth:
    """The truth of one drawing.

    Args:
        labels: image_id and what it shows.
        finder: Finds the dishes that texts name.
        menus: item_id and the dishes served there.
        tastes: user_id, kind (cuisine, dish, ambience), name, share.
        named_dishes: review_id and the dishes its text names.
    """

    def __init__(
        self,
        labels: dict[str, Label],
        finder: DishFinder,
        menus: dict[str, set[str]],
        tastes: pd.DataFrame,
        named_dishes: dict[str, set[str]],
    ) -> None:
        self._labels = labels
        self._finder = finder
        self.menus = menus
        self.tastes = tastes
        self.named_dishes = named_dishes

    @classmethod
    def load(cls, dataset_dir: str | Path) -> WorldTruth:
        """Read the truth of ``DATA/NAME`` from ``DATA/NAME/NAME.truth``.

        Raises:
            DataError: If the data set is not a drawing of the world.
        """
        import pandas as pd

        dataset_dir = Path(dataset_dir)
        folder = dataset_dir / f"{dataset_dir.resolve().name}.truth"
        if not folder.is_dir():
            raise DataError(f"{dataset_dir} has no truth: there is no folder {folder}")

        def table(name: str) -> pd.DataFrame:
            return pd.read_csv(folder / f"{name}.tsv", sep="\t", keep_default_na=False)

        photos = table("photos")
        labels = map(Label, photos["kind"], photos["label"])
        forms = json.loads((folder / "dish_forms.json").read_text(encoding="utf-8"))
        return cls(
            labels=dict(zip(photos["image_id"], labels, strict=True)),
            finder=DishFinder(forms),
            menus=_sets(table("menus"), "item_id"),
            tastes=table("tastes"),
            named_dishes=_sets(table("named_dishes"), "review_id"),
        )

    def label_of(self, image_ids: Iterable[str]) -> list[Label]:
        """Return what photos show.

        Raises:
            DataError: If a photo is not of this world.
        """
        ids = list(image_ids)
        unknown = [image for image in ids if image not in self._labels]
        if unknown:
            raise DataError(f"no photo {unknown[0]!r} in this world ({len(unknown)} unknown)")
        return [self._labels[image] for image in ids]

    def dishes_named_in(self, text: str) -> set[str]:
        """Return the dishes that a text names, under any of their names."""
        return self._finder.find(text)

    def describes(self, sentence: str, label: Label) -> bool:
        """Return whether a sentence names what a photo shows: its dish, or its kind of room."""
        return describes(sentence, label.name, self._finder)

    def names_a_shown_dish(self, text: str, image_ids: Iterable[str]) -> bool:
        """Return whether a text names a dish that one of these photos shows."""
        shown = {label.name for label in self.label_of(image_ids) if label.kind == "dish"}
        return bool(shown & self.dishes_named_in(text))


def _sets(frame: pd.DataFrame, key: str) -> dict[str, set[str]]:
    return {str(name): set(group) for name, group in frame.groupby(key)["dish"]}


def label_pairs(dataset_dir: Path, seed: int = 0) -> pd.DataFrame:
    """Label the sentences of every review with its own photos, and with another review's.

    The reviews with text and photos are put together two by two at random. Every sentence of
    the two is paired with every photo of the two, and labelled 1 if it names what the photo
    shows. So most negatives are the other sentences of the same review, or those of another
    one, and no review is used by more than one partner.

    Args:
        dataset_dir: ``DATA/NAME``, a drawing of the world.
        seed: Seed of who is put together.

    Returns:
        review_id, sentence, image_id, label (0 or 1); one row a pair.

    Raises:
        DataError: The data set is no drawing of the world.
    """
    import pandas as pd

    truth = WorldTruth.load(dataset_dir)
    stem = dataset_dir / dataset_dir.resolve().name
    review = read_atomic(f"{stem}.review", ["review_id", "text"])
    image = read_atomic(f"{stem}.image", ["image_id", "review_id"])
    texts = dict(zip(review["review_id"], review["text"], strict=True))
    labels = dict(zip(image["image_id"], truth.label_of(image["image_id"]), strict=True))
    photos = {str(name): list(ids) for name, ids in image.groupby("review_id")["image_id"]}
    shown = sorted(name for name in photos if texts.get(name))
    order = np.random.default_rng(seed).permutation(len(shown))
    rows = []
    for start in range(0, len(order), 2):
        both = [shown[k] for k in order[start : start + 2]]
        beside = [photo for name in both for photo in photos[name]]
        for name in both:
            for sentence in split_sentences([texts[name]])[0]:
                rows += [
                    (name, sentence, photo, float(truth.describes(sentence, labels[photo])))
                    for photo in beside
                ]
    return pd.DataFrame(rows, columns=["review_id", "sentence", "image_id", "label"])

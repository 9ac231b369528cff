"""What is true in a world, for tests and benchmarks; no model reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demo_world.naming import DishFinder
from recbole_showcase.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


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

    def names_a_shown_dish(self, text: str, image_ids: Iterable[str]) -> bool:
        """Return whether a text names a dish that one of these photos shows."""
        shown = {label.name for label in self.label_of(image_ids) if label.kind == "dish"}
        return bool(shown & self.dishes_named_in(text))


def _sets(frame: pd.DataFrame, key: str) -> dict[str, set[str]]:
    return {str(name): set(group) for name, group in frame.groupby(key)["dish"]}

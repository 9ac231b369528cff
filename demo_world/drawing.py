"""Draw a world: what its files will say, and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demo_world.catalogue import AMBIENCE_NAMES, AMBIENCES, CUISINES, DISH_NAMES
from demo_world.generic import with_generic
from demo_world.grammar import Text, draw_style, write_review
from demo_world.listing import list_restaurants
from demo_world.population import (
    Restaurants,
    Tastes,
    Visits,
    draw_restaurants,
    draw_tastes,
    draw_visits,
)
from demo_world.settings import WorldSettings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class World:
    """One drawing.

    Attributes:
        settings: What it was drawn from.
        inter: Rows of ``.inter``, by time.
        item: Rows of ``.item``.
        review: Rows of ``.review``: the reviews with text.
        image: Rows of ``.image``.
        photo_truth: image_id, kind (dish or ambience), label.
        review_truth: review_id, dish: one row a dish that a review names.
        menu_truth: item_id, dish: one row a dish that a restaurant serves.
        taste_truth: user_id, kind (cuisine, dish or ambience), name, share: shares above 0.01.
        place_truth: item_id, cuisine, ambience.
        photo_place: (P,) ambience index of the room in which each photo was taken.
        photo_camera: (P, 4) how its photographer photographs.
    """

    settings: WorldSettings
    inter: pd.DataFrame
    item: pd.DataFrame
    review: pd.DataFrame
    image: pd.DataFrame
    photo_truth: pd.DataFrame
    review_truth: pd.DataFrame
    menu_truth: pd.DataFrame
    taste_truth: pd.DataFrame
    place_truth: pd.DataFrame
    photo_place: np.ndarray
    photo_camera: np.ndarray


def _ids(prefix: str, n: int) -> list[str]:
    width = len(str(n))
    return [f"{prefix}{k:0{width}d}" for k in range(1, n + 1)]


def draw_world(settings: WorldSettings) -> World:
    """Draw the world that belongs to these settings.

    Photos are painted only when the world is written.
    """
    people, words, listing = (
        np.random.default_rng(s) for s in np.random.SeedSequence(settings.seed).spawn(3)
    )
    places = draw_restaurants(people, settings)
    tastes = draw_tastes(people, settings)
    visits = draw_visits(people, settings, tastes, places)
    users = _ids("u", settings.n_users)
    items = _ids("i", settings.n_items)
    reviews = _ids("r", len(visits.user))
    inter = _inter(visits, users, items, reviews)
    texts = _texts(words, settings, places, visits)
    image, photo_truth, visit = _photos(visits, items, reviews)
    review, review_truth = _reviews(texts, visits, reviews)
    return World(
        settings=settings,
        inter=inter,
        item=list_restaurants(listing, places, items),
        review=review,
        image=image,
        photo_truth=photo_truth,
        review_truth=review_truth,
        menu_truth=_menu_truth(places, items),
        taste_truth=_taste_truth(tastes, users),
        place_truth=_place_truth(places, items),
        photo_place=places.ambience[visits.item[visit]],
        photo_camera=tastes.camera[visits.user[visit]],
    )


def _inter(visits: Visits, users: list[str], items: list[str], reviews: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "user_id": np.array(users)[visits.user],
            "item_id": np.array(items)[visits.item],
            "rating": visits.rating.astype(float),
            "timestamp": visits.time.astype(float),
            "review_id": reviews,
        }
    )


def _texts(
    rng: np.random.Generator, settings: WorldSettings, places: Restaurants, visits: Visits
) -> list[Text | None]:
    """Write the reviews that have text."""
    styles = [draw_style(rng) for _ in range(settings.n_users)]
    ambience = places.ambience[visits.item]
    texts = [
        write_review(
            rng,
            styles[visits.user[k]],
            int(visits.rating[k]),
            [d for d in visits.ordered[k].tolist() if d >= 0],
            int(ambience[k]),
            [d for d in visits.shown[k].tolist() if d >= 0],
        )
        if visits.has_text[k]
        else None
        for k in range(len(visits.user))
    ]
    return with_generic(settings, texts, [styles[u] for u in visits.user], visits.rating.tolist())


def _reviews(
    texts: list[Text | None], visits: Visits, reviews: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    written = [(review, text) for review, text in zip(reviews, texts, strict=True) if text]
    rows = [(review, text.text, text.explanation) for review, text in written]
    named = [(review, dish) for review, text in written for dish in text.dishes]
    return (
        pd.DataFrame(rows, columns=["review_id", "text", "explanation"]),
        pd.DataFrame(named, columns=["review_id", "dish"]),
    )


def _photos(
    visits: Visits, items: list[str], reviews: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Return the rows of ``.image``, what they show, and the visit of each."""
    import pandas as pd

    visit, slot = np.nonzero(visits.shown >= 0)
    ids = _ids("p", len(visit))
    shown = visits.shown[visit, slot]
    image = pd.DataFrame(
        {
            "image_id": ids,
            "item_id": np.array(items)[visits.item[visit]],
            "review_id": np.array(reviews)[visit],
            "path": [f"{name}.jpg" for name in ids],
        }
    )
    truth = pd.DataFrame(
        {
            "image_id": ids,
            "kind": np.where(shown < len(DISH_NAMES), "dish", "ambience"),
            "label": np.array(DISH_NAMES + AMBIENCE_NAMES)[shown],
        }
    )
    return image, truth, visit


def _menu_truth(places: Restaurants, items: list[str]) -> pd.DataFrame:
    import pandas as pd

    item, dish = np.nonzero(places.menu > 0)
    return pd.DataFrame({"item_id": np.array(items)[item], "dish": np.array(DISH_NAMES)[dish]})


def _taste_truth(tastes: Tastes, users: list[str]) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for kind, names, shares in (
        ("cuisine", tuple(CUISINES), tastes.cuisine),
        ("dish", DISH_NAMES, tastes.dish),
        ("ambience", AMBIENCE_NAMES, tastes.ambience),
    ):
        user, column = np.nonzero(shares > 0.01)
        frames.append(
            pd.DataFrame(
                {
                    "user_id": np.array(users)[user],
                    "kind": kind,
                    "name": np.array(names)[column],
                    "share": np.round(shares[user, column], 4),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _place_truth(places: Restaurants, items: list[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "item_id": items,
            "cuisine": np.array(list(CUISINES))[places.cuisine],
            "ambience": [AMBIENCES[a].name for a in places.ambience],
        }
    )

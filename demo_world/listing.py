"""How restaurants are listed: names, categories, places on the map, prices, stars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demo_world.catalogue import CUISINES
from demo_world.population import Restaurants

if TYPE_CHECKING:
    import pandas as pd

_FIRST = (
    "Golden", "Little", "Old Town", "Blue", "Sunny", "Copper", "Silver", "Happy", "Lucky", "Red",
    "Green", "Wild", "Royal", "Corner", "Lazy", "Twin", "Hidden", "Quiet", "Grand", "Salty",
)  # fmt: skip
_SECOND = {
    "Vietnamese": ("Lotus", "Saigon", "Bamboo", "Mekong", "Basil"),
    "Chinese": ("Dragon", "Wok", "Lantern", "Panda", "Jade"),
    "Japanese": ("Crane", "Sakura", "Koi", "Maple", "Wave"),
    "Italian": ("Olive", "Roma", "Vesuvio", "Nonna", "Piazza"),
    "American": ("Skillet", "Eagle", "Route", "Barn", "Maverick"),
    "Mexican": ("Cactus", "Agave", "Coyote", "Fiesta", "Sombrero"),
    "Indian": ("Saffron", "Peacock", "Tandoor", "Monsoon", "Mango"),
    "Cafe": ("Kettle", "Robin", "Spoon", "Daisy", "Bean"),
}
_THIRD = {
    "Vietnamese": ("Noodle House", "Kitchen", "Pho Bar"),
    "Chinese": ("Garden", "Kitchen", "Noodle House"),
    "Japanese": ("Sushi", "Izakaya", "Ramen Bar"),
    "Italian": ("Trattoria", "Pizzeria", "Ristorante"),
    "American": ("Grill", "Diner", "Burger Bar"),
    "Mexican": ("Cantina", "Taqueria", "Grill"),
    "Indian": ("Palace", "Curry House", "Kitchen"),
    "Cafe": ("Cafe", "Bakery", "Brunch House"),
}


def _names(rng: np.random.Generator, cuisine: str, n: int) -> list[str]:
    """Return n names of one cuisine, no two alike while there are enough."""
    all_names = [
        f"{first} {second} {third}"
        for first in _FIRST
        for second in _SECOND[cuisine]
        for third in _THIRD[cuisine]
    ]
    return [all_names[i % len(all_names)] for i in rng.permutation(max(n, len(all_names)))[:n]]


def list_restaurants(
    rng: np.random.Generator, places: Restaurants, item_ids: list[str]
) -> pd.DataFrame:
    """Return the rows of ``.item``.

    Stars and the number of reviews are the listing's, from what a restaurant is like. They
    are not counted from the drawn reviews, so they tell nothing about held-out ones.
    """
    import pandas as pd

    n = len(item_ids)
    cuisines = np.array(list(CUISINES))[places.cuisine]
    names = np.empty(n, dtype=object)
    for cuisine in CUISINES:
        rows = np.flatnonzero(cuisines == cuisine)
        names[rows] = _names(rng, cuisine, len(rows))
    kind = {name: f"{name} restaurant" for name in CUISINES} | {"Cafe": "Cafe"}
    return pd.DataFrame(
        {
            "item_id": item_ids,
            "name": names,
            "category": [[kind[cuisine]] for cuisine in cuisines],
            "latitude": np.round(rng.normal(44.48, 0.03, n), 5),
            "longitude": np.round(rng.normal(-73.21, 0.04, n), 5),
            "price": rng.choice([1.0, 2.0, 3.0, 4.0], n, p=[0.3, 0.45, 0.2, 0.05]),
            "avg_rating": np.round(np.clip(4.2 + 0.8 * places.quality, 1, 5), 1),
            "num_reviews": np.round(np.exp(5 + places.popularity + rng.normal(0, 0.3, n))),
        }
    )

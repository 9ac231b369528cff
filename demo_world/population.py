"""Who lives in the world and what they do: tastes, menus, visits, orders, photos, ratings.

Everything is drawn as arrays, for all users and visits at once. Choices without
replacement add Gumbel noise to log weights and take the largest, which samples as
one draw after the other would.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo_world.catalogue import AMBIENCES, CUISINES, DISH_NAMES
from demo_world.settings import WorldSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_FIRST_DAY, _LAST_DAY = 1_546_300_800, 1_640_995_200  # 2019-01-01 to 2022-01-01
_NO_DISH = -1


@dataclass(frozen=True)
class Restaurants:
    """The items.

    Attributes:
        cuisine: (I,) index into ``CUISINES``.
        menu: (I, D) share of a dish on the menu, rows sum to one; 0 = not served.
        ambience: (I,) index into ``AMBIENCES``.
        popularity: (I,) how many come whatever their taste, on a log scale.
        quality: (I,) stars above or below what a restaurant usually gets.
    """

    cuisine: Ints
    menu: Floats
    ambience: Ints
    popularity: Floats
    quality: Floats


@dataclass(frozen=True)
class Tastes:
    """What users like.

    Attributes:
        cuisine: (U, C) rows sum to one.
        dish: (U, D) rows sum to one.
        ambience: (U, A) rows sum to one.
        photo_habit: (U,) how much more or less than others they post, around 1.
        ambience_habit: (U,) chance that a photo of theirs shows the room.
        leniency: (U,) stars above or below what others would give.
        camera: (U, 4) how they photograph, around 0: warmth, exposure, closeness, tilt.
    """

    cuisine: Floats
    dish: Floats
    ambience: Floats
    photo_habit: Floats
    ambience_habit: Floats
    leniency: Floats
    camera: Floats


@dataclass(frozen=True)
class Visits:
    """One row a review, by time.

    Attributes:
        user: (N,) user index.
        item: (N,) item index; a user visits an item once.
        time: (N,) seconds since 1970, increasing.
        ordered: (N, 2) dishes eaten; the second is -1 when there was one only.
        rating: (N,) 1 to 5.
        has_text: (N,) whether the review has words.
        shown: (N, 4) what the photos show: a dish index, D + ambience index, or -1 = no photo.
    """

    user: Ints
    item: Ints
    time: Ints
    ordered: Ints
    rating: Ints
    has_text: Bools
    shown: Ints


def _gumbel_top(rng: np.random.Generator, log_weights: Floats) -> Ints:
    """Return, for each row, the columns in the order in which they would be drawn."""
    noisy = log_weights + rng.gumbel(size=log_weights.shape)
    return np.argsort(-noisy, axis=1, kind="stable")


def _dirichlet_rows(rng: np.random.Generator, concentration: Floats) -> Floats:
    gamma = rng.gamma(concentration) + 1e-6
    return gamma / gamma.sum(axis=1, keepdims=True)


def _cuisine_dishes() -> Floats:
    """Return (C, D) zeros and ones: which cuisine has which dish."""
    table = np.zeros((len(CUISINES), len(DISH_NAMES)))
    for row, dishes in enumerate(CUISINES.values()):
        table[row, [DISH_NAMES.index(name) for name in dishes]] = 1
    return table


def draw_restaurants(rng: np.random.Generator, settings: WorldSettings) -> Restaurants:
    """Draw the items: six to nine dishes of a cuisine each, an ambience, a fan base."""
    n_items, n_cuisines = settings.n_items, len(CUISINES)
    cuisine = rng.permutation(np.arange(n_items) % n_cuisines)
    served = _cuisine_dishes()[cuisine]
    rank = np.argsort(_gumbel_top(rng, np.log(served + 1e-9)), axis=1)
    size = rng.integers(6, 9, n_items, endpoint=True)[:, None]
    on_menu = (rank < size) & (served > 0)
    menu = _dirichlet_rows(rng, np.full(served.shape, 12.0)) * on_menu
    return Restaurants(
        cuisine=cuisine,
        menu=menu / menu.sum(axis=1, keepdims=True),
        ambience=rng.integers(0, len(AMBIENCES), n_items),
        popularity=rng.normal(0, 0.25, n_items),
        quality=rng.normal(0, 0.35, n_items),
    )


def draw_tastes(rng: np.random.Generator, settings: WorldSettings) -> Tastes:
    """Draw the users: one to three cuisines each, a few dishes of these, an ambience or two."""
    n_users = settings.n_users
    table = _cuisine_dishes()
    cuisine = _dirichlet_rows(rng, np.full((n_users, len(CUISINES)), settings.cuisine_focus))
    expected = cuisine @ (table / table.sum(axis=1, keepdims=True))
    return Tastes(
        cuisine=cuisine,
        dish=_dirichlet_rows(rng, settings.dish_focus * expected + 0.01),
        ambience=_dirichlet_rows(rng, np.full((n_users, len(AMBIENCES)), 0.3)),
        photo_habit=rng.gamma(settings.posting_evenness, 1 / settings.posting_evenness, n_users),
        ambience_habit=rng.beta(0.5, 2.2, n_users),
        leniency=rng.normal(0, 0.35, n_users),
        camera=np.clip(rng.normal(0, 1, (n_users, 4)), -1.6, 1.6),
    )


def _choose_restaurants(
    rng: np.random.Generator, settings: WorldSettings, tastes: Tastes, places: Restaurants
) -> tuple[Ints, Ints]:
    """Return user and item of every visit, ordered by user."""
    kitchen = tastes.cuisine[:, places.cuisine]
    dishes = tastes.dish @ (places.menu > 0).T
    room = tastes.ambience[:, places.ambience]
    match = (0.8 - settings.menu_focus) * kitchen + settings.menu_focus * dishes + 0.4 * room
    attraction = settings.choice_sharpness * match + places.popularity
    preference = _gumbel_top(rng, attraction)
    extra = rng.poisson(settings.reviews_mean - settings.reviews_min, settings.n_users)
    count = np.minimum(settings.reviews_min + extra, settings.n_items)
    chosen = np.arange(settings.n_items) < count[:, None]
    return np.repeat(np.arange(settings.n_users), count), preference[chosen]


def _order(
    rng: np.random.Generator,
    settings: WorldSettings,
    tastes: Tastes,
    places: Restaurants,
    user: Ints,
    item: Ints,
) -> Ints:
    """Return (N, 2) dishes eaten: by taste among what the menu has."""
    menu = places.menu[item]
    with np.errstate(divide="ignore"):
        wish = settings.order_sharpness * np.log(tastes.dish[user] + 0.003) + 0.5 * np.log(menu)
    ordered = _gumbel_top(rng, wish)[:, :2]
    alone = (rng.random(len(user)) > 0.4) | (menu[np.arange(len(user)), ordered[:, 1]] == 0)
    ordered[alone, 1] = _NO_DISH
    return ordered


def _shoot(
    rng: np.random.Generator,
    settings: WorldSettings,
    tastes: Tastes,
    places: Restaurants,
    user: Ints,
    item: Ints,
    ordered: Ints,
    has_text: Bools,
) -> Ints:
    """Return (N, 4) what the photos of each visit show, -1 where there is none."""
    n = len(user)
    chance = np.where(has_text, settings.share_with_photos, 0.06) * tastes.photo_habit[user]
    posts = rng.random(n) < chance
    count = np.where(posts, rng.choice([1, 2, 3, 4], n, p=[0.36, 0.36, 0.2, 0.08]), 0)
    subject = rng.random((n, 4))
    room = tastes.ambience_habit[user][:, None] * np.array([0.8, 1.1, 1.1, 1.1])
    second = (subject > 0.65) & (ordered[:, 1:] != _NO_DISH) & (np.arange(4) > 0)
    shown = np.where(second, ordered[:, 1:], ordered[:, :1])
    shows_room = subject < room
    ambience = len(DISH_NAMES) + places.ambience[item][:, None]
    shown = np.where(shows_room, ambience, shown)
    return np.where(np.arange(4) < count[:, None], shown, -1)


def _rate(
    rng: np.random.Generator,
    tastes: Tastes,
    places: Restaurants,
    user: Ints,
    item: Ints,
    ordered: Ints,
) -> Ints:
    """Return (N,) stars: how well the meal and the room fit, the kitchen, the mood of the day."""
    liked = tastes.dish[user, ordered[:, 0]] / tastes.dish[user].max(axis=1)
    room = tastes.ambience[user, places.ambience[item]]
    stars = 3.7 + 0.8 * liked + 0.4 * room + places.quality[item] + tastes.leniency[user]
    return np.clip(np.rint(stars + rng.normal(0, 0.7, len(user))), 1, 5).astype(np.int64)


def draw_visits(
    rng: np.random.Generator, settings: WorldSettings, tastes: Tastes, places: Restaurants
) -> Visits:
    """Draw who went where and when, what they ate, what they photographed, how they rated."""
    user, item = _choose_restaurants(rng, settings, tastes, places)
    time = rng.choice(_LAST_DAY - _FIRST_DAY, len(user), replace=False) + _FIRST_DAY
    by_time = np.argsort(time)
    user, item, time = user[by_time], item[by_time], time[by_time]
    ordered = _order(rng, settings, tastes, places, user, item)
    has_text = rng.random(len(user)) >= settings.share_without_text
    shown = _shoot(rng, settings, tastes, places, user, item, ordered, has_text)
    rating = _rate(rng, tastes, places, user, item, ordered)
    return Visits(user, item, time, ordered, rating, has_text, shown)

"""Recipes of what comes in a bowl or as a heap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo_world.paint.canvas import Canvas, moved
from demo_world.paint.toppings import (
    BLACK,
    LEAF,
    WHITE,
    bowl,
    dip,
    egg,
    few,
    grains,
    leaves,
    lumps,
    noodles,
    plate,
    scallions,
    specks,
    sticks,
    wedge,
)

Painter = Callable[[Canvas], None]


def beef_pho(c: Canvas) -> None:
    """Clear brown broth, brisket, herbs."""
    bowl(c, (178, 122, 62))
    noodles(c, 14, (240, 230, 208), 0.6, 0.045)
    lumps(c, few(c, 4, 7), (0.2, 0.12), (142, 84, 66), 0.5)
    leaves(c, few(c, 3, 6))
    scallions(c, 9)
    if c.rng.random() < 0.6:
        wedge(c, 0.45, -0.35)


def chicken_pho(c: Canvas) -> None:
    """Golden broth, pale strips, herbs."""
    bowl(c, (208, 160, 80))
    noodles(c, 14, (242, 232, 210), 0.6, 0.045)
    lumps(c, few(c, 5, 8), (0.2, 0.075), (232, 204, 164), 0.5)
    leaves(c, few(c, 3, 6))
    scallions(c, 9)
    if c.rng.random() < 0.6:
        wedge(c, 0.45, -0.35)


def beef_noodle_soup(c: Canvas) -> None:
    """Dark broth, chunks of shank, greens, red oil."""
    bowl(c, (116, 62, 34))
    noodles(c, 13, (226, 192, 120), 0.6, 0.07)
    lumps(c, few(c, 4, 6), (0.15, 0.13), (94, 52, 38), 0.45, outline="square")
    leaves(c, few(c, 2, 5), (62, 120, 58), 0.22, 0.55)
    specks(c, 16, (190, 54, 24), 0.7, 0.03)
    scallions(c, 6)


def tonkotsu_ramen(c: Canvas) -> None:
    """Milky broth, egg, pork, nori."""
    bowl(c, (226, 196, 148))
    noodles(c, 16, (240, 208, 116), 0.58, 0.055)
    c.polygon([[0.2, -0.85], [0.72, -0.6], [0.5, -0.1], [0.05, -0.35]], (38, 52, 44))
    for x, y in c.spots(few(c, 1, 3), 0.35, -0.25, -0.15):
        c.disc(x + 0.02, y + 0.03, 0.25, 0.23, BLACK, 70)
        c.disc(x, y, 0.24, 0.22, (198, 138, 108))
        c.ring(x, y, 0.14, (236, 196, 168), 0.04)
    egg(c, 0.15, 0.4)
    if c.rng.random() < 0.6:
        egg(c, -0.3, 0.42, 0.18)
    scallions(c, 10)


def mapo_tofu(c: Canvas) -> None:
    """White cubes in red oil."""
    bowl(c, (172, 48, 22))
    lumps(c, few(c, 12, 18), (0.13, 0.12), (246, 232, 206), 0.62, outline="square")
    specks(c, 26, (92, 44, 26), 0.68, 0.035)
    scallions(c, 12)


def palak_paneer(c: Canvas) -> None:
    """White cubes in green puree."""
    bowl(c, (74, 108, 44))
    specks(c, 20, (96, 132, 58), 0.7, 0.05)
    lumps(c, few(c, 7, 12), (0.14, 0.12), (246, 236, 208), 0.55, outline="square")
    if c.rng.random() < 0.5:
        c.ring(0.05, 0, 0.3, WHITE, 0.04)


def butter_chicken(c: Canvas) -> None:
    """Orange cream with chunks."""
    bowl(c, (222, 116, 44))
    lumps(c, few(c, 7, 11), (0.17, 0.13), (198, 94, 40), 0.55)
    angle = np.linspace(0, 9, 16)
    swirl = np.stack([np.cos(angle), np.sin(angle)], 1) * (angle * 0.05)[:, None]
    c.stroke(swirl + c.rng.normal(0, 0.12, 2), (250, 232, 206), 0.045, 220)
    leaves(c, few(c, 1, 4), LEAF, 0.12, 0.4)


def guacamole(c: Canvas) -> None:
    """Green mash, chips around it."""
    n = few(c, 6, 10)
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False) + c.rng.uniform(0, 6)
    around = np.stack([np.cos(angle), np.sin(angle)], 1)
    for direction, tone in zip(around, c.vary((228, 178, 84), n).tolist(), strict=True):
        side = direction[::-1] * (-1, 1) * 0.3
        corners = [direction * 1.42, direction * 0.85 + side, direction * 0.85 - side]
        c.polygon(moved(np.array(corners), 0.02, 0.04), BLACK, 80)
        c.polygon(corners, tuple(tone))
    bowl(c, (128, 158, 58))
    lumps(c, 18, (0.11, 0.09), (146, 174, 70), 0.66)
    lumps(c, 8, (0.06, 0.05), (206, 58, 40), 0.55)
    leaves(c, 3, LEAF, 0.1)


def burrito_bowl(c: Canvas) -> None:
    """Sectors of rice, beans, corn, salsa and greens."""
    bowl(c, (232, 220, 188))
    fillings = [(244, 238, 218), (52, 36, 34), (238, 196, 70), (200, 60, 42), (124, 158, 62)]
    turn = c.rng.uniform(0, 2 * np.pi)
    for i, row in enumerate(c.rng.permutation(len(fillings))):
        angle = turn + i * 2 * np.pi / len(fillings)
        at = (0.46 * float(np.cos(angle)), 0.46 * float(np.sin(angle)))
        c.disc(*at, 0.33, 0.33, fillings[row])
        lumps(c, 12, (0.065, 0.05), fillings[row], 0.3, at)
    leaves(c, 3, LEAF, 0.12, 0.3)


def fried_rice(c: Canvas) -> None:
    """Golden grains, egg, peas."""
    plate(c) if c.rng.random() < 0.6 else bowl(c, (196, 146, 76))
    grains(c, 150, (222, 178, 104))
    lumps(c, few(c, 6, 10), (0.1, 0.07), (246, 208, 84), 0.55)
    lumps(c, few(c, 8, 14), (0.042, 0.042), (96, 160, 62), 0.6)
    lumps(c, few(c, 4, 8), (0.045, 0.045), (226, 122, 50), 0.55, outline="square")
    scallions(c, 6)


def vegetable_biryani(c: Canvas) -> None:
    """Long saffron grains, fried onions, raita."""
    plate(c) if c.rng.random() < 0.5 else bowl(c, (196, 130, 48))
    grains(c, 150, (232, 172, 62), length=0.075)
    c.stamp("round", c.spots(40, 0.6), (0.075, 0.028), c.vary((246, 232, 196), 40))
    sticks(c, few(c, 5, 9), (112, 60, 32), 0.2, 0.035, 0.5)
    lumps(c, few(c, 4, 8), (0.06, 0.05), (220, 110, 48), 0.55)
    leaves(c, few(c, 2, 5), LEAF, 0.13)
    if c.rng.random() < 0.5:
        dip(c, (240, 240, 228), 0.72, -0.6)


def caesar_salad(c: Canvas) -> None:
    """Leaves, croutons, parmesan."""
    plate(c) if c.rng.random() < 0.5 else bowl(c, (120, 150, 70))
    leaves(c, 26, (118, 164, 64), 0.26, 0.66)
    leaves(c, 12, (168, 198, 104), 0.2, 0.6)
    lumps(c, few(c, 6, 10), (0.085, 0.08), (206, 156, 88), 0.55, outline="square")
    lumps(c, few(c, 6, 10), (0.1, 0.035), (248, 238, 206), 0.55)


def spaghetti_carbonara(c: Canvas) -> None:
    """Pale glossy strands, guanciale, pepper."""
    plate(c)
    noodles(c, 34, (240, 214, 140), 0.56, 0.05)
    lumps(c, few(c, 9, 14), (0.07, 0.05), (176, 88, 62), 0.48, outline="square")
    specks(c, 22, (60, 50, 40), 0.55, 0.015)
    if c.rng.random() < 0.5:
        c.disc(0, 0, 0.15, 0.14, (242, 172, 44))


def spaghetti_bolognese(c: Canvas) -> None:
    """Strands under a heap of ragu."""
    plate(c)
    noodles(c, 28, (236, 198, 116), 0.6, 0.05)
    lumps(c, few(c, 22, 30), (0.1, 0.08), (156, 58, 34), 0.36)
    specks(c, 18, (246, 232, 190), 0.4, 0.025)
    leaves(c, few(c, 1, 3), LEAF, 0.15, 0.15)


BOWLS: dict[str, Painter] = {
    "beef pho": beef_pho,
    "chicken pho": chicken_pho,
    "beef noodle soup": beef_noodle_soup,
    "tonkotsu ramen": tonkotsu_ramen,
    "mapo tofu": mapo_tofu,
    "palak paneer": palak_paneer,
    "butter chicken": butter_chicken,
    "guacamole": guacamole,
    "burrito bowl": burrito_bowl,
    "fried rice": fried_rice,
    "vegetable biryani": vegetable_biryani,
    "caesar salad": caesar_salad,
    "spaghetti carbonara": spaghetti_carbonara,
    "spaghetti bolognese": spaghetti_bolognese,
}

"""Recipes of what is eaten by hand, fork or chopsticks from plates and boards."""

from __future__ import annotations

import numpy as np

from demo_world.paint.bowls import Painter
from demo_world.paint.canvas import Canvas, Color, moved
from demo_world.paint.toppings import (
    BLACK,
    LEAF,
    WHITE,
    bar,
    board,
    dip,
    few,
    leaves,
    lumps,
    plate,
    row,
    shadow,
    sticks,
)

_SOY: Color = (62, 36, 26)


def banh_mi(c: Canvas) -> None:
    """A split baguette, stuffed."""
    board(c)
    c.disc(0.03, 0.1, 0.95, 0.42, BLACK, 70)
    c.disc(0, 0.1, 0.92, 0.38, (196, 132, 68))
    sticks(c, few(c, 7, 12), (232, 128, 48), 0.5, 0.05, 0.4, (0.0, 0.02), 0.9)
    leaves(c, few(c, 7, 11), LEAF, 0.18, 0.55, (0.0, -0.02))
    lumps(c, few(c, 3, 6), (0.2, 0.07), (206, 130, 110), 0.45)
    c.disc(0, -0.2, 0.9, 0.24, (214, 152, 82))
    c.disc(-0.1, -0.26, 0.6, 0.08, (238, 192, 126), 160)


def summer_rolls(c: Canvas) -> None:
    """Translucent rolls, shrimp and leaves inside."""
    plate(c)
    for x, y in row(c, few(c, 3, 4), 0.34, -0.05):
        start, end = np.array([x - 0.08, y + 0.42]), np.array([x + 0.08, y - 0.42])
        bar(c, start, end, (226, 230, 214), 0.27)
        middle = (x, y)
        lumps(c, 3, (0.08, 0.06), (236, 146, 116), 0.2, middle)
        leaves(c, 3, (110, 166, 84), 0.11, 0.24, middle)
        c.stroke([start - (0.05, 0), end - (0.05, 0)], WHITE, 0.05, 110)
    if c.rng.random() < 0.7:
        dip(c, (168, 104, 54), 0.62, 0.55)


def salmon_sushi(c: Canvas) -> None:
    """Slabs of salmon on rice."""
    board(c) if c.rng.random() < 0.6 else plate(c, (52, 54, 60))
    for x, y in row(c, few(c, 3, 5), 0.36):
        c.disc(x + 0.02, y + 0.06, 0.17, 0.36, BLACK, 80)
        c.disc(x, y + 0.04, 0.16, 0.35, (246, 242, 230))
        c.disc(x, y - 0.02, 0.155, 0.33, (240, 132, 76))
        for k in np.linspace(-0.2, 0.2, 4):
            c.stroke([[x - 0.13, y + k], [x + 0.13, y + k - 0.09]], (252, 206, 172), 0.025)
    c.disc(0.82, 0.45, 0.11, 0.1, (148, 186, 92))
    lumps(c, 3, (0.11, 0.07), (244, 190, 176), 0.12, (-0.8, 0.48))


def tuna_roll(c: Canvas) -> None:
    """Black rings, white rice, red hearts."""
    board(c) if c.rng.random() < 0.6 else plate(c)
    columns = few(c, 3, 4)
    for y in (-0.24, 0.24):
        for x, dy in row(c, columns, 0.46, y):
            c.disc(x + 0.02, dy + 0.05, 0.21, 0.21, BLACK, 90)
            c.disc(x, dy, 0.205, 0.205, (30, 40, 36))
            c.disc(x, dy, 0.17, 0.17, (246, 243, 232))
            c.disc(x, dy, 0.085, 0.08, (188, 38, 48))
    c.disc(0.9, 0.5, 0.1, 0.09, (148, 186, 92))


def shrimp_tempura(c: Canvas) -> None:
    """Golden craggy sticks with red tails."""
    plate(c)
    for x, y in row(c, few(c, 3, 5), 0.28, -0.05):
        lean = float(c.rng.normal(0, 0.08))
        path = np.stack([np.linspace(x - lean, x + lean, 6), np.linspace(y + 0.42, y - 0.35, 6)], 1)
        c.stroke([path[0], path[0] + (0.06, 0.16)], (222, 84, 44), 0.09)
        for point in path:
            lumps(c, 3, (0.1, 0.08), (230, 178, 88), 0.07, (float(point[0]), float(point[1])))
    dip(c, (120, 74, 38), 0.66, 0.52, 0.24)


def pork_dumplings(c: Canvas) -> None:
    """Half-moons with browned bellies."""
    plate(c)
    turn = c.rng.uniform(0, 2 * np.pi)
    for x, y in c.spots(few(c, 5, 7), 0.52):
        angle = turn + c.rng.normal(0, 0.5) + np.linspace(0, np.pi, 10)
        moon = np.stack([np.cos(angle), np.sin(angle)], 1) * 0.27
        c.polygon(moved(moon, x + 0.02, y + 0.05), BLACK, 80)
        c.polygon(moved(moon, x, y), (236, 216, 176))
        c.polygon(moon * 0.62 + (x, y), (194, 132, 70), 190)
        c.stroke(moon * 0.96 + (x, y), (250, 238, 208), 0.03)
    dip(c, _SOY, 0.6, 0.6, 0.25)


def _pizza(c: Canvas, top: Color) -> None:
    shadow(c, 1.02, 1.02)
    c.disc(0, 0, 1.0, 1.0, (206, 150, 84))
    lumps(c, 22, (0.06, 0.05), (140, 86, 44), 0.95)
    c.disc(0, 0, 0.86, 0.86, top)


def _cuts(c: Canvas) -> None:
    turn = c.rng.uniform(0, np.pi)
    for k in range(4):
        way = np.array([np.cos(turn + k * np.pi / 4), np.sin(turn + k * np.pi / 4)])
        c.stroke([way * -1.0, way], (120, 60, 34), 0.018, 140)


def margherita_pizza(c: Canvas) -> None:
    """Red sauce, white mozzarella, basil."""
    _pizza(c, (196, 60, 36))
    lumps(c, few(c, 8, 12), (0.17, 0.14), (250, 238, 212), 0.72)
    _cuts(c)
    leaves(c, few(c, 5, 8), LEAF, 0.16, 0.55)


def pepperoni_pizza(c: Canvas) -> None:
    """Melted cheese, red rounds."""
    _pizza(c, (234, 182, 84))
    lumps(c, 10, (0.18, 0.14), (246, 208, 118), 0.7)
    lumps(c, few(c, 11, 16), (0.125, 0.12), (178, 48, 34), 0.72)
    _cuts(c)
    if c.rng.random() < 0.3:
        leaves(c, 3, LEAF, 0.12, 0.5)


def _block(c: Canvas, top: Color, layers: tuple[Color, ...]) -> None:
    """Paint a square portion whose front shows layers."""
    c.polygon(np.array([[-0.6, -0.45], [0.6, -0.45], [0.6, 0.55], [-0.6, 0.55]]) + 0.05, BLACK, 80)
    height = 0.4 / len(layers)
    for level, color in enumerate(layers):
        y = 0.12 + level * height
        edge = c.rng.normal(0, 0.015, 2)
        c.polygon([[-0.58, y], [0.58, y + edge[0]], [0.58, y + height + 0.02],
                   [-0.58, y + height + 0.02 + edge[1]]], color)  # fmt: skip
    c.polygon([[-0.46, -0.48], [0.62, -0.48], [0.58, 0.14], [-0.58, 0.14]], top)


def lasagna(c: Canvas) -> None:
    """Sheets, meat sauce, browned cheese."""
    plate(c)
    sheet, sauce = (238, 204, 132), (168, 60, 34)
    _block(c, (226, 160, 78), (sauce, sheet, sauce, sheet, sauce))
    lumps(c, 8, (0.12, 0.08), (246, 216, 148), 0.36, (0.0, -0.18))
    lumps(c, 6, (0.09, 0.05), (176, 70, 36), 0.34, (0.0, -0.16))
    leaves(c, few(c, 1, 2), LEAF, 0.14, 0.12, (0.1, -0.2))


def tiramisu(c: Canvas) -> None:
    """Cream and coffee under cocoa."""
    plate(c)
    cream, coffee = (246, 232, 200), (132, 88, 54)
    _block(c, (96, 60, 38), (cream, coffee, cream, coffee, cream))
    c.stamp("round", c.spots(40, 0.45, 0.02, -0.17), (0.03, 0.02), c.vary((78, 46, 28), 40))
    if c.rng.random() < 0.5:
        leaves(c, 2, LEAF, 0.1, 0.05, (0.15, -0.25))


PLATES: dict[str, Painter] = {
    "banh mi": banh_mi,
    "summer rolls": summer_rolls,
    "salmon sushi": salmon_sushi,
    "tuna roll": tuna_roll,
    "shrimp tempura": shrimp_tempura,
    "pork dumplings": pork_dumplings,
    "margherita pizza": margherita_pizza,
    "pepperoni pizza": pepperoni_pizza,
    "lasagna": lasagna,
    "tiramisu": tiramisu,
}

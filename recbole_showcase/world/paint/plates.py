"""Recipes of what is eaten by hand, fork or chopsticks from plates and boards."""

from __future__ import annotations

import numpy as np

from recbole_showcase.world.paint.bowls import Painter
from recbole_showcase.world.paint.canvas import Canvas, Color, mix, moved
from recbole_showcase.world.paint.toppings import (
    BLACK,
    LEAF,
    WHITE,
    bar,
    board,
    dip,
    drizzle,
    egg,
    leaves,
    lumps,
    plate,
    shadow,
    specks,
    sticks,
    wedge,
)

_SOY: Color = (62, 36, 26)


def _few(c: Canvas, low: int, high: int) -> int:
    return int(c.rng.integers(low, high, endpoint=True))


def _row(c: Canvas, n: int, step: float, y: float = 0.0) -> list[tuple[float, float]]:
    """Return n places side by side."""
    xs = (np.arange(n) - (n - 1) / 2) * step + c.rng.normal(0, 0.02, n)
    return [(float(x), float(y + d)) for x, d in zip(xs, c.rng.normal(0, 0.03, n), strict=True)]


def banh_mi(c: Canvas) -> None:
    """A split baguette, stuffed."""
    board(c)
    c.disc(0.03, 0.1, 0.95, 0.42, BLACK, 70)
    c.disc(0, 0.1, 0.92, 0.38, (196, 132, 68))
    sticks(c, _few(c, 7, 12), (232, 128, 48), 0.5, 0.05, 0.4, (0.0, 0.02), 0.9)
    leaves(c, _few(c, 7, 11), LEAF, 0.18, 0.55, (0.0, -0.02))
    lumps(c, _few(c, 3, 6), (0.2, 0.07), (206, 130, 110), 0.45)
    c.disc(0, -0.2, 0.9, 0.24, (214, 152, 82))
    c.disc(-0.1, -0.26, 0.6, 0.08, (238, 192, 126), 160)


def summer_rolls(c: Canvas) -> None:
    """Translucent rolls, shrimp and leaves inside."""
    plate(c)
    for x, y in _row(c, _few(c, 3, 4), 0.34, -0.05):
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
    for x, y in _row(c, _few(c, 3, 5), 0.36):
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
    columns = _few(c, 3, 4)
    for y in (-0.24, 0.24):
        for x, dy in _row(c, columns, 0.46, y):
            c.disc(x + 0.02, dy + 0.05, 0.21, 0.21, BLACK, 90)
            c.disc(x, dy, 0.205, 0.205, (30, 40, 36))
            c.disc(x, dy, 0.17, 0.17, (246, 243, 232))
            c.disc(x, dy, 0.085, 0.08, (188, 38, 48))
    c.disc(0.9, 0.5, 0.1, 0.09, (148, 186, 92))


def shrimp_tempura(c: Canvas) -> None:
    """Golden craggy sticks with red tails."""
    plate(c)
    for x, y in _row(c, _few(c, 3, 5), 0.28, -0.05):
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
    for x, y in c.spots(_few(c, 5, 7), 0.52):
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
    lumps(c, _few(c, 8, 12), (0.17, 0.14), (250, 238, 212), 0.72)
    _cuts(c)
    leaves(c, _few(c, 5, 8), LEAF, 0.16, 0.55)


def pepperoni_pizza(c: Canvas) -> None:
    """Melted cheese, red rounds."""
    _pizza(c, (234, 182, 84))
    lumps(c, 10, (0.18, 0.14), (246, 208, 118), 0.7)
    lumps(c, _few(c, 11, 16), (0.125, 0.12), (178, 48, 34), 0.72)
    _cuts(c)
    if c.rng.random() < 0.3:
        leaves(c, 3, LEAF, 0.12, 0.5)


def _block(c: Canvas, top: Color, layers: tuple[Color, ...]) -> None:
    """Paint a square portion whose front shows layers."""
    c.polygon(np.array([[-0.6, -0.45], [0.6, -0.45], [0.6, 0.55], [-0.6, 0.55]]) + 0.05, BLACK, 80)
    height = 0.4 / len(layers)
    for row, color in enumerate(layers):
        y = 0.12 + row * height
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
    leaves(c, _few(c, 1, 2), LEAF, 0.14, 0.12, (0.1, -0.2))


def tiramisu(c: Canvas) -> None:
    """Cream and coffee under cocoa."""
    plate(c)
    cream, coffee = (246, 232, 200), (132, 88, 54)
    _block(c, (96, 60, 38), (cream, coffee, cream, coffee, cream))
    c.stamp("round", c.spots(40, 0.45, 0.02, -0.17), (0.03, 0.02), c.vary((78, 46, 28), 40))
    if c.rng.random() < 0.5:
        leaves(c, 2, LEAF, 0.1, 0.05, (0.15, -0.25))


def _bun(c: Canvas, layers: list[tuple[Color, float, float]]) -> None:
    """Stack layers (colour, half width, thickness) between the halves of a bun, side view."""
    y = 0.62
    c.disc(0.03, 0.72, 0.85, 0.22, BLACK, 80)
    c.disc(0, y, 0.72, 0.2, (208, 144, 74))
    for color, half, thick in layers:
        y -= thick
        n = 9
        x = np.linspace(-half, half, n)
        low, high = y + thick + c.rng.normal(0, 0.03, n), y + c.rng.normal(0, 0.02, n)
        outline = np.concatenate([np.stack([x, low], 1), np.stack([x, high], 1)[::-1]])
        c.polygon(moved(outline, 0, 0.03), mix(color, BLACK, 0.4))
        c.polygon(outline, color)
    angle = np.linspace(np.pi, 2 * np.pi, 14)
    dome = moved(np.stack([np.cos(angle) * 0.76, np.sin(angle) * 0.62], 1), 0, y + 0.06)
    c.polygon(dome, (214, 146, 72))
    c.disc(-0.2, y - 0.3, 0.32, 0.12, (240, 190, 120), 150)
    specks(c, 14, (248, 232, 190), 0.38, 0.026) if c.rng.random() < 0.7 else None


def cheeseburger(c: Canvas) -> None:
    """Patty, melting cheddar, lettuce, tomato."""
    board(c) if c.rng.random() < 0.5 else plate(c)
    patty, cheese = ((96, 54, 34), 0.76, 0.24), ((246, 178, 44), 0.8, 0.1)
    green, red = ((116, 172, 64), 0.84, 0.1), ((208, 62, 44), 0.7, 0.09)
    _bun(c, [green, patty, cheese, red] if c.rng.random() < 0.7 else [patty, cheese, patty, cheese])


def bacon_burger(c: Canvas) -> None:
    """Patty, bacon sticking out, onions."""
    board(c) if c.rng.random() < 0.5 else plate(c)
    patty, bacon = ((92, 52, 34), 0.76, 0.24), ((172, 62, 46), 0.9, 0.1)
    onion, cheese = ((206, 150, 92), 0.72, 0.09), ((244, 190, 80), 0.78, 0.08)
    _bun(c, [patty, cheese, bacon, onion, bacon] if c.rng.random() < 0.6 else [patty, onion, bacon])


def fried_chicken(c: Canvas) -> None:
    """Craggy brown pieces."""
    plate(c)
    for x, y in c.spots(_few(c, 4, 6), 0.48):
        at = (float(x), float(y))
        lumps(c, 9, (0.15, 0.12), (190, 112, 46), 0.2, at, jitter=20)
        specks(c, 4, (236, 178, 96), 0.05)
    if c.rng.random() < 0.5:
        dip(c, (238, 226, 190), 0.66, -0.56, 0.22)
    if c.rng.random() < 0.4:
        leaves(c, 3, LEAF, 0.14, 0.15, (-0.6, 0.5))


def french_fries(c: Canvas) -> None:
    """A pile of golden sticks."""
    plate(c) if c.rng.random() < 0.6 else board(c)
    sticks(c, _few(c, 20, 28), (238, 192, 84), 0.7, 0.085, 0.5, spread=2.2)
    dip(c, (186, 36, 28), 0.64, 0.5, 0.24)


def ribeye_steak(c: Canvas) -> None:
    """A charred slab, butter, potatoes."""
    plate(c)
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    outline = np.stack([np.cos(angle) * 0.62, np.sin(angle) * 0.44], 1)
    outline *= c.rng.uniform(0.85, 1.12, (14, 1))
    c.polygon(moved(outline, 0.02, 0.07), BLACK, 110)
    c.polygon(outline, (118, 66, 44))
    c.polygon(outline * 0.82, (142, 80, 52))
    for k in np.linspace(-0.35, 0.35, 4):
        c.stroke([[k - 0.12, 0.26], [k + 0.12, -0.26]], (62, 34, 26), 0.05)
    if c.rng.random() < 0.7:
        c.polygon([[-0.08, -0.08], [0.1, -0.1], [0.12, 0.06], [-0.06, 0.08]], (250, 226, 130))
    lumps(c, _few(c, 3, 5), (0.14, 0.11), (222, 174, 92), 0.2, (0.45, 0.5))
    leaves(c, 2, (60, 104, 52), 0.16, 0.1, (-0.3, -0.05))


def _tacos(c: Canvas, shell: Color, filling: Color, size: tuple[float, float]) -> list[float]:
    plate(c) if c.rng.random() < 0.6 else board(c)
    places = _row(c, _few(c, 2, 3), 0.6)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 12)
    for x, _ in places:
        half = np.stack([np.cos(angle) * 0.42, np.sin(angle) * 0.6], 1)
        c.polygon(moved(half, x - 0.12, 0.06), BLACK, 80)
        c.polygon(moved(half, x - 0.2, 0), mix(shell, BLACK, 0.15))
        for k in (-0.32, 0.0, 0.32):
            lumps(c, 4, size, filling, 0.15, (x - 0.08, k))
        c.polygon(half * (0.75, 0.96) + (x - 0.24, 0.02), shell)
    return [x - 0.02 for x, _ in places]


def fish_tacos(c: Canvas) -> None:
    """Battered fish, slaw, crema."""
    for x in _tacos(c, (240, 208, 138), (226, 170, 82), (0.13, 0.09)):
        lumps(c, 5, (0.1, 0.03), (164, 92, 140), 0.25, (x + 0.1, 0.0))
        lumps(c, 5, (0.1, 0.03), (216, 226, 170), 0.25, (x + 0.1, 0.0))
        c.stroke([[x + 0.05, -0.4], [x + 0.14, -0.1], [x + 0.06, 0.15], [x + 0.14, 0.4]], WHITE)
    wedge(c, 0.75, 0.55)


def beef_tacos(c: Canvas) -> None:
    """Grilled beef, onion, cilantro, salsa."""
    for x in _tacos(c, (236, 200, 126), (112, 62, 40), (0.1, 0.08)):
        lumps(c, 8, (0.035, 0.03), (248, 242, 230), 0.28, (x + 0.08, 0.0), "square")
        leaves(c, 5, LEAF, 0.07, 0.28, (x + 0.08, 0.0))
        lumps(c, 4, (0.05, 0.04), (196, 48, 32), 0.28, (x + 0.08, 0.0))
    wedge(c, 0.75, 0.55)


def churros(c: Canvas) -> None:
    """Ridged sticks, sugar, chocolate."""
    plate(c)
    sticks(c, _few(c, 4, 6), (182, 112, 54), 1.1, 0.16, 0.28, spread=1.0)
    specks(c, 50, (250, 236, 206), 0.6, 0.018)
    dip(c, (66, 36, 24), 0.6, -0.55, 0.27)


def garlic_naan(c: Canvas) -> None:
    """Blistered bread, green flecks."""
    board(c) if c.rng.random() < 0.6 else plate(c)
    for dx in (-0.3, 0.3) if c.rng.random() < 0.5 else (0.0,):
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        drop = np.stack([np.cos(angle) * (0.5 + 0.15 * np.sin(angle)), np.sin(angle) * 0.66], 1)
        c.polygon(moved(drop, dx + 0.03, 0.06), BLACK, 90)
        c.polygon(moved(drop, dx, 0), (236, 206, 150))
        at = (dx, 0.0)
        lumps(c, _few(c, 7, 11), (0.09, 0.07), (176, 112, 58), 0.45, at)
        lumps(c, 8, (0.03, 0.02), LEAF, 0.42, at)


def blueberry_pancakes(c: Canvas) -> None:
    """A stack, syrup, berries, butter."""
    plate(c)
    for y in (0.22, 0.1, -0.02, -0.14)[_few(c, 0, 1) :]:
        x = float(c.rng.normal(0, 0.03))
        c.disc(x, y + 0.08, 0.64, 0.5, (150, 90, 44))
        c.disc(x, y, 0.64, 0.5, (226, 168, 92))
    c.disc(0.05, -0.12, 0.42, 0.32, (156, 82, 28), 150)
    c.stroke([[0.3, 0.0], [0.36, 0.4]], (156, 82, 28), 0.1, 170)
    lumps(c, _few(c, 8, 13), (0.075, 0.07), (56, 58, 112), 0.5, (0.0, -0.05))
    c.polygon([[-0.14, -0.26], [0.08, -0.28], [0.1, -0.1], [-0.12, -0.08]], (252, 230, 140))


def avocado_toast(c: Canvas) -> None:
    """Bread, green mash, egg or radish."""
    board(c) if c.rng.random() < 0.6 else plate(c)
    slice_ = np.array([[-0.66, -0.4], [-0.3, -0.58], [0.4, -0.56], [0.68, -0.36], [0.6, 0.5],
                       [-0.6, 0.52]])  # fmt: skip
    c.polygon(moved(slice_, 0.03, 0.07), BLACK, 90)
    c.polygon(slice_, (176, 116, 62))
    c.polygon(slice_ * 0.92, (226, 188, 128))
    lumps(c, 20, (0.16, 0.11), (142, 172, 76), 0.46)
    if c.rng.random() < 0.6:
        egg(c, 0.02, -0.02, 0.25)
    else:
        lumps(c, 6, (0.11, 0.1), (244, 200, 210), 0.36)
    specks(c, 24, (190, 60, 40), 0.5, 0.016)


def cheesecake(c: Canvas) -> None:
    """A wedge on its crust, red sauce."""
    plate(c)
    tip, left, right = np.array([-0.7, 0.12]), np.array([0.5, -0.45]), np.array([0.66, 0.22])
    down = np.array([0, 0.36])
    c.polygon([tip + down + 0.04, right + down + 0.04, right + 0.1, left + 0.1], BLACK, 80)
    c.polygon([tip, right, right + down, tip + down], (246, 226, 172))
    c.polygon([tip + down * 0.78, right + down * 0.78, right + down, tip + down], (160, 100, 54))
    c.polygon([tip, left, right], (252, 240, 204))
    lumps(c, _few(c, 5, 9), (0.1, 0.08), (204, 36, 48), 0.2, (0.3, 0.0))
    if c.rng.random() < 0.5:
        drizzle(c, (190, 30, 44), 0.5, 0.04)


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
    "cheeseburger": cheeseburger,
    "bacon burger": bacon_burger,
    "fried chicken": fried_chicken,
    "french fries": french_fries,
    "ribeye steak": ribeye_steak,
    "fish tacos": fish_tacos,
    "beef tacos": beef_tacos,
    "churros": churros,
    "garlic naan": garlic_naan,
    "blueberry pancakes": blueberry_pancakes,
    "avocado toast": avocado_toast,
    "cheesecake": cheesecake,
}

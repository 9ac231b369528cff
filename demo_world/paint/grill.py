"""Recipes of the grill, the bakery and the street: burgers, tacos, breads, sweets."""

from __future__ import annotations

import numpy as np

from demo_world.paint.bowls import Painter
from demo_world.paint.canvas import Canvas, Color, mix, moved
from demo_world.paint.toppings import (
    BLACK,
    LEAF,
    WHITE,
    board,
    dip,
    drizzle,
    egg,
    few,
    leaves,
    lumps,
    plate,
    row,
    specks,
    sticks,
    wedge,
)


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
    for x, y in c.spots(few(c, 4, 6), 0.48):
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
    sticks(c, few(c, 20, 28), (238, 192, 84), 0.7, 0.085, 0.5, spread=2.2)
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
    lumps(c, few(c, 3, 5), (0.14, 0.11), (222, 174, 92), 0.2, (0.45, 0.5))
    leaves(c, 2, (60, 104, 52), 0.16, 0.1, (-0.3, -0.05))


def _tacos(c: Canvas, shell: Color, filling: Color, size: tuple[float, float]) -> list[float]:
    plate(c) if c.rng.random() < 0.6 else board(c)
    places = row(c, few(c, 2, 3), 0.6)
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
    sticks(c, few(c, 4, 6), (182, 112, 54), 1.1, 0.16, 0.28, spread=1.0)
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
        lumps(c, few(c, 7, 11), (0.09, 0.07), (176, 112, 58), 0.45, at)
        lumps(c, 8, (0.03, 0.02), LEAF, 0.42, at)


def blueberry_pancakes(c: Canvas) -> None:
    """A stack, syrup, berries, butter."""
    plate(c)
    for y in (0.22, 0.1, -0.02, -0.14)[few(c, 0, 1) :]:
        x = float(c.rng.normal(0, 0.03))
        c.disc(x, y + 0.08, 0.64, 0.5, (150, 90, 44))
        c.disc(x, y, 0.64, 0.5, (226, 168, 92))
    c.disc(0.05, -0.12, 0.42, 0.32, (156, 82, 28), 150)
    c.stroke([[0.3, 0.0], [0.36, 0.4]], (156, 82, 28), 0.1, 170)
    lumps(c, few(c, 8, 13), (0.075, 0.07), (56, 58, 112), 0.5, (0.0, -0.05))
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
    lumps(c, few(c, 5, 9), (0.1, 0.08), (204, 36, 48), 0.2, (0.3, 0.0))
    if c.rng.random() < 0.5:
        drizzle(c, (190, 30, 44), 0.5, 0.04)


GRILL: dict[str, Painter] = {
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

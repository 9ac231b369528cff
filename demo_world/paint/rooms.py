"""Ambiences: the room itself, and the table top that dishes stand on there.

Rooms are painted in the unit square, y pointing down.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo_world.paint.canvas import Canvas, Color, mix, moved
from demo_world.paint.toppings import BLACK, LEAF, WHITE, leaves, lumps

_BOOKS: tuple[Color, ...] = ((150, 50, 44), (52, 84, 120), (74, 110, 70), (204, 164, 88))
_BRIGHT: tuple[Color, ...] = ((255, 60, 150), (60, 220, 255), (190, 90, 255), (255, 190, 50))


def _box(c: Canvas, x0: float, y0: float, x1: float, y1: float, color: Color, a: int = 255) -> None:
    c.polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], color, a)


def _glow(c: Canvas, x: float, y: float, radius: float, color: Color) -> None:
    for share, alpha in ((1.0, 26), (0.65, 40), (0.35, 80)):
        c.disc(x, y, radius * share, radius * share, color, alpha)


def _tables(c: Canvas, color: Color, n: int, top: float = 0.35) -> None:
    xs = np.linspace(-0.75, 0.75, n) + c.rng.normal(0, 0.07, n)
    for x in xs:
        y = top + float(c.rng.uniform(0, 0.35))
        c.stroke([[x, y], [x, y + 0.35]], mix(color, BLACK, 0.5), 0.06)
        c.disc(x, y, 0.3, 0.1, mix(color, BLACK, 0.3))
        c.disc(x, y - 0.02, 0.3, 0.09, color)


def _candlelit(c: Canvas) -> None:
    _box(c, -2, -2, 2, 0.3, (58, 30, 30))
    _box(c, -2, 0.3, 2, 2, (38, 20, 20))
    _box(c, -0.5, -0.8, 0.1, -0.1, (84, 52, 34))
    _tables(c, (150, 44, 44), 3)
    for x, y in c.spots(int(c.rng.integers(4, 8)), 0.75, 0, 0.15):
        _glow(c, x, y, 0.34, (255, 176, 70))
        c.stroke([[x, y + 0.02], [x, y + 0.17]], (244, 230, 200), 0.05)
        c.disc(x, y, 0.025, 0.05, (255, 232, 150))


def _garden(c: Canvas) -> None:
    _box(c, -2, -2, 2, -0.2, (150, 202, 232))
    _box(c, -2, 0.25, 2, 2, (190, 168, 136))
    for x in (-0.8, 0.0, 0.8):
        lumps(c, 9, (0.2, 0.15), (84, 148, 66), 0.4, (x, -0.1))
        leaves(c, 6, LEAF, 0.18, 0.45, (x, -0.1))
    _tables(c, (226, 222, 210), 2, 0.4)
    t = np.linspace(-1.2, 1.2, 10)
    rope = np.stack([t, -0.75 + 0.2 * t**2 + 0.05 * np.cos(9 * t)], 1)
    c.stroke(rope, BLACK, 0.015)
    for x, y in rope:
        _glow(c, x, y + 0.04, 0.1, (255, 232, 150))


def _rustic(c: Canvas) -> None:
    for x, tone in zip(np.arange(-1.6, 1.7, 0.27), c.vary((134, 88, 52), 13).tolist(), strict=True):
        _box(c, x, -2, x + 0.25, 0.4, tuple(tone))
    _box(c, -2, 0.4, 2, 2, (92, 60, 38))
    _box(c, -2, -0.75, 2, -0.58, (84, 52, 30))
    _tables(c, (178, 124, 74), 2)
    for x in c.rng.uniform(-0.8, 0.8, 3):
        c.stroke([[x, -1.2], [x, -0.35]], BLACK, 0.015)
        _glow(c, x, -0.3, 0.22, (255, 208, 120))
        c.disc(x, -0.3, 0.06, 0.08, (255, 236, 180))


def _diner(c: Canvas) -> None:
    _box(c, -2, -2, 2, 0.3, (178, 222, 214))
    for row, y in enumerate(np.arange(0.3, 1.5, 0.2)):
        for col, x in enumerate(np.arange(-1.6, 1.6, 0.2)):
            _box(c, x, y, x + 0.2, y + 0.2, WHITE if (row + col) % 2 else (34, 34, 38))
    for x in (-0.65, 0.6):
        x += float(c.rng.normal(0, 0.08))
        _box(c, x - 0.34, -0.25, x + 0.34, 0.5, (196, 36, 44))
        for k in (-0.2, 0.0, 0.2):
            c.stroke([[x + k, -0.22], [x + k, 0.35]], (140, 22, 32), 0.03)
    _box(c, -0.3, 0.14, 0.3, 0.22, (216, 220, 226))
    c.disc(0, -0.65, 0.3, 0.2, (240, 90, 110))
    c.ring(0, -0.65, 0.2, WHITE, 0.03)


def _white(c: Canvas) -> None:
    _box(c, -2, -2, 2, 0.35, (240, 240, 236))
    _box(c, -2, 0.35, 2, 2, (216, 210, 200))
    _box(c, 0.25, -0.75, 0.85, 0.0, (214, 228, 236))
    _tables(c, (250, 248, 244), 2)
    x = float(c.rng.uniform(-0.7, -0.3))
    c.stroke([[x, -1.3], [x, -0.5]], (120, 120, 120), 0.015)
    c.disc(x, -0.45, 0.24, 0.12, (90, 94, 98))
    _box(c, 0.66, 0.2, 0.86, 0.45, (226, 222, 214))
    leaves(c, 9, (94, 146, 96), 0.22, 0.22, (0.76, 0.05))


def _neon(c: Canvas) -> None:
    _box(c, -2, -2, 2, 2, (24, 16, 44))
    _box(c, -2, 0.4, 2, 0.62, (70, 40, 96))
    for k, x in enumerate(np.arange(-0.9, 1.0, 0.2)):
        _box(c, x, 0.1, x + 0.09, 0.4, mix(_BRIGHT[k % 4], BLACK, 0.45))
    for k, (x, y) in enumerate(c.spots(4, 0.7, 0, -0.45)):
        color = _BRIGHT[(k + int(c.rng.integers(4))) % 4]
        _glow(c, x, y, 0.36, color)
        if k % 2:
            c.ring(x, y, 0.17, color, 0.05)
        else:
            zig = np.array([[-0.2, 0.1], [-0.05, -0.12], [0.05, 0.12], [0.2, -0.1]])
            c.stroke(moved(zig, x, y), color, 0.05)


def _seaside(c: Canvas) -> None:
    _box(c, -2, -2, 2, -0.15, (156, 208, 240))
    _box(c, -2, -0.15, 2, 0.32, (38, 120, 170))
    for y in c.rng.uniform(-0.1, 0.3, 7):
        x = float(c.rng.uniform(-0.9, 0.7))
        c.stroke([[x, y], [x + 0.3, y]], (168, 214, 232), 0.02)
    _glow(c, float(c.rng.uniform(-0.7, 0.7)), -0.62, 0.36, (255, 240, 180))
    _box(c, -2, 0.32, 2, 2, (214, 188, 148))
    for x in (-0.45, 0.5):
        x += float(c.rng.normal(0, 0.1))
        c.stroke([[x, -0.4], [x, 0.6]], (240, 236, 224), 0.04)
        c.polygon([[x - 0.45, -0.25], [x, -0.55], [x + 0.45, -0.25]], (226, 90, 70))
        c.polygon([[x - 0.15, -0.25], [x, -0.55], [x + 0.15, -0.25]], WHITE)
    _tables(c, (246, 244, 236), 2, 0.5)


def _books(c: Canvas) -> None:
    _box(c, -2, -2, 2, 2, (96, 66, 44))
    for y in (-0.9, -0.45, 0.0):
        widths = c.rng.uniform(0.06, 0.13, 24)
        tones = c.rng.integers(0, len(_BOOKS), 24)
        for x, width, tone in zip(np.cumsum(widths) - 1.2, widths, tones, strict=True):
            _box(c, x - width, y, x - 0.012, y + 0.38, _BOOKS[tone])
    _box(c, -2, 0.42, 2, 2, (122, 84, 60))
    x = float(c.rng.uniform(-0.4, 0.4))
    _box(c, x - 0.34, 0.1, x + 0.34, 0.7, (70, 110, 100))
    c.disc(x, 0.1, 0.34, 0.16, (86, 128, 116))
    _glow(c, x + 0.5, 0.0, 0.4, (255, 214, 140))
    c.polygon([[x + 0.38, 0.1], [x + 0.62, 0.1], [x + 0.55, -0.1], [x + 0.45, -0.1]], WHITE)


ROOMS: dict[str, Callable[[Canvas], None]] = {
    "candlelit": _candlelit,
    "garden patio": _garden,
    "rustic wood": _rustic,
    "retro diner": _diner,
    "minimalist white": _white,
    "neon bar": _neon,
    "seaside terrace": _seaside,
    "bookish nook": _books,
}

# Colour of the table and how it is patterned.
TABLES: dict[str, tuple[Color, str]] = {
    "candlelit": ((112, 34, 38), "plain"),
    "garden patio": ((188, 196, 172), "planks"),
    "rustic wood": ((136, 92, 56), "planks"),
    "retro diner": ((196, 60, 60), "checks"),
    "minimalist white": ((230, 228, 222), "plain"),
    "neon bar": ((46, 34, 70), "plain"),
    "seaside terrace": ((140, 186, 204), "stripes"),
    "bookish nook": ((116, 80, 56), "stripes"),
}


def paint_table(c: Canvas, ambience: str) -> None:
    """Cover the canvas with the table top of an ambience."""
    base, pattern = TABLES[ambience]
    color: Color = tuple(c.vary(base, 1, 12)[0].tolist())
    c.look(1.0, float(c.rng.uniform(0, np.pi)))
    _box(c, -2, -2, 2, 2, color)
    dark = mix(color, BLACK, 0.16)
    if pattern == "planks":
        for x in np.arange(-1.5, 1.5, 0.42):
            c.stroke([[x, -2], [x, 2]], dark, 0.03)
    elif pattern == "stripes":
        for x in np.arange(-1.5, 1.5, 0.36):
            _box(c, x, -2, x + 0.18, 2, mix(color, WHITE, 0.2))
    elif pattern == "checks":
        for x in np.arange(-1.5, 1.5, 0.36):
            _box(c, x, -2, x + 0.18, 2, WHITE, 90)
            _box(c, -2, x, 2, x + 0.18, WHITE, 90)

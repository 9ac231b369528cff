"""What dishes are built from: vessels, heaps, leaves, noodles, slices."""

from __future__ import annotations

import numpy as np

from demo_world.paint.canvas import Canvas, Color, Floats, mix, moved

BLACK: Color = (20, 16, 14)
WHITE: Color = (252, 250, 244)
LEAF: Color = (74, 138, 52)
SCALLION: Color = (120, 180, 70)
LIME: Color = (168, 206, 74)
_CHINA: tuple[Color, ...] = (
    (246, 243, 236), (232, 226, 214), (206, 220, 226), (60, 70, 86), (196, 168, 140),
    (238, 236, 226), (176, 196, 178), (44, 42, 44),
)  # fmt: skip
_WOOD: tuple[Color, ...] = ((176, 126, 78), (146, 98, 58), (200, 156, 106), (112, 74, 46))


def _pick(c: Canvas, colors: tuple[Color, ...]) -> Color:
    return colors[int(c.rng.integers(len(colors)))]


def shadow(c: Canvas, rx: float, ry: float, x: float = 0.06, y: float = 0.1) -> None:
    """Lay a soft shadow on the table."""
    for grow, alpha in ((1.1, 30), (1.04, 45)):
        c.disc(x, y, rx * grow, ry * grow, BLACK, alpha)


def plate(c: Canvas, color: Color | None = None) -> None:
    """Put down a round plate of radius one."""
    color = color or _pick(c, _CHINA)
    shadow(c, 1.0, 1.0)
    c.disc(0, 0, 1.0, 1.0, color)
    c.disc(0, 0, 0.76, 0.76, mix(color, BLACK, 0.1))
    c.disc(0.01, 0.02, 0.73, 0.73, mix(color, WHITE, 0.12))


def bowl(c: Canvas, filling: Color, color: Color | None = None) -> None:
    """Put down a bowl, filled up to a radius of 0.84."""
    color = color or _pick(c, _CHINA)
    shadow(c, 1.0, 1.0)
    c.disc(0, 0, 1.0, 1.0, color)
    c.disc(0, 0, 0.9, 0.9, mix(color, BLACK, 0.3))
    c.disc(0, 0.02, 0.85, 0.85, mix(filling, BLACK, 0.18))
    c.disc(0, 0.03, 0.81, 0.81, filling)
    c.disc(-0.25, -0.3, 0.4, 0.3, WHITE, 26)


def board(c: Canvas) -> None:
    """Put down a wooden board."""
    color = _pick(c, _WOOD)
    corners = np.array([[-1.05, -0.72], [1.05, -0.72], [1.05, 0.72], [-1.05, 0.72]])
    c.polygon(moved(corners, 0.05, 0.09), BLACK, 70)
    c.polygon(corners, color)
    for y in np.linspace(-0.6, 0.6, 6):
        wave = y + c.rng.normal(0, 0.03, 5)
        c.stroke(np.stack([np.linspace(-1.04, 1.04, 5), wave], 1), mix(color, BLACK, 0.18), 0.02)


def dip(c: Canvas, sauce: Color, x: float, y: float, radius: float = 0.27) -> None:
    """Put down a small bowl of sauce."""
    c.disc(x + 0.02, y + 0.04, radius * 1.06, radius * 1.06, BLACK, 60)
    c.disc(x, y, radius, radius, WHITE)
    c.disc(x, y, radius * 0.8, radius * 0.8, sauce)
    c.disc(x - radius * 0.2, y - radius * 0.25, radius * 0.25, radius * 0.15, WHITE, 70)


def lumps(
    c: Canvas,
    n: int,
    size: tuple[float, float],
    color: Color,
    radius: float = 0.6,
    at: tuple[float, float] = (0.0, 0.0),
    outline: str = "round",
    jitter: float = 14.0,
) -> None:
    """Scatter n pieces, each with a dark underside and a light top."""
    centers = c.spots(n, radius, *at)
    sizes = np.asarray(size) * c.rng.uniform(0.75, 1.25, (n, 1))
    angles = c.rng.uniform(0, 2 * np.pi, n)
    tones = c.vary(color, n, jitter)
    c.stamp(outline, moved(centers, 0.02, 0.035), sizes * 1.06, (tones * 0.62).astype(int), angles)
    c.stamp(outline, centers, sizes, tones, angles)
    if size[0] > 0.07:
        lights = np.minimum(tones + 34, 255)
        c.stamp(outline, centers - (0.02, 0.03), sizes * 0.5, lights, angles, alpha=130)


def grains(c: Canvas, n: int, color: Color, radius: float = 0.66, length: float = 0.055) -> None:
    """Heap small grains over a mound of their colour."""
    c.disc(0.02, 0.05, radius * 1.06, radius * 1.06, mix(color, BLACK, 0.35))
    c.disc(0, 0, radius * 1.03, radius * 1.03, mix(color, BLACK, 0.12))
    c.stamp("round", c.spots(n, radius), (length, length * 0.42), c.vary(color, n, 16))


def specks(c: Canvas, n: int, color: Color, radius: float = 0.6, size: float = 0.022) -> None:
    """Sprinkle."""
    c.stamp("round", c.spots(n, radius), (size, size), c.vary(color, n, 10))


def leaves(
    c: Canvas,
    n: int,
    color: Color = LEAF,
    length: float = 0.17,
    radius: float = 0.5,
    at: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Drop leaves."""
    lumps(c, n, (length, length * 0.45), color, radius, at, "leaf", 16)


def scallions(c: Canvas, n: int, radius: float = 0.6) -> None:
    """Sprinkle green rings."""
    for x, y in c.spots(n, radius):
        c.ring(x, y, float(c.rng.uniform(0.035, 0.06)), SCALLION, 0.028)


def noodles(c: Canvas, n: int, color: Color, radius: float = 0.66, width: float = 0.05) -> None:
    """Lay n strands that curl around the middle."""
    tones = c.vary(color, n, 14).tolist()
    t = np.linspace(0, 1, 7)
    start = c.rng.uniform(0, 2 * np.pi, n)
    reach = c.rng.uniform(0.3, 1.0, n) * radius
    sweep = c.rng.uniform(1.2, 2.8, n)
    off = c.rng.normal(0, 0.14 * radius, (n, 2))
    for i in range(n):
        angle = start[i] + sweep[i] * t
        curve = np.stack([np.cos(angle), np.sin(angle)], 1) * reach[i] + off[i]
        c.stroke(moved(curve, 0.012, 0.022), mix(color, BLACK, 0.42), width * 1.1)
        c.stroke(curve, tuple(tones[i]), width)


def bar(c: Canvas, start: Floats, end: Floats, color: Color, width: float) -> None:
    """Draw a stick with round ends, shaded below and lit above."""
    line = np.stack([start, end])
    shade, light = mix(color, BLACK, 0.35), mix(color, WHITE, 0.35)
    c.stroke(moved(line, 0.02, 0.035), shade, width * 1.05)
    c.stroke(line, color, width)
    for x, y in line:
        c.disc(x, y, width / 2, width / 2, color)
    c.stroke(line - (0, width * 0.18), light, width * 0.25, 150)


def sticks(
    c: Canvas,
    n: int,
    color: Color,
    length: float,
    width: float,
    radius: float = 0.35,
    at: tuple[float, float] = (0.0, 0.0),
    spread: float = np.pi,
) -> None:
    """Pile n sticks; spread is how far their directions differ."""
    centers = c.spots(n, radius, *at)
    angles = c.rng.uniform(-spread / 2, spread / 2, n) + c.rng.uniform(0, np.pi)
    tones = c.vary(color, n, 12).tolist()
    for center, angle, tone in zip(centers, angles, tones, strict=True):
        half = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        bar(c, center - half, center + half, tuple(tone), width)


def wedge(c: Canvas, x: float, y: float, color: Color = LIME, size: float = 0.2) -> None:
    """Put a citrus wedge."""
    angle = c.rng.uniform(0, 2 * np.pi) + np.linspace(0, np.pi, 9)
    arc = np.stack([np.cos(angle), np.sin(angle)], 1)
    c.polygon(arc * size + (x, y), mix(color, BLACK, 0.25))
    c.polygon(arc * size * 0.82 + (x, y), mix(color, WHITE, 0.35))


def egg(c: Canvas, x: float, y: float, size: float = 0.2) -> None:
    """Put an egg, its yolk showing."""
    c.disc(x + 0.02, y + 0.03, size * 1.05, size * 0.9, BLACK, 70)
    c.disc(x, y, size, size * 0.85, WHITE)
    c.disc(x, y, size * 0.55, size * 0.5, (240, 160, 40))
    c.disc(x - size * 0.15, y - size * 0.15, size * 0.15, size * 0.12, WHITE, 150)


def drizzle(c: Canvas, color: Color, radius: float = 0.55, width: float = 0.045) -> None:
    """Draw a zigzag of sauce."""
    x = np.linspace(-radius, radius, 8)
    y = np.where(np.arange(8) % 2, radius * 0.5, -radius * 0.5) + c.rng.normal(0, 0.06, 8)
    c.stroke(np.stack([x, y], 1), color, width, 220)


def few(c: Canvas, low: int, high: int) -> int:
    """Return a number of pieces, both ends included."""
    return int(c.rng.integers(low, high, endpoint=True))


def row(c: Canvas, n: int, step: float, y: float = 0.0) -> list[tuple[float, float]]:
    """Return n places side by side."""
    xs = (np.arange(n) - (n - 1) / 2) * step + c.rng.normal(0, 0.02, n)
    return [(float(x), float(y + d)) for x, d in zip(xs, c.rng.normal(0, 0.03, n), strict=True)]

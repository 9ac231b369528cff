"""A canvas of soft shapes in coordinates of the thing painted, whatever the camera does.

Recipes paint around the origin with a plate of radius one. The camera's affine map is
applied to the outlines, so that turning and zooming cost nothing and lose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float64]
Color = tuple[int, int, int]

_CORNERS = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_CIRCLE = np.stack([np.cos(_CORNERS), np.sin(_CORNERS)], axis=1)
_LEAF_T = np.linspace(0, 1, 7)
_LEAF = np.concatenate(
    [
        np.stack([2 * _LEAF_T - 1, np.sin(np.pi * _LEAF_T)], axis=1),
        np.stack([1 - 2 * _LEAF_T, -np.sin(np.pi * _LEAF_T)], axis=1)[1:-1],
    ]
)
_SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=float)
_GOLDEN = np.pi * (3 - 5**0.5)
OUTLINES = {"round": _CIRCLE, "leaf": _LEAF, "square": _SQUARE}


class Canvas:
    """Paints outlines of many things at once.

    Args:
        side: Side of the square image in pixels.
        background: Colour to start from.
        rng: Where all jitter comes from.
    """

    def __init__(self, side: int, background: Color, rng: np.random.Generator) -> None:
        self.rng = rng
        self.side = side
        self.image = Image.new("RGB", (side, side), background)
        self._draw = ImageDraw.Draw(self.image, "RGBA")
        self.look(1.0)

    def look(
        self,
        zoom: float,
        angle: float = 0.0,
        tilt: float = 1.0,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Point the camera: zoom 1 fits the unit square, tilt below 1 looks from the side."""
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        half = self.side / 2
        self._map = (np.diag([1.0, tilt]) @ turn).T * zoom * half
        self._origin = half * (1 + np.asarray(shift))
        self._unit = zoom * half

    def polygon(self, points: ArrayLike, color: Color, alpha: int = 255) -> None:
        """Fill one outline of (N, 2) points."""
        pixels = np.asarray(points, dtype=float) @ self._map + self._origin
        self._draw.polygon(pixels.ravel().tolist(), fill=(*color, alpha))

    def stroke(
        self, points: ArrayLike, color: Color, width: float = 0.05, alpha: int = 255
    ) -> None:
        """Draw a line through (N, 2) points; the width is in units, too."""
        pixels = np.asarray(points, dtype=float) @ self._map + self._origin
        self._draw.line(
            pixels.ravel().tolist(),
            fill=(*color, alpha),
            width=max(1, round(width * self._unit)),
            joint="curve",
        )

    def disc(
        self, x: float, y: float, rx: float, ry: float, color: Color, alpha: int = 255
    ) -> None:
        """Fill one upright ellipse."""
        self.polygon(_CIRCLE * (rx, ry) + (x, y), color, alpha)

    def ring(self, x: float, y: float, radius: float, color: Color, width: float) -> None:
        """Draw one circle's line."""
        closed = np.concatenate([_CIRCLE, _CIRCLE[:2]])
        self.stroke(closed * radius + (x, y), color, width)

    def stamp(
        self,
        outline: str,
        centers: Floats,
        size: ArrayLike,
        colors: Sequence[Color] | NDArray[np.int64],
        angles: ArrayLike | None = None,
        alpha: int = 255,
    ) -> None:
        """Fill an outline many times.

        Args:
            outline: A name in ``OUTLINES``.
            centers: (M, 2) positions.
            size: Half width and half height, (2,) or (M, 2).
            colors: (M, 3), or one colour.
            angles: (M,) rotations; random when None.
            alpha: 0 to 255.
        """
        n = len(centers)
        if angles is None:
            angles = self.rng.uniform(0, 2 * np.pi, n)
        cos, sin = np.cos(angles), np.sin(angles)
        turn = np.stack([cos, sin, -sin, cos], axis=-1).reshape(-1, 2, 2)
        shape = OUTLINES[outline] * np.broadcast_to(np.asarray(size, float), (n, 2))[:, None]
        pixels = (shape @ turn + centers[:, None]) @ self._map + self._origin
        paints = np.broadcast_to(np.asarray(colors), (n, 3)).tolist()
        for row, paint in zip(pixels.reshape(n, -1).tolist(), paints, strict=True):
            self._draw.polygon(row, fill=(*paint, alpha))

    def spots(self, n: int, radius: float, x: float = 0.0, y: float = 0.0) -> Floats:
        """Return (n, 2) positions spread evenly, but not regularly, over a disc."""
        order = np.arange(n)
        distance = radius * np.sqrt((order + 0.5) / n)
        angle = _GOLDEN * order + self.rng.uniform(0, 2 * np.pi)
        spread = np.stack([np.cos(angle), np.sin(angle)], axis=1) * distance[:, None]
        return spread + self.rng.normal(0, 0.18 * radius / np.sqrt(n), (n, 2)) + (x, y)

    def vary(self, color: Color, n: int, amount: float = 12.0) -> NDArray[np.int64]:
        """Return (n, 3) colours around one: lighter and darker, a little redder or bluer."""
        light = self.rng.normal(0, amount, (n, 1))
        tint = self.rng.normal(0, amount / 3, (n, 3))
        return np.clip(np.asarray(color) + light + tint, 0, 255).astype(np.int64)


def mix(first: Color, second: Color, share: float) -> Color:
    """Return a colour between two; share 0 is the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def moved(points: ArrayLike, dx: float, dy: float) -> Floats:
    """Return (N, 2) points, shifted."""
    return np.asarray(points, dtype=float) + np.array([dx, dy])

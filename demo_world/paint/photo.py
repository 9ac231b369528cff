"""Take a photo: a subject, a room, a camera, and everything that goes wrong."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from demo_world.paint.bowls import BOWLS
from demo_world.paint.canvas import Canvas, Color, Floats
from demo_world.paint.grill import GRILL
from demo_world.paint.plates import PLATES
from demo_world.paint.rooms import ROOMS, paint_table
from demo_world.paint.toppings import BLACK, WHITE

DISH_PAINTERS = {**BOWLS, **PLATES, **GRILL}
_LARGEST_FILE = 4000  # one block of a file system
_DRINKS: tuple[Color, ...] = ((214, 150, 60), (190, 60, 70), (220, 228, 230), (90, 52, 34))


def paint_photo(
    subject: str, ambience: str, camera: Floats, side: int, rng: np.random.Generator
) -> bytes:
    """Paint one photo.

    Args:
        subject: Name of a dish, or of the ambience itself for a photo of the room.
        ambience: Name of the ambience; gives a dish its table and light.
        camera: (4,) the photographer's ways, each around 0: warmth, exposure, closeness, tilt.
        side: Side of the image in pixels.
        rng: Where all jitter comes from.

    Returns:
        A JPEG of at most 4,000 bytes.
    """
    canvas = Canvas(2 * side, BLACK, rng)
    if subject in DISH_PAINTERS:
        _dish(canvas, subject, ambience, camera)
    else:
        _room(canvas, subject, camera)
    return _encode(_develop(canvas.image, side, camera, rng))


def _dish(c: Canvas, subject: str, ambience: str, camera: Floats) -> None:
    rng = c.rng
    paint_table(c, ambience)
    _neighbours(c)
    tilt = float(np.clip(0.84 + 0.1 * camera[3] + rng.normal(0, 0.06), 0.62, 1.0))
    zoom = float(np.clip(0.8 * np.exp(0.16 * camera[2] + rng.normal(0, 0.13)), 0.5, 1.4))
    lean = 0.25 if subject.endswith("burger") else 3.0
    shift = tuple((rng.normal(0, 0.14, 2) * max(zoom, 0.8)).tolist())
    c.look(zoom, float(rng.uniform(-lean, lean)), tilt, shift)
    DISH_PAINTERS[subject](c)
    if rng.random() < 0.35:
        _in_front(c)


def _room(c: Canvas, subject: str, camera: Floats) -> None:
    rng = c.rng
    zoom = float(np.clip(1.05 * np.exp(0.1 * camera[2] + rng.normal(0, 0.1)), 0.9, 1.5))
    shift = tuple(rng.normal(0, 0.08, 2).tolist())
    c.look(zoom, float(rng.normal(0, 0.05)), 1.0, shift)
    ROOMS[subject](c)


def _neighbours(c: Canvas) -> None:
    """Put another plate or a glass at the edge of the table."""
    rng = c.rng
    if rng.random() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        x, y = 1.05 * np.cos(angle), 1.05 * np.sin(angle)
        c.look(1.0)
        radius = float(rng.uniform(0.25, 0.45))
        drink = _DRINKS[int(rng.integers(len(_DRINKS)))]
        c.disc(x + 0.04, y + 0.06, radius, radius, BLACK, 60)
        c.disc(x, y, radius, radius, (236, 236, 232))
        c.disc(x, y, radius * 0.8, radius * 0.8, drink)


def _in_front(c: Canvas) -> None:
    """Let something come between: cutlery, a shadow, a glass."""
    rng = c.rng
    c.look(1.0, float(rng.uniform(0, 2 * np.pi)))
    kind = int(rng.integers(3))
    if kind == 0:
        for dx in (0.0, 0.13):
            tip = 0.35 + float(rng.uniform(-0.1, 0.4))
            c.stroke([[tip, dx], [1.6, dx * 2]], (176, 132, 84) if dx else (150, 108, 66), 0.06)
    elif kind == 1:
        c.disc(0.8, 0.2, 0.7, 1.0, BLACK, 90)
    else:
        c.disc(0.85, 0, 0.42, 0.42, WHITE, 90)
        c.disc(0.85, 0, 0.36, 0.36, _DRINKS[int(rng.integers(len(_DRINKS)))], 170)


def _develop(
    image: Image.Image, side: int, camera: Floats, rng: np.random.Generator
) -> Image.Image:
    """Shrink, blur, light, tint and add grain."""
    small = image.resize((side, side), Image.Resampling.BOX)
    blur = float(rng.exponential(0.35))
    if blur > 0.3:
        small = small.filter(ImageFilter.GaussianBlur(min(blur, 1.8)))
    warmth = 0.07 * camera[0] + rng.normal(0, 0.05)
    gain = np.exp(0.14 * camera[1] + rng.normal(0, 0.13)) * np.array([1 + warmth, 1, 1 - warmth])
    ramp = np.linspace(-1, 1, side)
    slope = rng.normal(0, 0.12, 2)
    light = (1 + slope[0] * ramp[:, None] + slope[1] * ramp[None, :])[:, :, None] * gain
    contrast = np.float32(np.exp(rng.normal(0, 0.1)))
    pixels = np.asarray(small, dtype=np.float32) * contrast
    pixels += 128 * (1 - contrast)
    pixels *= light.astype(np.float32)
    grain = rng.standard_normal((side, side, 1), dtype=np.float32)
    pixels += grain * np.float32(rng.uniform(1, 6))
    np.clip(pixels, 0, 255, out=pixels)
    return Image.fromarray(pixels.astype(np.uint8), "RGB")


def _encode(image: Image.Image) -> bytes:
    """Return the JPEG of the best quality that fits one block of a file system."""
    for quality in (82, 74, 66, 56, 44, 30):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= _LARGEST_FILE:
            break
    return buffer.getvalue()

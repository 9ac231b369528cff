"""Photos of the world's dishes and rooms, painted from recipes."""

from demo_world.paint.photo import DISH_PAINTERS, paint_photo
from demo_world.paint.rooms import ROOMS

__all__ = ["DISH_PAINTERS", "ROOMS", "paint_photo"]

"""The demo world: a small town of known truth, drawn from a seed."""

from demo_world.drawing import World, draw_world
from demo_world.settings import WorldSettings
from demo_world.truth import Label, WorldTruth
from demo_world.writing import write_world

__all__ = ["Label", "World", "WorldSettings", "WorldTruth", "draw_world", "write_world"]

"""The demo world: a small town of known truth, drawn from a seed."""

from recbole_showcase.world.drawing import World, draw_world
from recbole_showcase.world.settings import WorldSettings
from recbole_showcase.world.truth import Label, WorldTruth
from recbole_showcase.world.writing import write_world

__all__ = ["Label", "World", "WorldSettings", "WorldTruth", "draw_world", "write_world"]

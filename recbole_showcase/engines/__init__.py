"""Where work is done: in this process, in several of this machine, or on a cluster of ray's."""

from recbole_showcase.engines.engine import Crew, Engine, choose_engine

__all__ = ["Crew", "Engine", "choose_engine"]

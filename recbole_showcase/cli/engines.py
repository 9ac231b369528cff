"""The options that say where the work of a command is done."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Place(StrEnum):
    """Where work is done."""

    local = "local"
    ray = "ray"


EngineOption = Annotated[
    Place, typer.Option(help="Where the work is done: this machine, or a cluster of ray's.")
]
RayAddressOption = Annotated[
    str | None,
    typer.Option(
        help="Of the cluster, such as 10.0.0.1:6379, or auto for one that runs on this machine; by "
        "default RAY_ADDRESS, or a new one of this machine alone."
    ),
]

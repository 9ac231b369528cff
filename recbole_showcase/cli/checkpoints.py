"""Options of commands that read a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataPath = Annotated[
    Path | None,
    typer.Option(help="Folder of the data set's folder, when not where training found it."),
]
AllowPath = Annotated[
    list[Path] | None,
    typer.Option(
        help="File or folder outside the working directory that the checkpoint's settings may "
        "name, such as a lexicon; again for several. What your own trainings chose is allowed."
    ),
]
PhotoFolder = Annotated[
    Path | None, typer.Option(help="Photo folder, when it is not where training found it.")
]
Device = Annotated[str | None, typer.Option(help="Such as cpu or cuda:0.")]

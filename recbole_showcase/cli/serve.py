"""``recbole-showcase serve``: a trained model behind HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from recbole_showcase.cli.checkpoints import DataPath, Device, PhotoFolder
from recbole_showcase.errors import SettingsError

KEY = "RECBOLE_SHOWCASE_API_KEY"


def serve(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint that training saved.")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for all of the machine's.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for a free one.")
    ] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Name that a service without a key answers to, beside addresses and localhost; "
            "again for several."
        ),
    ] = None,
    max_batch: Annotated[
        int, typer.Option(min=1, help="Pairs that are explained together at most.")
    ] = 32,
    max_wait: Annotated[
        float, typer.Option(min=0, max=1, help="Seconds that a request waits for others to join.")
    ] = 0.005,
    deadline: Annotated[
        float,
        typer.Option(
            min=0.001,
            max=60,
            help="Seconds after which an answer goes without its text, unless a request says.",
        ),
    ] = 5.0,
    capacity: Annotated[
        int, typer.Option(min=1, help="Pairs accepted and unanswered; more is refused with 503.")
    ] = 512,
    watch: Annotated[
        float,
        typer.Option(min=0, help="Seconds between two looks at checkpoint and features; 0: none."),
    ] = 5.0,
    data_path: DataPath = None,
    photos: PhotoFolder = None,
    device: Device = None,
) -> None:
    """Answer requests for recommendations and showcases, and show them on a page.

    A key that requests have to show is read from RECBOLE_SHOWCASE_API_KEY; without one, requests
    that name another host than this machine's are refused. A new checkpoint, and
    new data once it is embedded, are taken up without a lost request; SIGHUP loads both at once.
    SIGTERM and Ctrl-C end the service when what was accepted is answered.
    """
    from recbole_showcase.arguments import check_device, check_file
    from recbole_showcase.errors import CheckpointError
    from recbole_showcase.serving.options import ServeOptions

    key, hosts = os.environ.get(KEY) or None, tuple(allow_host or ())
    options = ServeOptions(max_batch, max_wait, deadline, capacity, watch, key, hosts)
    check_file(CheckpointError, "checkpoint", checkpoint)
    if device is not None:
        check_device(SettingsError, device)
    try:
        from recbole_showcase.serving.run import serve as run
    except ModuleNotFoundError as error:
        if error.name not in ("fastapi", "uvicorn", "prometheus_client"):
            raise
        raise SettingsError(
            f"serve needs {error.name}, which is not installed: pip install "
            "'recbole_showcase[serve]'"
        ) from error
    run(checkpoint, host, port, options, device=device, photo_folder=photos, data_path=data_path)

"""The server: a socket, the signals, and a model that is loaded before anybody is let in."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from recbole_showcase.console import is_quiet, is_verbose, working
from recbole_showcase.errors import SettingsError
from recbole_showcase.serving.app import create_app
from recbole_showcase.serving.hosts import is_address
from recbole_showcase.serving.options import MAX_CONNECTIONS, ServeOptions
from recbole_showcase.serving.served import Served
from recbole_showcase.serving.service import Service

_KEPT_OPEN = 75  # seconds, longer than proxies keep a connection


def serve(
    checkpoint: str | Path,
    host: str = "127.0.0.1",
    port: int = 8000,
    options: ServeOptions | None = None,
    **how: Any,
) -> None:
    """Serve a checkpoint until SIGTERM or Ctrl-C; what was accepted by then is answered.

    SIGHUP loads the checkpoint again.

    Args:
        checkpoint: The file that training saved.
        host: Address to listen at; ``0.0.0.0`` for all of the machine's. A name is one that the
            service answers to.
        port: Port to listen at; 0 for a free one, which the log names.
        options: How the service works.
        how: As :func:`~recbole_showcase.load_explainer` takes it; all that the files hold is known
            unless ``known`` says otherwise.

    Raises:
        SettingsError: If the address cannot be had.
        CheckpointError: As in :func:`~recbole_showcase.load_explainer`.
        DataError: As in :func:`~recbole_showcase.load_explainer`.
    """
    checkpoint, options = Path(checkpoint), options or ServeOptions()

    def load() -> Served:
        return Served.load(checkpoint, **{"known": "now"} | how)

    with _bound(host, port) as place:  # before the model is loaded, which takes long
        if host and not is_address(host):
            options = replace(options, hosts=(*options.hosts, host))
        with working("Loading the model and its data"):
            served = load()
        service = Service(served, options, checkpoint, load)
        config = uvicorn.Config(
            create_app(service),
            log_level=logging.WARNING if is_quiet() else logging.INFO,
            access_log=is_verbose(),
            timeout_keep_alive=_KEPT_OPEN,
            limit_concurrency=MAX_CONNECTIONS,
            server_header=False,
            ws="none",
            lifespan="on",
        )
        before = signal.signal(signal.SIGHUP, lambda *_: service.reloader.ask())
        try:
            with contextlib.suppress(KeyboardInterrupt):  # raised again once all is answered
                uvicorn.Server(config).run(sockets=[place])
        finally:
            signal.signal(signal.SIGHUP, before)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has an address; nobody can connect before the server listens.

    Raises:
        SettingsError: If the address is another's, or none of this machine's.
    """
    place = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        place = socket.socket(family, kind)
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
    except (OSError, UnicodeError) as error:  # a name of a host may be no name at all
        if place is not None:
            place.close()
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{host}, port {port}, cannot be listened at: {reason}") from error
    return place

"""The application: routes, errors in one line, and what runs beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from recbole_showcase.errors import one_line
from recbole_showcase.resources import __version__
from recbole_showcase.serving.api import api, probes
from recbole_showcase.serving.guard import Guard
from recbole_showcase.serving.page import page
from recbole_showcase.serving.refusals import Refusal
from recbole_showcase.serving.service import Service

_STEP = 64  # characters of a step to where a fault is


def create_app(service: Service) -> FastAPI:
    """The routes of a service; it runs as long as the application's lifespan.

    FastAPI's own pages of documentation load scripts of another host, so they are off: the page
    ``/docs`` is ours, from the same ``/openapi.json``.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="recbole_showcase",
        version=__version__,
        summary="Recommendations with photos and words that say why.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    for router in (probes, api, page):
        app.include_router(router)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    key = service.options.api_key
    app.add_middleware(
        Guard,
        key=key,
        metrics=service.metrics,
        version=lambda: service.batcher.served.headers,
        hosts=None if key else frozenset(name.lower() for name in service.options.hosts),
    )
    return app


async def _refused(_: Request, error: Any) -> JSONResponse:
    return JSONResponse({"error": str(error)}, error.status, headers=error.headers)


async def _malformed(_: Request, error: Any) -> JSONResponse:
    """Where the first fault is and what is allowed; what was given is not sent back."""
    first = error.errors()[0]
    place = ".".join(str(step)[:_STEP] for step in first["loc"])  # a key may be anything
    return JSONResponse({"error": one_line(f"{place}: {first['msg']}")}, 422)


async def _http_error(_: Request, error: Any) -> JSONResponse:
    return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)

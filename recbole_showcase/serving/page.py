"""The page for people: the gallery's parts around what is asked for now, and the list of routes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from recbole_showcase import gallery
from recbole_showcase.gallery.page import environment, top_relevance
from recbole_showcase.serving.api import Asked, profile_job
from recbole_showcase.serving.batcher import Answer
from recbole_showcase.serving.jobs import Recommend
from recbole_showcase.serving.options import (
    MAX_ID,
    MAX_OWN_PHOTOS,
    MAX_PHOTO_BYTES,
    MAX_REVIEW,
    MAX_REVIEWS,
)
from recbole_showcase.serving.refusals import NotFound, Refusal
from recbole_showcase.serving.schemas import ProfileRequest, photo_url
from recbole_showcase.showcase import UserShowcase

page = APIRouter(include_in_schema=False)
_MOST_SHOWN, _PAST_SHOWN, _USERS_SHOWN = 12, 12, 20
_FILES: dict[str, tuple[ModuleType | str, str, str]] = {
    "gallery.css": (gallery, "templates/style.css", "text/css"),
    "page.css": ("recbole_showcase.serving", "static/page.css", "text/css"),
    "page.js": ("recbole_showcase.serving", "static/page.js", "text/javascript"),
}


@page.get("/", response_class=HTMLResponse)
async def start(
    service: Asked,
    user: Annotated[str, Query(max_length=MAX_ID)] = "",
    k: Annotated[int, Query(ge=1, le=_MOST_SHOWN)] = 5,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> HTMLResponse:
    """Who is to be asked for, and what is recommended to whom was asked for."""
    served = service.batcher.served
    status, problem, shown, answer = 200, "", None, None
    if user:
        try:
            answer = await service.answer(Recommend(user, k), None)
            served = answer.served
            shown = await run_in_threadpool(_user_page, answer, user)
        except Refusal as error:
            status, problem = error.status, str(error)
    search = user if problem else ""
    total, users = await run_in_threadpool(served.find_users, search, offset, _USERS_SHOWN)
    content = _render(
        "start.html",
        [] if shown is None else [shown],
        served=served,
        missing=answer.missing if answer else None,
        user=user,
        shown=shown,
        problem=problem,
        k=k,
        n_users=total,
        listed=users,
        offset=offset,
        step=_USERS_SHOWN,
    )
    return HTMLResponse(content, status, headers=served.headers)


@page.post("/page/profile", response_class=HTMLResponse)
async def typed(asked: ProfileRequest, service: Asked) -> HTMLResponse:
    """The cards of somebody who is in no file, to be put into the page."""
    answer = await service.answer(await profile_job(asked, service), asked.deadline_ms)
    cards = await run_in_threadpool(answer.showcases)
    users = [UserShowcase("", (), tuple(cards), ())]
    content = _render("cards.html", users, cards=cards, missing=answer.missing)
    return HTMLResponse(content, headers=answer.served.headers)


@page.get("/favicon.ico")
async def icon() -> Response:
    """There is none, which browsers ask for on their own."""
    return Response(status_code=204)


@page.get("/static/{name}")
async def static(name: str) -> Response:
    """One of three files of this package."""
    if name not in _FILES:
        raise NotFound("there is no such file")
    package, path, kind = _FILES[name]
    return Response(
        files(package).joinpath(path).read_bytes(),
        media_type=kind,
        headers={"cache-control": "no-cache"},
    )


@page.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """The routes and their schemas, without a script."""
    return HTMLResponse(_render("docs.html", [], schema=request.app.openapi()))


def _user_page(answer: Answer, user: str) -> UserShowcase:
    served = answer.served
    past = served.recommender.history(served.user(user))
    return UserShowcase(user, past[:_PAST_SHOWN], tuple(answer.showcases()), ())


def _render(name: str, users: Sequence[UserShowcase], **given: Any) -> str:
    limits = {
        "photos": MAX_OWN_PHOTOS,
        "photo_bytes": MAX_PHOTO_BYTES,
        "text": MAX_REVIEW,
        "reviews": MAX_REVIEWS,
    }
    template = _environment().get_template(name)
    return template.render(top_relevance=top_relevance(users), limits=limits, **given)


@cache
def _environment() -> Environment:
    found = environment("recbole_showcase.serving")
    found.globals["photo_url"] = photo_url
    return found

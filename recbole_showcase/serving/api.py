"""The JSON routes: recommend, explain, look up, photos."""

from __future__ import annotations

import base64
import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from recbole_showcase.errors import DataError, ShowcaseError, one_line
from recbole_showcase.serving.batcher import Answer
from recbole_showcase.serving.jobs import Explain, Job, Profile, Recommend
from recbole_showcase.serving.metrics import CONTENT_TYPE
from recbole_showcase.serving.options import (
    MAX_ID,
    MAX_PHOTO_BYTES,
    PAGE_ROWS,
    PHOTO_PIXELS,
)
from recbole_showcase.serving.refusals import Keyless, Malformed, NotFound, NotHere, NotServable
from recbole_showcase.serving.schemas import (
    ErrorOut,
    ExplainRequest,
    ItemPhotosOut,
    ItemsOut,
    PhotoOut,
    ProfileRequest,
    RecommendRequest,
    RefreshOut,
    ReviewOut,
    ShowcaseOut,
    ShowcasesOut,
    StateOut,
    UserOut,
    UsersOut,
    photo_url,
)
from recbole_showcase.serving.served import PHOTO_SIDES
from recbole_showcase.serving.service import Service

_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorOut, "description": "The key is missing or another."},
    404: {"model": ErrorOut, "description": "Who or what is asked for is not there."},
    421: {"model": ErrorOut, "description": "Without a key, the request names another host."},
    422: {"model": ErrorOut, "description": "The request is of another form."},
}
_ASKED = _ERRORS | {
    408: {"model": ErrorOut, "description": "The body took too long to come."},
    413: {"model": ErrorOut, "description": "The body is too large."},
    503: {"model": ErrorOut, "description": "Too much is asked for at once; see Retry-After."},
}
_OF_PROFILES = _ASKED | {
    501: {"model": ErrorOut, "description": "The encoder of the data is not on this machine."}
}
_REFRESHED: dict[int | str, dict[str, Any]] = {
    401: _ERRORS[401],
    421: _ERRORS[421],
    403: {"model": ErrorOut, "description": "The service has no key."},
    409: {"model": ErrorOut, "description": "The data cannot be served as it is; the old stays."},
}
probes = APIRouter(tags=["state"])
api = APIRouter(prefix="/v1", tags=["showcases"])

Id = Annotated[str, Query(min_length=1, max_length=MAX_ID)]
Search = Annotated[str, Query(max_length=MAX_ID, description="Part of an id or an item's name.")]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS)]


def service_of(request: Request) -> Service:
    """The service that a request is for."""
    found: Service = request.app.state.service
    return found


Asked = Annotated[Service, Depends(service_of)]


@probes.get("/live", response_model_exclude_none=True)
async def live(service: Asked, response: Response) -> StateOut:
    """Whether the process still works; start it again if not."""
    response.status_code = 200 if service.works else 503
    return StateOut(status="live" if service.works else "broken")


@probes.get("/ready")
async def ready(service: Asked, response: Response) -> StateOut:
    """Whether requests may come."""
    served = service.batcher.served
    response.status_code = 200 if service.ready else 503
    status = "ready" if service.ready else "closing"
    return StateOut(status=status, model=served.model, data=served.data)


@probes.get("/metrics", response_class=Response)
async def metrics(service: Asked) -> Response:
    """For Prometheus: stages, batches, late and failed texts, refused requests, reloads."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)


@api.post("/recommend", responses=_ASKED)
async def recommend(asked: RecommendRequest, service: Asked, response: Response) -> ShowcasesOut:
    """The best new items of a user with their scores, and what speaks for each."""
    job = Recommend(asked.user, asked.k)
    return await _showcases(service, response, job, asked.deadline_ms, explain=asked.explain)


@api.post("/explain", responses=_ASKED)
async def explain(asked: ExplainRequest, service: Asked, response: Response) -> ShowcasesOut:
    """Showcases of pairs, in their order; of several pairs, those that are not known say so."""
    pairs = [(p.user, p.item, tuple(p.photos) if p.photos else None) for p in asked.pairs]
    return await _showcases(service, response, Explain(tuple(pairs)), asked.deadline_ms)


@api.post("/profile", responses=_OF_PROFILES)
async def profile(asked: ProfileRequest, service: Asked, response: Response) -> ShowcasesOut:
    """Showcases for somebody who is in no file, by what they say and show of their taste."""
    job = await profile_job(asked, service)
    return await _showcases(service, response, job, asked.deadline_ms)


@api.post("/refresh", responses=_REFRESHED)
async def refresh(service: Asked) -> RefreshOut:
    """Read the data set's files again, and answer from what they hold now; the model stays."""
    if service.options.api_key is None:
        raise Keyless("a refresh is asked for with a key, and this service has none; SIGHUP does")
    try:
        served = await service.reloader.refresh()
    except ShowcaseError as error:
        raise NotServable(one_line(str(error))) from error
    n_users, n_items, n_photos = served.sizes
    return RefreshOut(
        model=served.model, data=served.data, users=n_users, items=n_items, photos=n_photos
    )


@api.get("/users", responses=_ERRORS)
async def users(
    service: Asked, search: Search = "", offset: Offset = 0, limit: Limit = 20
) -> UsersOut:
    """Users whose id has a text in it, whatever its case."""
    served = service.batcher.served
    total, found = await run_in_threadpool(served.find_users, search, offset, limit)
    return UsersOut(model=served.model, data=served.data, total=total, users=found)


@api.get("/user", responses=_ERRORS)
async def user(service: Asked, id: Id, offset: Offset = 0, limit: Limit = 20) -> UserOut:
    """What is known of a user's past: reviews with a text or photos, the latest first."""
    served = service.batcher.served
    number = served.user(id)
    if not number:
        raise NotFound(f"user '{one_line(id)}' is not in the data set")
    reviews = await run_in_threadpool(served.recommender.history, number)
    page = [ReviewOut.of(review) for review in reviews[offset : offset + limit]]
    return UserOut(model=served.model, data=served.data, user=id, total=len(reviews), reviews=page)


@api.get("/items", responses=_ERRORS)
async def items(
    service: Asked, search: Search = "", offset: Offset = 0, limit: Limit = 20
) -> ItemsOut:
    """Items whose id or name has a text in it, whatever its case."""
    served = service.batcher.served
    total, found = await run_in_threadpool(served.find_items, search, offset, limit)
    return ItemsOut(model=served.model, data=served.data, total=total, items=found)


@api.get("/item", responses=_ERRORS)
async def item(service: Asked, id: Id, offset: Offset = 0, limit: Limit = 20) -> ItemPhotosOut:
    """An item with its photos, the first posted first, then those without a time."""
    served = service.batcher.served
    number = served.item(id)
    if not number:
        raise NotFound(f"item '{one_line(id)}' is not in the data set")
    every = served.photos_of(number)
    tokens = served.photo_tokens(every[offset : offset + limit])
    photos = [PhotoOut(id=token, url=photo_url(token)) for token in tokens]
    return ItemPhotosOut(
        model=served.model,
        data=served.data,
        item=served.item_out(number),
        total=len(every),
        photos=photos,
    )


@api.get(
    "/photo",
    response_class=Response,
    responses=_ERRORS | {200: {"content": {"image/jpeg": {}}, "description": "The photo."}},
)
async def photo(service: Asked, id: Id, side: int = PHOTO_SIDES[-1]) -> Response:
    """A photo by its id, as a JPEG of which nothing but the picture is the file's."""
    if side not in PHOTO_SIDES:
        raise Malformed(f"side is {side}; allowed: {', '.join(map(str, PHOTO_SIDES))}")
    jpeg = await run_in_threadpool(service.batcher.served.jpeg, id, side)
    if jpeg is None:
        raise NotFound(f"there is no photo '{one_line(id)}' that can be shown")
    return Response(
        jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"}
    )


async def profile_job(asked: ProfileRequest, service: Service) -> Profile:
    """What the model is asked, the photos decoded.

    Raises:
        NotHere: If the encoder of the features is not on this machine.
        Malformed: If a photo is none.
    """
    served = service.batcher.served
    if not served.takes_profiles:
        raise NotHere("the encoder of the data is not on this machine: profiles are not answered")
    contents = [_bytes(number, photo) for number, photo in enumerate(asked.photos)]
    pixels = served.recommender.newcomers.pixels
    try:
        async with service.decoding:
            own = await run_in_threadpool(pixels, contents, PHOTO_PIXELS)
    except DataError as error:
        raise Malformed(str(error)) from error
    items = None
    if asked.items is not None:
        items = tuple((i.item, tuple(i.photos) if i.photos else None) for i in asked.items)
    texts = tuple(text for text in asked.reviews if text.strip())
    return Profile(texts, own, items, asked.k)


def showcases_of(answer: Answer) -> list[ShowcaseOut]:
    """An answer's showcases in the order of the job, those with an error among them."""
    found = {
        int(place): ShowcaseOut.of(showcase, answer.missing, texts=answer.written is not None)
        for place, showcase in zip(answer.chosen.places, answer.showcases(), strict=True)
    }
    for place, (user, item, error) in answer.chosen.errors.items():
        found[place] = ShowcaseOut(user=user, item=item, error=error)
    return [found[place] for place in sorted(found)]


async def _showcases(
    service: Service,
    response: Response,
    job: Job,
    deadline_ms: int | None,
    *,
    explain: bool = True,
) -> ShowcasesOut:
    answer = await service.answer(job, deadline_ms, explain)
    found = await run_in_threadpool(showcases_of, answer)
    response.headers.update(answer.served.headers)  # it may not be the one that answers now
    return ShowcasesOut(model=answer.served.model, data=answer.served.data, showcases=found)


def _bytes(number: int, photo: str) -> bytes:
    with contextlib.suppress(ValueError):  # of another alphabet, or of another length
        content = base64.b64decode(photo, validate=True)
        if len(content) > MAX_PHOTO_BYTES:
            raise Malformed(
                f"photos[{number}] has {len(content):,} bytes; {MAX_PHOTO_BYTES:,} are allowed"
            )
        return content
    raise Malformed(f"photos[{number}] is no base64")

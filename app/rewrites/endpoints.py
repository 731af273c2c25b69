"""Rewrites over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from app.auth import ReadSession, Writer
from app.engine import EngineDep
from app.errors import request_id
from app.inference.types import Heard
from app.presence import ClientGone, while_present
from app.rewrites import service, streaming
from app.rewrites.failures import CallerGone
from app.rewrites.repository import Owned
from app.rewrites.schemas import RewriteRequest, RewriteView
from app.rewrites.service import Ask, Plan
from app.schemas import Cursor, Limit, Page, UserPath

router = APIRouter(prefix="/v1", tags=["rewrites"])


STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": streaming.__doc__}
}
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Nobody on the way may hold a stream back until it is whole."""


@router.post("/rewrite", response_model=RewriteView, responses=STREAM)
async def create(body: RewriteRequest, who: Writer, engine: EngineDep, request: Request) -> RewriteView | Response:
    """Write a text anew in a person's voice. Scores follow within seconds at `GET /v1/rewrites/{rewrite_id}`.

    With `stream` it is heard as server-sent events while it is written: `start`, `text` and `replace`, `done` or
    `error`. Closing the connection ends the writing.
    """
    ask = Ask(body.user_id, **body.model_dump(exclude={"user_id", "stream"}))
    try:
        if body.stream:
            return await _stream(service.stream(engine, who.tenant_id, ask), request)
        return RewriteView.of(*await while_present(request, service.rewrite(engine, who.tenant_id, ask)))
    except ClientGone as error:
        raise CallerGone("the connection was closed", remedy="Nothing was stored; ask again if need be.") from error


async def _stream(pieces: AsyncGenerator[Plan | Heard | Owned, None], request: Request) -> Response:
    """What fails before anything is told is answered with its own status."""
    first = await while_present(request, anext(pieces))

    async def whole() -> AsyncIterator[Plan | Heard | Owned]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    told = streaming.events(whole(), request_id(request))
    return StreamingResponse(told, media_type="text/event-stream", headers=HEADERS)


@router.get("/rewrites/{rewrite_id}")
def read(rewrite_id: str, session: ReadSession) -> RewriteView:
    return RewriteView.of(*service.get(session, rewrite_id))


@router.get("/users/{user}/rewrites")
def read_page(user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[RewriteView]:
    """A person's rewrites, newest first."""
    rows, following = service.page(session, user, cursor, limit)
    return Page(items=[RewriteView.of(row, user) for row in rows], next=following)

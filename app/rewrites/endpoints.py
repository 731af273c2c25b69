"""Rewrites over HTTP."""

from fastapi import APIRouter

from app.auth import ReadSession, Writer
from app.engine import EngineDep
from app.rewrites import service
from app.rewrites.schemas import RewriteRequest, RewriteView
from app.rewrites.service import Ask
from app.schemas import Cursor, Limit, Page, UserPath

router = APIRouter(prefix="/v1", tags=["rewrites"])


@router.post("/rewrite")
async def create(body: RewriteRequest, who: Writer, engine: EngineDep) -> RewriteView:
    """Write a text anew in a person's voice. Scores follow within seconds at `GET /v1/rewrites/{rewrite_id}`."""
    ask = Ask(body.user_id, **body.model_dump(exclude={"user_id"}))
    return RewriteView.of(*await service.rewrite(engine, who.tenant_id, ask))


@router.get("/rewrites/{rewrite_id}")
def read(rewrite_id: str, session: ReadSession) -> RewriteView:
    return RewriteView.of(*service.get(session, rewrite_id))


@router.get("/users/{user}/rewrites")
def read_page(user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[RewriteView]:
    """A person's rewrites, newest first."""
    rows, following = service.page(session, user, cursor, limit)
    return Page(items=[RewriteView.of(row, user) for row in rows], next=following)

"""`/v1/users`: people by the tenant's own id."""

from fastapi import APIRouter, Response

from app.auth import ReadSession, Writer, WriteSession
from app.engine import EngineDep
from app.schemas import Cursor, Limit, Page, UserPath
from app.users import service
from app.users.schemas import Receipt, UserCreate, UserView

router = APIRouter(prefix="/v1/users", tags=["users"])


@router.post("", status_code=201)
def create(body: UserCreate, session: WriteSession, response: Response) -> UserView:
    user = service.create(session, body.id, body.display_name)
    response.headers["ETag"] = user.etag
    return UserView.of(user)


@router.get("")
def page(session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[UserView]:
    """Newest first."""
    users, following = service.page(session, cursor, limit)
    return Page(items=[UserView.of(user) for user in users], next=following)


@router.get("/{user}")
def get(user: UserPath, session: ReadSession, response: Response) -> UserView:
    row = service.get(session, user)
    response.headers["ETag"] = row.etag
    return UserView.of(row)


@router.delete("/{user}")
async def erase(user: UserPath, who: Writer, engine: EngineDep) -> Receipt:
    """Erases the person with all samples, rewrites, feedback, jobs, adapter versions and files."""
    return await service.erase_everywhere(engine, who.tenant_id, user)

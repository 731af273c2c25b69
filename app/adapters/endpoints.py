"""`/v1/users/{user}/adapters`: the registry of a person's versions; and `adapter:warm`, for the one in use."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from sqlalchemy.orm import Session

from app.adapters import exchange, service, warming
from app.adapters.schemas import AdapterView, Pointer, Warmed
from app.adapters.service import ANY, Expected
from app.auth import Reader, ReadSession, Trainer, TrainSession, Writer
from app.engine import EngineDep
from app.errors import Unprocessable
from app.models import User
from app.schemas import Cursor, Limit, Page, UserPath
from app.users import service as users

router = APIRouter(prefix="/v1/users/{user}", tags=["adapters"])


class InvalidIfMatch(Unprocessable):
    type = "invalid-if-match"
    title = "The If-Match header is not an ETag of ours"


def expected_version(
    if_match: Annotated[str | None, Header(description='the ETag of the versions you saw, such as `"3"`')] = None,
) -> Expected:
    """The version the caller believes active; `"0"` is the base model."""
    if if_match is None or if_match.strip() == "*":
        return ANY
    match = re.fullmatch(r'\s*"(\d{1,9})"\s*', if_match, re.ASCII)
    if match is None:
        raise InvalidIfMatch(
            "it must be one ETag in quotes",
            field="If-Match",
            remedy="Send the ETag of GET …/adapters as it is, or none.",
        )
    return int(match[1]) or None


ZIPPED: Final[dict[str, Any]] = {"content": {"application/zip": {}}}
ARCHIVE: Final = {"requestBody": {"required": True, **ZIPPED}}

IfMatch = Annotated[Expected, Depends(expected_version)]


@router.get("/adapters")
def page(
    user: UserPath, session: ReadSession, response: Response, cursor: Cursor = None, limit: Limit = 50
) -> Page[AdapterView]:
    """Newest first."""
    row = users.get(session, user)
    adapters, following = service.page(session, row, cursor, limit)
    response.headers["ETag"] = row.etag
    return Page(items=[AdapterView.of(adapter, row) for adapter in adapters], next=following)


@router.get("/adapters/{version}/export", response_class=Response, responses={200: ZIPPED})
async def export(
    user: UserPath,
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    who: Reader,
    engine: EngineDep,
    context: Annotated[str | None, Query(min_length=1, max_length=60, description="which of its voices")] = None,
) -> Response:
    """The version as a PEFT folder, zipped: adapter_config.json and adapter_model.safetensors.

    PEFT knows no voices: a version that has weights of their own for each is exported one voice at a time, which
    `context` names.
    """
    name, content = await exchange.export(engine, who.tenant_id, user, version, context)
    return Response(
        content, media_type="application/zip", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.post("/adapters/import", status_code=201, openapi_extra=ARCHIVE)
async def import_(user: UserPath, request: Request, who: Trainer, engine: EngineDep) -> AdapterView:
    """Take in a PEFT folder of our base model, zipped, as the person's next version. Promote it to let it speak.

    Plain LoRA only. A PEFT folder does not prove which base it was trained on: you vouch for that.
    """
    return AdapterView.of(*await exchange.import_(engine, who.tenant_id, user, await request.body()))


@router.post("/adapters/{version}/promote")
def promote(
    user: UserPath,
    version: Annotated[int, Path(ge=1, le=2**31 - 1)],
    expected: IfMatch,
    session: TrainSession,
    response: Response,
) -> Pointer:
    """Let this version speak for the person. With If-Match, only if nobody else was faster (412)."""
    row = users.get(session, user)
    service.promote(session, row.id, version, expected)
    return _pointer(session, row, response)


@router.post("/adapters/rollback")
def rollback(user: UserPath, expected: IfMatch, session: TrainSession, response: Response) -> Pointer:
    """Back to the version that was active before, or to the base model."""
    row = users.get(session, user)
    service.rollback(session, row.id, expected)
    return _pointer(session, row, response)


@router.post("/adapter:warm")
async def warm(user: UserPath, who: Writer, engine: EngineDep) -> Warmed:
    """Load the version in use ahead of the first keystroke, from wherever it is kept. The server may need its room
    again: ask when somebody is about to write."""
    return await warming.warm(engine, who.tenant_id, user)


def _pointer(session: Session, user: User, response: Response) -> Pointer:
    active = service.active(session, user.id)
    response.headers["ETag"] = user.etag
    return Pointer(user=user.external_id, active_version=user.active_version, digest=active.digest if active else None)

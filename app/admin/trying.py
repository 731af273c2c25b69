"""The page to try a voice on: choose a person, type a text, see the base model and a version side by side."""

import secrets
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from sqlalchemy.orm import Session

from app.adapters import service as adapters
from app.adapters.schemas import AdapterView
from app.admin import repository
from app.admin.access import Everything, posting
from app.admin.comparing import side_by_side
from app.admin.people import VERSIONS_SHOWN, found
from app.admin.rendering import PageRoute, fragment, page, wants_fragment
from app.admin.repository import Person
from app.db import EVERY_TENANT, transaction
from app.engine import EngineDep
from app.rewrites.service import SEEDS
from app.schemas import Prose

PEOPLE_TO_CHOOSE_FROM: Final = 500
ACTIVE: Final = "active"

router = APIRouter(prefix="/admin/try", include_in_schema=False, route_class=PageRoute)

Chosen = Annotated[str, Query(max_length=36)]


@dataclass(frozen=True)
class Choices:
    """What one can choose among for a person."""

    person: Person
    versions: list[AdapterView]
    voices: list[str]
    version: str = ACTIVE
    context: str = ""


@router.get("")
def ask(request: Request, session: Everything, user: Chosen = "", version: str = ACTIVE) -> Response:
    people = repository.people(session, PEOPLE_TO_CHOOSE_FROM)
    chosen = found(session, user) if user else next(iter(people), None)
    choices = choices_for(session, chosen, version) if chosen else None
    return page(request, "try.html", people=people, choices=choices, text="", columns=None)


@router.get("/choices")
def other_person(request: Request, session: Everything, user: Chosen) -> Response:
    return fragment(request, "_choices.html", choices=choices_for(session, found(session, user)))


@router.post("", dependencies=[Depends(posting)])
async def write(
    request: Request,
    engine: EngineDep,
    user: Annotated[str, Form(max_length=36)],
    text: Annotated[Prose, Form()] = "",
    version: Annotated[Literal["active"] | int, Form()] = ACTIVE,
    context: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    people, choices = await run_sync(_chosen, user, str(version), context)
    person = choices.person.user
    number = person.active_version if version == ACTIVE else int(version)
    columns = await side_by_side(
        engine,
        person.tenant_id,
        person.external_id,
        text.replace("\r\n", "\n"),
        number,
        context or None,
        secrets.randbelow(SEEDS),
    )
    if wants_fragment(request):
        return fragment(request, "_answer.html", columns=columns, choices=choices)
    return page(request, "try.html", people=people, choices=choices, text=text, columns=columns)


def choices_for(session: Session, person: Person, version: str = ACTIVE, context: str = "") -> Choices:
    rows, _ = adapters.page(session, person.user, None, VERSIONS_SHOWN)
    voices = dict.fromkeys(str(mode["tag"]) for row in rows for mode in row.modes)
    return Choices(person, [AdapterView.of(row, person.user) for row in rows], list(voices), version, context)


def _chosen(user_id: str, version: str, context: str) -> tuple[list[Person], Choices]:
    with transaction(EVERY_TENANT, read_only=True) as session:
        people = repository.people(session, PEOPLE_TO_CHOOSE_FROM)
        return people, choices_for(session, found(session, user_id), version, context)

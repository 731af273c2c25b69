"""Everybody at a glance, and the page of one person."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.adapters import service as adapters
from app.adapters.schemas import AdapterView
from app.admin import repository
from app.admin.access import Everything, Viewer
from app.admin.listening import sketched
from app.admin.rendering import PageRoute, fragment, page
from app.admin.repository import Person
from app.config import get_settings
from app.db import EVERY_TENANT, transaction
from app.errors import AppError
from app.feedback import corrections, tracking
from app.jobs import service as jobs
from app.learning.recipes import RECIPES
from app.schemas import Cursor
from app.users.service import UnknownUser

PEOPLE_PER_PAGE: Final = 50
SAMPLES_PER_PAGE: Final = 10
VERSIONS_SHOWN: Final = 20
JOBS_SHOWN: Final = 8
CORRECTIONS_SHOWN: Final = 3

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/admin")
def overview(request: Request, session: Everything, cursor: Cursor = None) -> Response:
    people, following = repository.overview(session, cursor, PEOPLE_PER_PAGE)
    return page(
        request,
        "overview.html",
        people=people,
        following=following,
        is_first=cursor is None,
        totals=repository.totals(session),
        training=repository.training(session),
    )


@router.get("/admin/training")
def training(request: Request, session: Everything) -> Response:
    """Who is being trained now: the overview asks again and again."""
    return fragment(request, "_training.html", training=repository.training(session))


@router.get("/admin/people/{user_id}")
def person(
    request: Request,
    session: Everything,
    user_id: str,
    context: Annotated[str | None, Query(max_length=60)] = None,
    cursor: Cursor = None,
) -> Response:
    return shown(request, session, user_id, context=context, cursor=cursor)


@router.get("/admin/people/{user_id}/{action}")
def after_reload(who: Viewer, user_id: str, action: str) -> Response:
    """Whoever loads the address of a form again finds the page it stood on."""
    return RedirectResponse(f"/admin/people/{user_id}", 303)


def show(request: Request, user_id: str, problem: AppError, pasted: str) -> Response:
    """The page as it is now, with why what was asked for was not done. Raises UnknownUser."""
    with transaction(EVERY_TENANT, read_only=True) as session:
        return shown(request, session, user_id, problem=problem, pasted=pasted)


def shown(
    request: Request,
    session: Session,
    user_id: str,
    *,
    context: str | None = None,
    cursor: str | None = None,
    problem: AppError | None = None,
    pasted: str = "",
) -> Response:
    person = found(session, user_id)
    versions, has_more = adapters.page(session, person.user, None, VERSIONS_SHOWN)
    samples, following = repository.samples(session, user_id, context, cursor, SAMPLES_PER_PAGE)
    tracked = tracking.tracked(session, user_id)
    return page(
        request,
        "person.html",
        problem=problem,
        person=person,
        versions=[AdapterView.of(version, person.user) for version in versions],
        has_more_versions=has_more is not None,
        contexts=repository.contexts(session, user_id),
        context=context,
        samples=samples,
        following=following,
        is_first=cursor is None,
        pasted=pasted,
        jobs=jobs.page(session, person.user, None, JOBS_SHOWN)[0],
        recipes=RECIPES,
        needed=get_settings().min_training_samples,
        tracked=tracked,
        sketch=sketched(tracked.reactions),
        listen_every=get_settings().feedback_listen_every,
        corrections=corrections.candidates(session, person.user, CORRECTIONS_SHOWN),
    )


def found(session: Session, user_id: str) -> Person:
    """Raises UnknownUser."""
    person = repository.person(session, user_id)
    if person is None:
        raise UnknownUser("there is no such person", field="user", remedy="They may have been erased; look at all.")
    return person

"""What the operator does to a person: each a form on their page, answered by that page or by the job it began."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.orm import Session

from app.adapters import service as adapters
from app.admin import people
from app.admin.access import posting
from app.admin.rendering import PageRoute, done
from app.admin.words import counted
from app.db import EVERY_TENANT, transaction
from app.errors import AppError
from app.feedback import corrections
from app.jobs import service as jobs
from app.models import User
from app.samples import files
from app.samples import service as samples
from app.samples.files import MAX_CONTEXT

PASTED: Final = "pasted.txt"

Act = Callable[[Session, User], tuple[str, str]]
"""Does it, in a session of the person's tenant; the page to go on to and what to say there."""

router = APIRouter(
    prefix="/admin/people/{user_id}", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(posting)]
)

Expected = Annotated[int, Form(ge=0, le=2**31 - 1)]
"""The version the page showed as active; 0: the base model."""


@router.post("/samples")
def add_samples(
    request: Request,
    user_id: str,
    text: Annotated[str, Form()] = "",
    context: Annotated[str, Form(max_length=MAX_CONTEXT)] = "",
) -> Response:
    def act(session: Session, user: User) -> tuple[str, str]:
        incoming = files.read(PASTED, text.encode(), context.strip() or None)
        result = samples.add(session, user.external_id, incoming, is_strict=False)
        told = [f"{counted(result.stored, 'sample')} added"]
        told += [f"{result.duplicates} known already"] if result.duplicates else []
        told += [f"{result.rejected} unusable"] if result.rejected else []
        return f"{_home(user)}#samples", ", ".join(told) + "."

    return _answer(request, user_id, act, pasted=text)


@router.post("/adopt")
def adopt(request: Request, user_id: str, feedback_id: Annotated[str, Form(max_length=36)]) -> Response:
    def act(session: Session, user: User) -> tuple[str, str]:
        corrections.adopt(session, feedback_id)
        return f"{_home(user)}#samples", "The correction is a sample now."

    return _answer(request, user_id, act)


@router.post("/promote")
def promote(
    request: Request, user_id: str, version: Annotated[int, Form(ge=1, le=2**31 - 1)], expected: Expected
) -> Response:
    def act(session: Session, user: User) -> tuple[str, str]:
        adapters.promote(session, user.id, version, expected or None)
        return _home(user), f"Version {version} speaks for {user.external_id} now."

    return _answer(request, user_id, act)


@router.post("/rollback")
def roll_back(request: Request, user_id: str, expected: Expected) -> Response:
    def act(session: Session, user: User) -> tuple[str, str]:
        previous = adapters.rollback(session, user.id, expected or None)
        speaker = f"Version {previous.version}" if previous else "The base model"
        return _home(user), f"{speaker} speaks for {user.external_id} again."

    return _answer(request, user_id, act)


@router.post("/train")
def train(request: Request, user_id: str, recipe: Annotated[str, Form(max_length=40)]) -> Response:
    def act(session: Session, user: User) -> tuple[str, str]:
        job = jobs.create(session, user, recipe, {}, origin="admin")
        return f"/admin/jobs/{job.id}", "The training is written down and begins as soon as a worker is free."

    return _answer(request, user_id, act)


def _answer(request: Request, user_id: str, act: Act, pasted: str = "") -> Response:
    try:
        with transaction(EVERY_TENANT, read_only=True) as session:
            user = people.found(session, user_id).user
        with transaction(user.tenant_id) as session:
            path, said = act(session, user)
    except AppError as problem:
        return people.show(request, user_id, problem, pasted)
    return done(path, said)


def _home(user: User) -> str:
    return f"/admin/people/{user.id}"

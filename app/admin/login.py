"""The operator comes in by a link that works once, and goes."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from app.admin.access import HOME, Poster, forget, from_our_pages, remember
from app.admin.rendering import LOGIN, PageRoute, page
from app.auth import end_session, redeem
from app.db import EVERY_TENANT, transaction
from app.errors import Unauthorized

LONGEST_LINK: Final = 500

router = APIRouter(include_in_schema=False, route_class=PageRoute)


class LinkSpent(Unauthorized):
    type = "link-spent"
    title = "This link no longer works"


@router.get("/admin/login")
def ask(request: Request) -> Response:
    return page(request, "login.html", link="")


@router.get("/admin/login/{link}")
def offer(request: Request, link: str) -> Response:
    """A button, so that a program which merely looks at the link does not spend it."""
    return page(request, "login.html", link=link[:LONGEST_LINK])


@router.post("/admin/login", dependencies=[Depends(from_our_pages)])
def log_in(request: Request, link: Annotated[str, Form(max_length=LONGEST_LINK)]) -> Response:
    """Takes the whole link or its last part."""
    with transaction(EVERY_TENANT) as session:
        secret = redeem(session, link.strip().rstrip("/").rpartition("/")[2])
    if secret is None:
        spent = LinkSpent(
            "it was used before, is older than 15 minutes, or was not copied whole",
            remedy="Make a new one: idiolect login.",
        )
        return page(request, "login.html", link="", problem=spent)
    response = RedirectResponse(HOME, 303)
    remember(response, request, secret)
    return response


@router.post("/admin/logout")
def log_out(who: Poster) -> Response:
    with transaction(EVERY_TENANT) as session:
        end_session(session, who.secret)
    response = RedirectResponse(LOGIN, 303)
    forget(response)
    return response

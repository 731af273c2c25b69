"""Who may see the dashboard, and which of their POSTs are really theirs.

The session's secret is in a cookie that no script can read and no other site makes a browser send. A POST must besides
come from one of our own pages (the browser says so) and carry a token only these pages know.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request, Response
from sqlalchemy.orm import Session

from app.auth import SESSION_LIFETIME, is_session
from app.db import EVERY_TENANT, transaction
from app.errors import Forbidden, Unauthorized

COOKIE: Final = "idiolect_session"
HOME: Final = "/admin"


class LoginRequired(Unauthorized):
    type = "login-required"
    title = "Please log in"


class ForeignRequest(Forbidden):
    type = "foreign-request"
    title = "This did not come from one of our pages"


@dataclass(frozen=True)
class Operator:
    """An open browser session."""

    secret: str

    @property
    def token(self) -> str:
        """What every form of this session carries and another site cannot know."""
        return hmac.new(self.secret.encode(), b"form", sha256).hexdigest()


def operator(request: Request) -> Operator:
    """Raises LoginRequired. Pages find their operator in `request.state.operator`."""
    secret = request.cookies.get(COOKIE, "")
    with transaction(EVERY_TENANT, read_only=True) as session:
        is_open = bool(secret) and is_session(session, secret)
    if not is_open:
        raise LoginRequired("nobody is logged in", remedy="Make a login link: idiolect login.")
    request.state.operator = Operator(secret)
    return Operator(secret)


Viewer = Annotated[Operator, Depends(operator)]


def from_our_pages(request: Request) -> None:
    """Raises ForeignRequest unless the browser says that one of our own pages sent this."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    try:
        is_ours = site == "same-origin" if site else urlsplit(origin).netloc == request.headers.get("host", "")
    except ValueError:  # no address at all
        is_ours = False
    if not is_ours:
        raise _foreign()


def posting(request: Request, who: Viewer, token: Annotated[str, Form()] = "") -> Operator:
    """Raises LoginRequired, ForeignRequest."""
    from_our_pages(request)
    if not hmac.compare_digest(token.encode(), who.token.encode()):
        raise _foreign()
    return who


Poster = Annotated[Operator, Depends(posting)]


def _everything(_: Viewer) -> Iterator[Session]:
    with transaction(EVERY_TENANT, read_only=True) as session:
        yield session


Everything = Annotated[Session, Depends(_everything, scope="function")]
"""The rows of all tenants, for reading only."""


def remember(response: Response, request: Request, secret: str) -> None:
    """Let this browser in from its next request on."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path=HOME,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def forget(response: Response) -> None:
    response.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="strict")


def _foreign() -> ForeignRequest:
    return ForeignRequest(
        "another site sent this request, or the page was too old", remedy="Open the page again and repeat it there."
    )

"""The dashboard: every page in one list. It reads all tenants' rows and writes in the session of a row's own tenant."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.admin import actions, assets, evaluations, events, jobs, login, people, remarks, trying
from app.admin.access import HOME, Viewer
from app.admin.rendering import PageRoute
from app.errors import NotFound

router = APIRouter()
elsewhere = APIRouter(include_in_schema=False, route_class=PageRoute)


@elsewhere.get("/")
def root() -> Response:
    return RedirectResponse(HOME, 303)


@elsewhere.get("/admin/{rest:path}")
def nothing(request: Request, who: Viewer, rest: str) -> Response:
    raise NotFound("there is no page at this address", remedy="Begin again at the overview.")


for part in (assets, login, events, jobs, people, actions, trying, remarks, evaluations):
    router.include_router(part.router)
router.include_router(elsewhere)

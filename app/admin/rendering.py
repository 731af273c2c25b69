"""Turns rows and errors into pages. Everything a template is given is escaped; no page may run a script of its own."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.admin import assets, words
from app.admin.access import HOME, LoginRequired
from app.errors import AppError, of_validation

NOTICE: Final = "idiolect_notice"
LOGIN: Final = f"{HOME}/login"

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.globals |= {
    "asset": assets.address,
    "CHECKS": words.CHECKS,
    "DECISIONS": words.DECISIONS,
    "LEFT_OUT": words.LEFT_OUT,
    "LOOKS": words.LOOKS,
    "RECIPES": words.RECIPES,
    "STAGES": words.STAGES,
}
for name in ("ago", "exactly", "counted", "lasting", "decimal", "measured", "percent", "sized", "found"):
    environment.filters[name] = getattr(words, name)


def page(request: Request, template: str, *, problem: AppError | None = None, **context: Any) -> Response:
    """A whole page, with what was done before it or the problem it was met by; the problem's status is the page's."""
    said = unquote(request.cookies.get(NOTICE, ""))
    who = getattr(request.state, "operator", None)
    html = environment.get_template(template).render(who=who, said=said, problem=problem, **context)
    response = HTMLResponse(html, problem.status if problem else 200)
    if said:
        response.delete_cookie(NOTICE, path=HOME)
    return response


def fragment(request: Request, template: str, **context: Any) -> Response:
    """A part of a page, to be put into one that is already shown."""
    who = getattr(request.state, "operator", None)
    return HTMLResponse(environment.get_template(template).render(who=who, **context))


def done(path: str, said: str) -> Response:
    """On to this page, which tells once what was done."""
    response = RedirectResponse(path, 303)
    response.set_cookie(NOTICE, quote(said), max_age=60, path=HOME, httponly=True, samesite="strict")
    return response


def wants_fragment(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


class PageRoute(APIRoute):
    """Answers errors as people read them, and sends every page with the headers that fence it in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                response = await handle(request)
            except LoginRequired:
                response = _to_login(request)
            except RequestValidationError as error:
                response = _problem(request, of_validation(error))
            except AppError as error:
                response = _problem(request, error)
            for header, value in HEADERS.items():
                response.headers.setdefault(header, value)
            return response

        return shown


def _to_login(request: Request) -> Response:
    if wants_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": LOGIN})
    return RedirectResponse(LOGIN, 303)


def _problem(request: Request, error: AppError) -> Response:
    if not wants_fragment(request):
        return page(request, "problem.html", problem=error)
    response = fragment(request, "_problem.html", problem=error)
    response.status_code = error.status
    response.headers.update({"HX-Retarget": "#notice", "HX-Reswap": "innerHTML show:top"})
    return response

"""Errors that know their status, name the field and tell the remedy (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

PROBLEM_JSON: Final = "application/problem+json"
REFERENCE: Final = "The reference of this API is at /docs."


class AppError(Exception):
    """Base of every error a caller may see. Subclass it beside the code that raises it."""

    status: int = 400
    type: str = "bad-request"
    title: str = "The request cannot be served"

    def __init__(
        self,
        detail: str,
        *,
        remedy: str,
        field: str | None = None,
        headers: dict[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """`errors` lists every `{"field", "message"}` where one field is not all. None may hold a user's text."""
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.headers = headers or {}
        self.errors = list(errors)

    def problem(self, request_id: str) -> dict[str, object]:
        body: dict[str, object] = {
            "type": f"urn:idiolect:problem:{self.type}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "remedy": self.remedy,
            "request_id": request_id,
        }
        if self.field:
            body["field"] = self.field
        if self.errors:
            body["errors"] = self.errors
        return body

    def response(self, request_id: str) -> JSONResponse:
        return JSONResponse(self.problem(request_id), self.status, headers=self.headers, media_type=PROBLEM_JSON)


class NotFound(AppError):
    status = 404
    type = "not-found"
    title = "Not found"


class Unauthorized(AppError):
    status = 401
    type = "unauthorized"
    title = "Not authorised"


class Forbidden(AppError):
    status = 403
    type = "forbidden"
    title = "Not allowed"


class MethodNotAllowed(AppError):
    status = 405
    type = "method-not-allowed"
    title = "This address does not take that method"


class Conflict(AppError):
    status = 409
    type = "conflict"
    title = "Conflicts with the present state"


class PreconditionFailed(AppError):
    status = 412
    type = "precondition-failed"
    title = "Somebody else was faster"


class TooLarge(AppError):
    status = 413
    type = "too-large"
    title = "Too large"


class Unprocessable(AppError):
    status = 422
    type = "unprocessable"
    title = "The content cannot be used"


class Internal(AppError):
    status = 500
    type = "internal"
    title = "Something went wrong on our side"


class Unavailable(AppError):
    status = 503
    type = "unavailable"
    title = "A part of the service is not available"


class StorageFull(AppError):
    status = 507
    type = "storage-full"
    title = "There is no room left"


class Problem(BaseModel):
    """The body of every error, for the API's description."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    request_id: str
    field: str | None = None
    errors: list[dict[str, str]] | None = None


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": description, "content": {PROBLEM_JSON: {"schema": Problem.model_json_schema()}}}
    for status, description in ((422, "What was sent is not valid"), ("default", "Any other error"))
}

REMEDIES: Final = {
    "missing": "Add it.",
    "extra_forbidden": "Leave it out, or check its spelling.",
    "json_invalid": "Send valid JSON, encoded as UTF-8.",
    "model_attributes_type": "Send a JSON object with Content-Type: application/json.",
    "string_too_short": "Give it some text.",
    "string_too_long": "Shorten it.",
    "too_short": "Give at least one.",
    "too_long": "Split it over several requests.",
}
"""What to do about a validation error, by pydantic's name for it; else the message itself says what is wanted."""


def request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def install(app: FastAPI) -> None:
    """Answer every failure that has a name as problem+json; nameless ones are met by `app.middleware`."""

    @app.exception_handler(AppError)
    async def named(request: Request, error: AppError) -> JSONResponse:
        return error.response(request_id(request))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return of_validation(error).response(request_id(request))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return of_http(error, request).response(request_id(request))


def of_validation(error: RequestValidationError) -> Unprocessable:
    """Name every field that is wrong, never its content: that may be a person's text."""
    found = error.errors()
    errors = [
        {"field": _field(item["loc"]), "message": str(item["msg"]).removeprefix("Value error, ")} for item in found
    ]
    return Unprocessable(
        f"{errors[0]['field']}: {errors[0]['message']}" + (f" (and {len(errors) - 1} more)" if errors[1:] else ""),
        field=errors[0]["field"],
        remedy=REMEDIES.get(str(found[0]["type"]), f"Correct the field. {REFERENCE}"),
        errors=errors,
    )


def of_http(error: HTTPException, request: Request) -> AppError:
    """The framework's own errors: no such route or method, or a body that cannot be read."""
    headers = dict(error.headers or {})
    path = request.url.path
    if error.status_code == 404:
        return NotFound(f"there is nothing at {path}", remedy=f"Check the address. {REFERENCE}")
    if error.status_code == 405:
        allowed = headers.get("Allow") or headers.get("allow") or "another method"
        return MethodNotAllowed(
            f"{request.method} is not possible at {path}", remedy=f"Use {allowed}. {REFERENCE}", headers=headers
        )
    if error.status_code == 400:
        return AppError(
            f"the body cannot be read: {error.detail}",
            field="body",
            remedy="Send valid JSON encoded as UTF-8, or multipart/form-data for files.",
        )
    other = AppError(str(error.detail), remedy=REFERENCE, headers=headers)
    other.status, other.title = error.status_code, HTTPStatus(error.status_code).phrase
    other.type = other.title.lower().replace(" ", "-")
    return other


def _field(location: Sequence[Any]) -> str:
    """`("body", "samples", 0, "text")` is `samples.0.text` to the caller."""
    if "json_invalid" in location or len(location) == 1 or (location[0] == "body" and isinstance(location[1], int)):
        return str(location[0])
    return ".".join(str(part) for part in location[1:])

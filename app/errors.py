"""Errors that know their status, name the field and tell the remedy (RFC 9457)."""

from typing import ClassVar


class AppError(Exception):
    """Base of every error a caller may see. Subclass it beside the code that raises it."""

    status: ClassVar[int] = 400
    type: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "The request cannot be served"

    def __init__(
        self, detail: str, *, remedy: str, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.headers = headers or {}

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
        return body


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


class Unavailable(AppError):
    status = 503
    type = "unavailable"
    title = "A part of the service is not available"

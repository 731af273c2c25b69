"""`/v1/users/{user}/samples`: what a person wrote, as JSON or as files."""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from app.auth import ReadSession, Writer, WriteSession
from app.errors import AppError, Unprocessable
from app.samples import service
from app.samples.files import MAX_CONTEXT, Incoming, read
from app.samples.schemas import SampleIn, SamplesIn, SamplesOut, SampleView
from app.schemas import Cursor, Limit, Page, UserPath, is_storable
from app.users import service as users

router = APIRouter(prefix="/v1/users/{user}/samples", tags=["samples"])

MAX_FILES: Final = 100
BODIES: Final[dict[str, Any]] = {
    "application/json": {
        "type": "object",
        "required": ["samples"],
        "additionalProperties": False,
        "properties": {"samples": {"type": "array", "minItems": 1, "items": SampleIn.model_json_schema()}},
    },
    "multipart/form-data": {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
            "context": {"type": "string", "minLength": 1, "maxLength": MAX_CONTEXT},
        },
    },
}
"""For the API's description: the framework cannot tell by itself that one route takes either."""


class UnsupportedMedia(AppError):
    status = 415
    type = "unsupported-media-type"
    title = "The body is of a kind we cannot read"


class InvalidForm(Unprocessable):
    type = "invalid-form"
    title = "The form is not complete"


@dataclass(frozen=True)
class Upload:
    samples: list[Incoming]
    is_strict: bool
    """JSON is written by programs, which want to know of any fault; files by people."""


async def upload(request: Request, _: Writer) -> Upload:
    """Read the body before a transaction begins: a slow sender shall not hold it open."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return Upload(_from_json(await request.body()), is_strict=True)
    if kind == "multipart/form-data":
        return Upload(await _from_form(request), is_strict=False)
    raise UnsupportedMedia(
        f"Content-Type is {kind or 'missing'}",
        field="Content-Type",
        remedy="Send application/json, or multipart/form-data with a file.",
    )


def _from_json(body: bytes) -> list[Incoming]:
    try:
        samples = SamplesIn.model_validate_json(body).samples
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**detail, "loc": ("body", *detail["loc"])} for detail in details]) from None
    return [
        Incoming(sample.text, f"samples.{index}", sample.context, sample.source) for index, sample in enumerate(samples)
    ]


async def _from_form(request: Request) -> list[Incoming]:
    async with request.form(max_files=MAX_FILES, max_fields=2) as form:
        fields = {name for name, _ in form.multi_items()}
        context, files = form.get("context"), form.getlist("file")
        if unknown := fields - {"file", "context"}:
            name = sorted(unknown)[0]
            raise InvalidForm(f"{name} is not known", field=name, remedy="Send file (one or many) and context.")
        if not (
            context is None or (isinstance(context, str) and 0 < len(context) <= MAX_CONTEXT and is_storable(context))
        ):
            raise InvalidForm(
                f"context must have 1 to {MAX_CONTEXT} characters",
                field="context",
                remedy="Shorten it or leave it out.",
            )
        samples: list[Incoming] = []
        for file in files:
            if not isinstance(file, UploadFile):
                raise InvalidForm("file must be a file", field="file", remedy="With curl: -F file=@letters.txt")
            samples += await run_in_threadpool(read, file.filename or "", await file.read(), context)
    if not files:
        raise InvalidForm("there is no file", field="file", remedy="With curl: -F file=@letters.txt")
    return samples


@router.post(
    "",
    openapi_extra={
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in BODIES.items()}}
    },
)
def add(user: UserPath, incoming: Annotated[Upload, Depends(upload)], session: WriteSession) -> SamplesOut:
    """One or many as JSON, or files: .txt and .md (by paragraph), .jsonl, .csv (by row), .eml.

    Duplicates are found by content. Faulty JSON is refused whole, as is a file that cannot be read at all; what is
    faulty in a file (a line, a row, a paragraph) is left out and reported.
    """
    return service.add(session, user, incoming.samples, is_strict=incoming.is_strict)


@router.get("")
def page(user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[SampleView]:
    """Newest first."""
    samples, following = service.page(session, users.get(session, user), cursor, limit)
    return Page(items=[SampleView.model_validate(sample) for sample in samples], next=following)


@router.delete("/{sample}", status_code=204)
def delete(user: UserPath, sample: str, session: WriteSession) -> None:
    service.delete(session, users.get(session, user), sample)

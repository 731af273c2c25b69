"""What happens to every request before and after its endpoint: an id, a log line, a limit, a last resort.

Pure ASGI, so that streams pass through unbuffered.
"""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.db import explained, new_id
from app.errors import AppError, NotFound, TooLarge
from app.log import where

log = structlog.get_logger(__name__)

REQUEST_ID: Final = "X-Request-ID"
ACCEPTABLE_ID: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class BodyTooLarge(Exception):
    """Ends the reading of a body; the caller sees a 413, not this."""


class RequestContext:
    """Gives each request an id, its caller's own if that is harmless, logs it, and answers what nobody else has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = wanted if ACCEPTABLE_ID.fullmatch(wanted) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                if "\0" in scope["path"]:  # no row has it in its key, and Postgres would not even look
                    nowhere = NotFound("there is nothing at this address", remedy="Leave the NUL character out of it.")
                    await _answer(nowhere, scope, receive, send_with_id)
                else:
                    await self.app(scope, receive, send_with_id)
            except Exception as error:
                log.error("unexpected error", route=_route(scope), **where(error))
                if not status:
                    await _answer(explained(error, request_id), scope, receive, send_with_id)
            finally:
                milliseconds = round((time.perf_counter() - started) * 1000, 1)
                log.info("request", method=scope["method"], route=_route(scope), status=status, ms=milliseconds)


class BodyLimit:
    """Refuses bodies of more than `max_bytes`, announced by Content-Length or found while reading.

    `larger` has other limits for paths with these ends.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        max_bytes = next((limit for end, limit in self.larger.items() if scope["path"].endswith(end)), self.max_bytes)
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            await _answer(_too_large(max_bytes), scope, receive, send)
            return
        read, is_too_large, has_started = 0, False, False

        async def receive_counted() -> Message:
            nonlocal read, is_too_large
            message = await receive()
            read += len(message.get("body", b""))
            if read > max_bytes:
                is_too_large = True
                raise BodyTooLarge
            return message

        async def send_unless_too_large(message: Message) -> None:
            # Whatever the endpoint makes of the torn body, the caller shall read the true reason.
            nonlocal has_started
            if not is_too_large or has_started:
                has_started = True
                await send(message)

        with suppress(BodyTooLarge):
            await self.app(scope, receive_counted, send_unless_too_large)
        if is_too_large and not has_started:
            await _answer(_too_large(max_bytes), scope, receive, send)


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"the body is larger than {max_bytes} bytes",
        field="body",
        remedy="Send less at once: split samples over several requests, or a text into its paragraphs.",
        headers={"Connection": "close"},
    )


async def _answer(error: AppError, scope: Scope, receive: Receive, send: Send) -> None:
    await error.response(scope.get("state", {}).get("request_id", ""))(scope, receive, send)


def _route(scope: Scope) -> str:
    """The route's template, never the path itself: people's ids stand in it."""
    return str(getattr(scope.get("route"), "path", "unknown"))

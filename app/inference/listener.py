"""From the engine's thread to an HTTP response: the texts of a request as they are written, one JSON object a line.

A line holds `heard` (see types.Heard), at the end `outcome`, or `code` and `message` if it fails. The first is empty:
the request is accepted. Silence is broken by empty ones, so that whoever listens can tell it from a lost connection.
Lines are ASCII: whoever reads lines may also break them at U+2028 and its like, which texts may hold.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.inference.ticket import Ticket
from app.inference.types import EngineError, Heard

SILENCE_S: Final = 10.0
NOTHING: Final = Heard(0, "")


class Listener:
    """Made in the event loop that sends the response."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Queue[Heard | None] = asyncio.Queue()

    def tell(self, news: Heard | None) -> None:
        """From any thread; None: the ticket is answered."""
        with suppress(RuntimeError):  # the loop has closed, so nobody listens
            self._loop.call_soon_threadsafe(self._news.put_nowait, news)

    async def lines(self, ticket: Ticket, timeout_s: float) -> AsyncIterator[bytes]:
        """Until the ticket is answered, the time is over or nobody takes them any more."""
        until = self._loop.time() + timeout_s
        ticket.answer.add_done_callback(lambda _: self.tell(None))
        news: Heard | None = NOTHING
        try:
            while news is not None:
                yield _line({"heard": asdict(news)})
                if (left := until - self._loop.time()) <= 0:
                    break  # whoever took the lines slowly still gets an outcome that is there
                try:
                    news = await asyncio.wait_for(self._news.get(), min(SILENCE_S, left))
                except TimeoutError:
                    news = NOTHING
            if not ticket.answer.done():
                raise EngineError("timeout", f"not written within {timeout_s:g} s")
            yield _line({"outcome": asdict(ticket.answer.result())})
        except EngineError as error:
            yield _line({"code": error.code, "message": str(error)})


class Told(StreamingResponse):
    """The lines of a ticket. It is cancelled however the response ends, even before the first line was asked for."""

    def __init__(self, listener: Listener, ticket: Ticket, timeout_s: float) -> None:
        super().__init__(listener.lines(ticket, timeout_s), media_type="application/x-ndjson")
        self._ticket = ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ticket.cancel()  # means nothing to a ticket that is answered


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"

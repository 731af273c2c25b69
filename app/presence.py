"""Work that is wanted only while the client that asked for it is there."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody is left to answer."""


async def while_present(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled at once when the client leaves. Raises ClientGone then.

    The request's body must have been read.
    """
    mine, is_working, has_left = asyncio.current_task(), True, False
    if mine is None:
        raise RuntimeError("only a task can be told that its client left")
    ended_by_others = mine.cancelling()

    def left(_: object) -> None:
        nonlocal has_left
        if is_working:
            has_left = mine.cancel()

    leaving = asyncio.ensure_future(_leaving(request))
    leaving.add_done_callback(left)
    try:
        result = await work
        if has_left:  # and the work did not mind
            mine.uncancel()
        return result
    except (asyncio.CancelledError, Exception) as error:
        # Somebody else may want this task to end too: theirs goes on.
        if has_left and mine.uncancel() == ended_by_others:
            raise ClientGone from error
        raise
    finally:
        is_working = False
        leaving.cancel()


async def _leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

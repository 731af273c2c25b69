"""Adapters that are far away are fetched by threads of their own: those that take requests in are few, and nobody shall
wait for a network but those who must.
"""

import asyncio
import threading
import time
from concurrent.futures import Future
from typing import Final

from app.inference.adapter_file import Adapter
from app.inference.engine import Engine
from app.inference.types import EngineError

AT_ONCE: Final = 16


class Fetching:
    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)

    async def have(self, engine: Engine, digest: str | None, within_s: float) -> float:
        """Return when the adapter is on this machine, with the seconds that this took: none if it was there.

        Raises EngineError: as `Seats.read`, and timeout.
        """
        if digest is None or engine.seats.is_at_hand(digest):
            return 0.0
        started = time.monotonic()
        try:
            async with asyncio.timeout(within_s), self._room:
                await asyncio.wrap_future(_read(engine, digest))
        except TimeoutError as error:
            raise EngineError("timeout", f"its adapter was not fetched within {within_s:g} s") from error
        return time.monotonic() - started


def _read(engine: Engine, digest: str) -> "Future[Adapter]":
    """In a thread that does not keep the process from ending."""
    coming: Future[Adapter] = Future()
    coming.set_running_or_notify_cancel()  # nobody can cancel what is under way

    def run() -> None:
        try:
            coming.set_result(engine.seats.read(digest))
        except BaseException as error:
            coming.set_exception(error)

    threading.Thread(target=run, name="fetch", daemon=True).start()
    return coming

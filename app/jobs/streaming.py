"""A job's log as server-sent events, for as long as it runs. No database connection is held between two looks."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import ServerSentEvent

from app.errors import NotFound
from app.jobs import service
from app.models import Job

LOOK_EVERY_S: Final = 0.5

server_is_stopping = threading.Event()
"""An open stream would hold up the server's shutdown: it ends itself when this is set."""


@asynccontextmanager
async def told_to_stop(app: FastAPI) -> AsyncIterator[None]:
    """Hear of SIGTERM and SIGINT at once; the server itself tells applications only after all streams have ended."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def hear(number: int, frame: Any) -> None:
        server_is_stopping.set()
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in before:
        signal.signal(number, hear)
    server_is_stopping.clear()
    try:
        yield
    finally:
        server_is_stopping.set()
        for number, handler in before.items():
            if signal.getsignal(number) is hear:
                signal.signal(number, handler)


async def follow(tenant_id: str, job_id: str, last_event: int) -> AsyncIterator[ServerSentEvent]:
    """The job's events after `last_event`, each with its id, and `progress` (without one) whenever that changes.

    Ends with the job, with the job's erasure, or with the server.
    """
    shown: dict[str, Any] = {}
    while not server_is_stopping.is_set():
        try:
            news = await run_in_threadpool(service.news, tenant_id, job_id, last_event)
        except NotFound:
            return
        for event in news.events:
            last_event = event.id
            data = {**event.data, "at": event.created_at.isoformat()}
            yield ServerSentEvent(id=str(event.id), event=event.kind, data=data)
        if (progress := _progress(news.job)) != shown:
            shown = progress
            yield ServerSentEvent(event="progress", data=progress)
        if news.is_last:
            return
        if not news.events:
            await asyncio.sleep(LOOK_EVERY_S)


def _progress(job: Job) -> dict[str, Any]:
    return {"state": job.state, "stage": job.stage, "progress": job.progress, "attempt": job.attempt}

"""A job's log as the operator's browser follows it. Each look is a transaction of its own, so a page left open costs
the database nothing between two looks."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.admin.access import Viewer
from app.admin.jobs import tenant_of_job
from app.jobs import streaming

router = APIRouter(include_in_schema=False)


def followed(job_id: str, who: Viewer) -> tuple[str, str]:
    """The tenant and id of a job that is there. Raises UnknownJob."""
    return tenant_of_job(job_id), job_id


@router.get("/admin/jobs/{job_id}/events", response_class=EventSourceResponse)
async def events(
    found: Annotated[tuple[str, str], Depends(followed)],
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    last_event: Annotated[int, Header(alias="Last-Event-ID", ge=0, lt=2**63)] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """What follows the page's last line or, when the browser connects again, the last event it got."""
    async for event in streaming.follow(*found, max(after, last_event)):
        yield event

"""Trainings over HTTP: ask for one, look, follow, cancel, try again."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy.orm import Session

from app.auth import Reader, ReadSession, TrainSession
from app.jobs import service, streaming
from app.jobs.schemas import Curves, JobView, Point, TrainingRequest
from app.models import Job
from app.schemas import Cursor, Limit, Page, UserPath
from app.users import service as users

router = APIRouter(prefix="/v1", tags=["jobs"], lifespan=streaming.told_to_stop)

LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0, lt=2**63, description="go on after this event")]


@router.post("/users/{user}/training-jobs", status_code=202)
def create(user: UserPath, body: TrainingRequest, session: TrainSession, response: Response) -> JobView:
    """Train the person's voice. One training at a time for each person; poll or follow the job at `Location`."""
    job = service.create(session, users.get(session, user), body.recipe, body.config)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return JobView.of(job, user)


@router.get("/users/{user}/training-jobs")
def page(user: UserPath, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[JobView]:
    """Newest first."""
    jobs, following = service.page(session, users.get(session, user), cursor, limit)
    return Page(items=[JobView.of(job, user) for job in jobs], next=following)


@router.get("/jobs/{job}")
def get(job: str, session: ReadSession) -> JobView:
    return _view(session, service.get(session, job))


@router.get("/jobs/{job}/metrics")
def metrics(job: str, session: ReadSession) -> Curves:
    """What was measured at each step: loss, reward and its parts, and `waited_s`, the time given way to requests."""
    return Curves(items=[Point.model_validate(point) for point in service.metrics(session, job)])


@router.post("/jobs/{job}/cancel")
def cancel(job: str, session: TrainSession) -> JobView:
    """A waiting job ends at once, a running one at its next step; the voice in use stays as it is."""
    return _view(session, service.cancel(session, job))


@router.post("/jobs/{job}/retry", status_code=202)
def retry(job: str, session: TrainSession) -> JobView:
    """Begin a failed or cancelled job again."""
    return _view(session, service.retry(session, job))


def followed(job: str, who: Reader) -> tuple[str, str]:
    """The tenant and id of a job that is there: once a stream has begun, no error can be answered any more."""
    service.news(who.tenant_id, job, after=0, limit=1)
    return who.tenant_id, job


@router.get("/jobs/{job}/events", response_class=EventSourceResponse)
async def events(
    found: Annotated[tuple[str, str], Depends(followed)], last_event: LastEventId = 0
) -> AsyncIterator[ServerSentEvent]:
    """The job's log as it is written (`state`, `stage`, `note`, `sample`) and its `progress`, until it ends.

    A `sample` holds `texts` and the `stage` and `step` they were written in; `step` is null between steps.
    """
    async for event in streaming.follow(*found, last_event):
        yield event


def _view(session: Session, job: Job) -> JobView:
    return JobView.of(job, service.owner(session, job))

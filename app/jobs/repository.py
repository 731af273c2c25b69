"""Asks the database about jobs. Every write by a worker is fenced: it names the lease's owner and counts its rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import CursorResult, and_, case, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import repository
from app.feedback.repository import is_telling
from app.models import (
    CANCELLED,
    FAILED,
    QUEUED,
    RUNNING,
    Feedback,
    Job,
    JobEvent,
    JobMetric,
    Rewrite,
    User,
)

ACTIVE = (QUEUED, RUNNING)
SETBACKS = (FAILED, CANCELLED)
CANCELLED_ON_REQUEST = "Cancelled on request."

RUNG_AT_ONCE: Final = 8


class AlreadyActive(Exception):
    """This person has a queued or running job: the database allows one."""


class PersonGone(Exception):
    """They were erased in the meantime."""


def get(session: Session, job_id: str) -> Job | None:
    return session.scalar(select(Job).where(Job.id == job_id), execution_options={"populate_existing": True})


def active_of(session: Session, user_id: str) -> Job | None:
    return session.scalar(select(Job).where(Job.user_id == user_id, Job.state.in_(ACTIVE)))


def add(session: Session, job: Job) -> None:
    """Raises AlreadyActive, PersonGone."""
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError as error:
        raise (PersonGone if repository.is_missing_parent(error) else AlreadyActive) from error


def external_id(session: Session, user_id: str) -> str:
    return session.execute(select(User.external_id).where(User.id == user_id)).scalar_one()


def page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Job], str | None]:
    return repository.page(session, Job, select(Job).where(Job.user_id == user_id), cursor, limit)


def add_event(session: Session, job: Job, kind: str, data: Mapping[str, Any]) -> None:
    session.add(JobEvent(tenant_id=job.tenant_id, job_id=job.id, kind=kind, data=dict(data)))


def events_after(session: Session, job_id: str, event_id: int, limit: int) -> Sequence[JobEvent]:
    query = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.id > event_id).order_by(JobEvent.id).limit(limit)
    return session.scalars(query).all()


def metrics_of(session: Session, job_id: str) -> Sequence[JobMetric]:
    query = select(JobMetric).where(JobMetric.job_id == job_id)
    return session.scalars(query.order_by(JobMetric.stage, JobMetric.name, JobMetric.step)).all()


def forget_metrics(session: Session, job_id: str) -> None:
    session.execute(delete(JobMetric).where(JobMetric.job_id == job_id))


def cancel_queued(session: Session, job_id: str, when: datetime) -> bool:
    values = {"state": CANCELLED, "reason": CANCELLED_ON_REQUEST, "finished_at": when}
    return _changed(session, update(Job).where(Job.id == job_id, Job.state == QUEUED).values(**values)) == 1


def request_cancel(session: Session, job_id: str) -> bool:
    asked = update(Job).where(Job.id == job_id, Job.state == RUNNING).values(cancel_requested=True)
    return _changed(session, asked) == 1


def requeue(session: Session, job_id: str, when: datetime) -> bool:
    """Puts a failed or cancelled job back at its beginning; False if it is in another state. Raises AlreadyActive."""
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.state.in_(SETBACKS))
        .values(
            state=QUEUED,
            stage="waiting",
            progress=0.0,
            attempt=0,
            retries=Job.retries + 1,
            cancel_requested=False,
            published_at=when,
            started_at=None,
            finished_at=None,
            reason=None,
            remedy=None,
            result={},
        )
    )
    try:
        with session.begin_nested():
            return _changed(session, statement) == 1
    except IntegrityError as error:
        raise AlreadyActive from error


def claim(session: Session, job_id: str, owner: str, when: datetime, until: datetime, max_attempts: int) -> Job | None:
    """Makes `owner` the one who runs this job; None if it is held, finished, cancelled, or out of attempts."""
    is_free = or_(Job.state == QUEUED, and_(Job.state == RUNNING, Job.lease_until < when))
    statement = (
        update(Job)
        .where(Job.id == job_id, is_free, Job.cancel_requested.is_(False), Job.attempt < max_attempts)
        .values(
            state=RUNNING,
            stage="starting",
            lease_owner=owner,
            lease_until=until,
            heartbeat_at=when,
            attempt=Job.attempt + 1,
            started_at=func.coalesce(Job.started_at, when),
        )
    )
    return get(session, job_id) if _changed(session, statement) else None


def write_held(session: Session, job_id: str, owner: str, values: Mapping[str, Any]) -> bool:
    """Changes the job if `owner` still holds it. False: the lease was lost, and nothing may be written."""
    held = (Job.id == job_id, Job.state == RUNNING, Job.lease_owner == owner)
    return _changed(session, update(Job).where(*held).values(**values)) == 1


def is_cancel_requested(session: Session, job_id: str, owner: str) -> bool | None:
    """None: `owner` no longer holds the job."""
    query = select(Job.cancel_requested).where(Job.id == job_id, Job.state == RUNNING, Job.lease_owner == owner)
    return session.execute(query).scalar_one_or_none()


def put_metrics(session: Session, points: Sequence[JobMetric]) -> None:
    """Writes points of one job over those a resumed attempt repeats."""
    if not points:
        return
    steps = {point.step for point in points}
    there = select(JobMetric).where(JobMetric.job_id == points[0].job_id, JobMetric.step.in_(steps))
    known = {(point.stage, point.step, point.name): point for point in session.scalars(there)}
    for point in points:
        if old := known.get((point.stage, point.step, point.name)):
            old.value = point.value
        else:
            session.add(point)


def expired(session: Session, when: datetime) -> Sequence[Job]:
    """Running jobs whose worker has stopped renewing its lease."""
    return session.scalars(select(Job).where(Job.state == RUNNING, Job.lease_until < when)).all()


def release(session: Session, job: Job, when: datetime, values: Mapping[str, Any]) -> bool:
    """Takes an expired job from its dead worker; False if that worker or another was faster."""
    held = (Job.id == job.id, Job.state == RUNNING, Job.lease_owner == job.lease_owner, Job.lease_until < when)
    return _changed(session, update(Job).where(*held).values(lease_owner=None, lease_until=None, **values)) == 1


def silent(session: Session, rung_before: datetime) -> Sequence[Job]:
    """Queued jobs whose bell was last rung before this time: the oldest of all that are queued, and the cancelled.

    While every worker is busy nobody takes the bells away; those that come later are the oldest in their turn.
    """
    oldest = select(Job.id).where(Job.state == QUEUED).order_by(Job.id).limit(RUNG_AT_ONCE)
    query = select(Job).where(Job.state == QUEUED, Job.published_at < rung_before)
    return session.scalars(query.where(or_(Job.cancel_requested, Job.id.in_(oldest)))).all()


def mark_rung(session: Session, job_id: str, when: datetime) -> bool:
    return _changed(session, update(Job).where(Job.id == job_id, Job.state == QUEUED).values(published_at=when)) == 1


def active(session: Session) -> Sequence[Job]:
    return session.scalars(select(Job).where(Job.state.in_(ACTIVE))).all()


def unscored_rewrites(session: Session, after: datetime, before: datetime, limit: int) -> Sequence[str]:
    query = select(Rewrite.id).where(Rewrite.scored_at.is_(None), Rewrite.created_at.between(after, before))
    return session.scalars(query.order_by(Rewrite.id.desc()).limit(limit)).all()


def unscored_feedback(session: Session, after: datetime, before: datetime, limit: int) -> Sequence[str]:
    query = select(Feedback.id).where(Feedback.scored_at.is_(None), Feedback.created_at.between(after, before))
    return session.scalars(query.order_by(Feedback.id.desc()).limit(limit)).all()


def people_with_news(session: Session, at_least: int, quiet_since: datetime) -> Sequence[User]:
    """Those with enough feedback scored since a job was last made for them, and none of any kind after `quiet_since`.

    Feedback that says nothing does not count, nor does a job that failed or was cancelled: it has learned nothing.
    """
    last_job = (
        select(Job.user_id, func.max(Job.created_at).label("at"))
        .where(Job.state.not_in(SETBACKS))
        .group_by(Job.user_id)
        .subquery()
    )
    is_news = or_(last_job.c.at.is_(None), Feedback.scored_at.is_(None), Feedback.scored_at > last_job.c.at)
    people = (
        select(Feedback.user_id)
        .outerjoin(last_job, last_job.c.user_id == Feedback.user_id)
        .where(is_news)
        .group_by(Feedback.user_id)
        .having(
            func.count(case((is_telling(), Feedback.scored_at))) >= at_least,
            func.max(Feedback.created_at) < quiet_since,
        )
    )
    return session.scalars(select(User).where(User.id.in_(people))).all()


def setbacks(session: Session, user_id: str) -> Sequence[datetime]:
    """When this person's jobs failed or were cancelled since the last that did not, oldest first."""
    last = select(func.max(Job.created_at)).where(Job.user_id == user_id, Job.state.not_in(SETBACKS)).scalar_subquery()
    query = select(Job.finished_at).where(
        Job.user_id == user_id,
        Job.state.in_(SETBACKS),
        Job.finished_at.is_not(None),
        or_(last.is_(None), Job.created_at > last),
    )
    return [at for at in session.scalars(query.order_by(Job.finished_at)) if at is not None]


def _changed(session: Session, statement: Any) -> int:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount

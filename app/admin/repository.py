"""Asks the database what the dashboard shows, across all tenants: open the session for `EVERY_TENANT`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import repository
from app.feedback.repository import is_telling
from app.models import QUEUED, RUNNING, Feedback, Job, JobEvent, JobMetric, StyleSample, Tenant, User


@dataclass(frozen=True)
class Person:
    """Somebody, and the customer whose person they are."""

    user: User
    tenant: Tenant

    @property
    def name(self) -> str:
        return self.user.display_name or self.user.external_id


@dataclass(frozen=True)
class Overview:
    """A person as one line."""

    person: Person
    samples: int
    remarks: int
    """How much of their feedback is scored."""
    satisfaction: float | None
    """The mean of it."""
    last_job: Job | None


@dataclass(frozen=True)
class Totals:
    people: int
    samples: int
    remarks: int


def totals(session: Session) -> Totals:
    return Totals(*(session.scalar(select(func.count(model.id))) or 0 for model in (User, StyleSample, Feedback)))


def overview(session: Session, cursor: str | None, limit: int) -> tuple[list[Overview], str | None]:
    """People, the newest first, and the cursor of the next page. Five queries, however many people."""
    users, following = repository.page(session, User, select(User), cursor, limit)
    ids = [user.id for user in users]
    tenants = {tenant.id: tenant for tenant in session.scalars(select(Tenant))}
    counted = select(StyleSample.user_id, func.count(StyleSample.id).label("number"))
    counts = session.execute(counted.where(StyleSample.user_id.in_(ids)).group_by(StyleSample.user_id))
    samples = {row.user_id: row.number for row in counts}
    scored = select(Feedback.user_id, func.count(Feedback.satisfaction), func.avg(Feedback.satisfaction))
    scores = session.execute(scored.where(Feedback.user_id.in_(ids), is_telling()).group_by(Feedback.user_id))
    satisfaction = {user_id: (count, mean) for user_id, count, mean in scores}
    newest = select(func.max(Job.id)).where(Job.user_id.in_(ids)).group_by(Job.user_id)
    jobs = {job.user_id: job for job in session.scalars(select(Job).where(Job.id.in_(newest)))}
    people = [
        Overview(
            Person(user, tenants[user.tenant_id]),
            samples.get(user.id, 0),
            *satisfaction.get(user.id, (0, None)),
            jobs.get(user.id),
        )
        for user in users
    ]
    return people, following


def training(session: Session) -> list[tuple[Job, Person]]:
    """Who is being trained or waits for it, the oldest first."""
    query = (
        select(Job, User, Tenant)
        .join(User, User.id == Job.user_id)
        .join(Tenant, Tenant.id == User.tenant_id)
        .where(Job.state.in_((QUEUED, RUNNING)))
        .order_by(Job.id)
    )
    return [(job, Person(user, tenant)) for job, user, tenant in session.execute(query)]


def people(session: Session, limit: int) -> list[Person]:
    """The newest people, to choose from, by name."""
    query = select(User, Tenant).join(Tenant, Tenant.id == User.tenant_id).order_by(User.id.desc()).limit(limit)
    found = [Person(user, tenant) for user, tenant in session.execute(query)]
    return sorted(found, key=lambda person: (person.name.casefold(), person.user.id))


def person(session: Session, user_id: str) -> Person | None:
    query = select(User, Tenant).join(Tenant, Tenant.id == User.tenant_id).where(User.id == user_id)
    row = session.execute(query).one_or_none()
    return Person(*row) if row else None


def contexts(session: Session, user_id: str) -> list[tuple[str, int]]:
    """How many samples each context has, the largest first; those without one count as ``""``."""
    query = select(StyleSample.context, func.count(StyleSample.id)).where(StyleSample.user_id == user_id)
    rows = session.execute(query.group_by(StyleSample.context)).all()
    return sorted(((context or "", count) for context, count in rows), key=lambda row: (-row[1], row[0]))


def samples(
    session: Session, user_id: str, context: str | None, cursor: str | None, limit: int
) -> tuple[Sequence[StyleSample], str | None]:
    """The newest samples of a context (``""``: of none; None: of any), and the cursor of the next page."""
    query = select(StyleSample).where(StyleSample.user_id == user_id)
    if context is not None:
        query = query.where(StyleSample.context == context if context else StyleSample.context.is_(None))
    return repository.page(session, StyleSample, query, cursor, limit)


def latest_events(session: Session, job_id: str, limit: int) -> Sequence[JobEvent]:
    """The end of a job's log, newest first."""
    query = select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id.desc()).limit(limit)
    return session.scalars(query).all()


def points(session: Session, job_id: str, names: Collection[str]) -> Sequence[JobMetric]:
    """The points of these curves, by stage and step."""
    query = select(JobMetric).where(JobMetric.job_id == job_id, JobMetric.name.in_(names))
    return session.scalars(query.order_by(JobMetric.stage, JobMetric.step)).all()

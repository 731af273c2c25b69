"""Asks the database about people."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import repository
from app.models import Adapter, Feedback, Job, Rewrite, Scorer, StyleSample, Trace, User

Belonging = type[StyleSample] | type[Rewrite] | type[Feedback] | type[Trace] | type[Scorer] | type[Job] | type[Adapter]

BELONGINGS: Final[dict[str, Belonging]] = {
    "samples": StyleSample,
    "rewrites": Rewrite,
    "feedback": Feedback,
    "traces": Trace,
    "scorers": Scorer,
    "jobs": Job,
    "adapters": Adapter,
}

BY_EXTERNAL_ID: Final = select(User).where(User.external_id == bindparam("external_id"))
LOCKED_BY_EXTERNAL_ID: Final = BY_EXTERNAL_ID.with_for_update()


def add(session: Session, user: User) -> bool:
    """False if the id is taken; the transaction goes on either way."""
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        return False
    return True


def by_external_id(session: Session, external_id: str, *, lock: bool = False) -> User | None:
    """With `lock`, whoever else asks so waits until this transaction ends (on SQLite writers always do)."""
    return session.scalar(LOCKED_BY_EXTERNAL_ID if lock else BY_EXTERNAL_ID, {"external_id": external_id})


def page(session: Session, cursor: str | None, limit: int) -> tuple[Sequence[User], str | None]:
    return repository.page(session, User, select(User), cursor, limit)


def count_belongings(session: Session, user_id: str) -> dict[str, int]:
    return {
        name: session.scalar(select(func.count(model.id)).where(model.user_id == user_id)) or 0
        for name, model in BELONGINGS.items()
    }


def digests_of(session: Session, user_id: str) -> set[str]:
    return set(session.scalars(select(Adapter.digest).where(Adapter.user_id == user_id)))


def jobs_of(session: Session, user_id: str) -> Sequence[str]:
    return session.scalars(select(Job.id).where(Job.user_id == user_id)).all()

"""Asks the database about versions, and moves the pointer to the active one."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from app import repository
from app.models import Adapter, User

BY_VERSION: Final = select(Adapter).where(
    Adapter.user_id == bindparam("user_id"), Adapter.version == bindparam("version")
)
ACTIVE: Final = (
    select(Adapter)
    .join(User, (User.id == Adapter.user_id) & (User.active_version == Adapter.version))
    .where(User.id == bindparam("user_id"))
)


def by_version(session: Session, user_id: str, version: int) -> Adapter | None:
    return session.scalar(BY_VERSION, {"user_id": user_id, "version": version})


def active(session: Session, user_id: str) -> Adapter | None:
    return session.scalar(ACTIVE, {"user_id": user_id})


def of_job(session: Session, job_id: str) -> Adapter | None:
    return session.scalar(select(Adapter).where(Adapter.job_id == job_id))


def page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Adapter], str | None]:
    return repository.page(session, Adapter, select(Adapter).where(Adapter.user_id == user_id), cursor, limit)


def lock_user(session: Session, user_id: str) -> User | None:
    """As they are now; whoever else asks so waits until this transaction ends (on SQLite writers always do)."""
    query = select(User).where(User.id == user_id).with_for_update()
    return session.scalar(query, execution_options={"populate_existing": True})


def latest_version(session: Session, user_id: str) -> int:
    return session.scalar(select(func.max(Adapter.version)).where(Adapter.user_id == user_id)) or 0


def active_before(session: Session, adapter: Adapter) -> Adapter | None:
    """The version last promoted before this one, passing over those that were rolled back from."""
    return session.scalar(
        select(Adapter)
        .where(
            Adapter.user_id == adapter.user_id,
            Adapter.promoted_at < adapter.promoted_at,
            Adapter.withdrawn_at.is_(None),
        )
        .order_by(Adapter.promoted_at.desc())
        .limit(1)
    )


def move_pointer(session: Session, user_id: str, expected: int | None, version: int | None) -> bool:
    """Compare and swap: False if the pointer is not (or no longer) at `expected`."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(User)
        .where(User.id == user_id, User.active_version.is_not_distinct_from(expected))
        .values(active_version=version)
    )
    return result.rowcount == 1

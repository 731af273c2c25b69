"""Asks the database about rewrites."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import repository
from app.models import Rewrite, User

Owned = tuple[Rewrite, str]
"""A rewrite and the tenant's own id of the person it was written for."""


def get(session: Session, rewrite_id: str) -> Owned | None:
    query = select(Rewrite, User.external_id).join(User, User.id == Rewrite.user_id).where(Rewrite.id == rewrite_id)
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Rewrite], str | None]:
    """Newest first, and the cursor of the next page."""
    return repository.page(session, Rewrite, select(Rewrite).where(Rewrite.user_id == user_id), cursor, limit)


def unscored(session: Session, rewrite_id: str) -> Rewrite | None:
    """None if it is scored already, or gone."""
    return session.scalar(select(Rewrite).where(Rewrite.id == rewrite_id, Rewrite.scored_at.is_(None)))

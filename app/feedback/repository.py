"""Asks the database about feedback."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import repository
from app.models import Feedback, Rewrite, User

Owned = tuple[Feedback, str]
"""Feedback and the tenant's own id of the person who gave it."""


def get(session: Session, feedback_id: str) -> Owned | None:
    query = select(Feedback, User.external_id).join(User, User.id == Feedback.user_id).where(Feedback.id == feedback_id)
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Feedback], str | None]:
    """Newest first, and the cursor of the next page."""
    return repository.page(session, Feedback, select(Feedback).where(Feedback.user_id == user_id), cursor, limit)


def scored(session: Session, user_id: str) -> Sequence[tuple[Feedback, Rewrite]]:
    """All of a person's scored feedback with what it is about, oldest first."""
    query = (
        select(Feedback, Rewrite)
        .join(Rewrite, Rewrite.id == Feedback.rewrite_id)
        .where(Feedback.user_id == user_id, Feedback.scored_at.is_not(None))
        .order_by(Feedback.id)
    )
    return [(feedback, rewrite) for feedback, rewrite in session.execute(query).all()]


def unscored(session: Session, feedback_id: str) -> tuple[Feedback, Rewrite] | None:
    """The feedback and what it is about; None if it is scored already, or gone."""
    query = (
        select(Feedback, Rewrite)
        .join(Rewrite, Rewrite.id == Feedback.rewrite_id)
        .where(Feedback.id == feedback_id, Feedback.scored_at.is_(None))
    )
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None

"""Asks the database about feedback, its traces and the scorers that learn from them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from app import repository
from app.learning.satisfaction.readable import SILENT
from app.models import Feedback, Rewrite, Scorer, Trace, User

Owned = tuple[Feedback, str]
"""Feedback and the tenant's own id of the person who gave it."""


def is_telling() -> ColumnElement[bool]:
    """Feedback whose satisfaction says something, once it is scored."""
    return or_(Feedback.scorer.is_(None), Feedback.scorer.not_in(SILENT))


def get(session: Session, feedback_id: str) -> Owned | None:
    query = select(Feedback, User.external_id).join(User, User.id == Feedback.user_id).where(Feedback.id == feedback_id)
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Feedback], str | None]:
    """Newest first, and the cursor of the next page."""
    return repository.page(session, Feedback, select(Feedback).where(Feedback.user_id == user_id), cursor, limit)


def scored(session: Session, user_id: str) -> Sequence[tuple[Feedback, Rewrite]]:
    """All of a person's scored feedback that says something, with what it is about, oldest first."""
    query = (
        select(Feedback, Rewrite)
        .join(Rewrite, Rewrite.id == Feedback.rewrite_id)
        .where(Feedback.user_id == user_id, Feedback.scored_at.is_not(None), is_telling())
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


def settle(session: Session, feedback_id: str, satisfaction: float, scorer: str, when: datetime) -> bool:
    """Write its score down; False if it is scored already, or gone: of two workers at once one is told True."""
    unscored = (Feedback.id == feedback_id, Feedback.scored_at.is_(None))
    statement = update(Feedback).where(*unscored).values(satisfaction=satisfaction, scorer=scorer, scored_at=when)
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        statement, execution_options={"synchronize_session": False}
    )
    return result.rowcount == 1


def corrections(
    session: Session, user_id: str, cursor: str | None, limit: int
) -> tuple[list[tuple[Feedback, Rewrite]], str | None]:
    """Feedback with an edited text and what it is about, newest first, and the cursor of the next page."""
    rows, following = repository.page(
        session,
        Feedback,
        select(Feedback).where(Feedback.user_id == user_id, Feedback.edited_text.is_not(None)),
        cursor,
        limit,
    )
    about = select(Rewrite).where(Rewrite.id.in_({row.rewrite_id for row in rows}))
    rewrites = {rewrite.id: rewrite for rewrite in session.scalars(about)}
    return [(row, rewrites[row.rewrite_id]) for row in rows], following


def satisfactions(session: Session, user_id: str, limit: int) -> Sequence[tuple[Feedback, int | None]]:
    """The newest scored feedback that says something, with the version it is about (None: the base model), oldest
    first."""
    query = (
        select(Feedback, Rewrite.adapter_version)
        .join(Rewrite, Rewrite.id == Feedback.rewrite_id)
        .where(Feedback.user_id == user_id, Feedback.satisfaction.is_not(None), is_telling())
        .order_by(Feedback.id.desc())
        .limit(limit)
    )
    return [(feedback, version) for feedback, version in reversed(session.execute(query).all())]


def silent(session: Session, user_id: str) -> dict[str, int]:
    """How much of a person's feedback says nothing, by why."""
    query = select(Feedback.scorer, func.count()).where(Feedback.user_id == user_id, Feedback.scorer.in_(SILENT))
    return {str(reason): count for reason, count in session.execute(query.group_by(Feedback.scorer)).all()}


def traces_page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Trace], str | None]:
    """Newest first, and the cursor of the next page."""
    return repository.page(session, Trace, select(Trace).where(Trace.user_id == user_id), cursor, limit)


def last_reply(session: Session, user_id: str) -> int:
    """The number of the person's newest reaction that left a trace; 0: none yet."""
    return session.scalar(select(func.max(Trace.reply)).where(Trace.user_id == user_id)) or 0


def unheard(session: Session, user_id: str) -> Sequence[Trace]:
    """What no scorer has learned from, oldest first."""
    query = select(Trace).where(Trace.user_id == user_id, Trace.heard_by.is_(None))
    return session.scalars(query.order_by(Trace.reply, Trace.id)).all()


def unheard_replies(session: Session, user_id: str) -> int:
    query = select(func.count(Trace.feedback_id.distinct())).where(Trace.user_id == user_id, Trace.heard_by.is_(None))
    return session.scalar(query) or 0


def heard(session: Session, user_id: str, recent: int, long: int) -> Sequence[Trace]:
    """The newest `recent` traces that were learned from and the `long` with the smallest draw, oldest first."""
    query = select(Trace).where(Trace.user_id == user_id, Trace.heard_by.is_not(None))
    rows = [
        *session.scalars(query.order_by(Trace.reply.desc(), Trace.id.desc()).limit(recent)),
        *session.scalars(query.order_by(Trace.draw).limit(long)),
    ]
    return sorted({row.id: row for row in rows}.values(), key=lambda row: (row.reply, row.id))


def traces(session: Session, ids: Collection[str]) -> Sequence[Trace]:
    return session.scalars(select(Trace).where(Trace.id.in_(ids))).all()


def people_to_hear(session: Session, at_least: int) -> Sequence[str]:
    """Ids of those who have reacted this often since their scorer learned last."""
    query = select(Trace.user_id).where(Trace.heard_by.is_(None)).group_by(Trace.user_id)
    return session.scalars(query.having(func.count(Trace.feedback_id.distinct()) >= at_least)).all()


def tenant_of_user(session: Session, user_id: str) -> str | None:
    return session.scalar(select(User.tenant_id).where(User.id == user_id))


def latest_scorer(session: Session, user_id: str) -> Scorer | None:
    query = select(Scorer).where(Scorer.user_id == user_id)
    return session.scalar(query.order_by(Scorer.version.desc()).limit(1))


def add_scorer(session: Session, scorer: Scorer) -> bool:
    """False if another worker was faster or the person was erased; the transaction goes on either way."""
    try:
        with session.begin_nested():
            session.add(scorer)
    except IntegrityError:
        return False
    return True


def drop_states(session: Session, user_id: str, before: int) -> None:
    """Forget the weights of versions below `before`; what they believed stays."""
    old = (Scorer.user_id == user_id, Scorer.version < before, Scorer.state.is_not(None))
    session.execute(update(Scorer).where(*old).values(state=None), execution_options={"synchronize_session": False})


def scorers(session: Session, user_id: str, limit: int) -> Sequence[Scorer]:
    """The newest versions without their weights, oldest first."""
    query = select(Scorer).where(Scorer.user_id == user_id).options(defer(Scorer.state, raiseload=True))
    return session.scalars(query.order_by(Scorer.version.desc()).limit(limit)).all()[::-1]

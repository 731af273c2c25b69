"""Asks the database about samples."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import repository
from app.models import StyleSample


def ids_by_fingerprint(session: Session, user_id: str, fingerprints: Iterable[str]) -> dict[str, str]:
    query = select(StyleSample.sha256, StyleSample.id).where(
        StyleSample.user_id == user_id, StyleSample.sha256.in_(set(fingerprints))
    )
    return {row.sha256: row.id for row in session.execute(query)}


def count(session: Session, user_id: str) -> int:
    return session.scalar(select(func.count(StyleSample.id)).where(StyleSample.user_id == user_id)) or 0


def page(session: Session, user_id: str, cursor: str | None, limit: int) -> tuple[Sequence[StyleSample], str | None]:
    return repository.page(
        session, StyleSample, select(StyleSample).where(StyleSample.user_id == user_id), cursor, limit
    )


def all_of(session: Session, user_id: str) -> Sequence[StyleSample]:
    """Everything a person wrote, oldest first."""
    return session.scalars(select(StyleSample).where(StyleSample.user_id == user_id).order_by(StyleSample.id)).all()


def get(session: Session, user_id: str, sample_id: str) -> StyleSample | None:
    return session.scalar(select(StyleSample).where(StyleSample.user_id == user_id, StyleSample.id == sample_id))


def give_part(session: Session, sample_ids: Sequence[str], is_held_out: bool) -> None:
    """To those that have none yet."""
    for ids in repository.portions(sample_ids):
        query = update(StyleSample).where(StyleSample.id.in_(ids), StyleSample.is_held_out.is_(None))
        session.execute(query.values(is_held_out=is_held_out))

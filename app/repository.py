"""Questions that belong to no noun: pages, keys, logins, and files that several nouns' rows may share."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import Identified
from app.models import Adapter, AdminLogin, ApiKey

Row = TypeVar("Row", bound=Identified)
T = TypeVar("T")

FOREIGN_KEY: Final = frozenset({"23503", "SQLITE_CONSTRAINT_FOREIGNKEY"})
PORTION: Final = 10_000

# What every request asks is built once: that takes longer than the answer.
KEY: Final = select(ApiKey).where(ApiKey.kid == bindparam("kid"))


def page(
    session: Session, model: type[Row], statement: Select[Row], cursor: str | None, limit: int
) -> tuple[Sequence[Row], str | None]:
    """The newest `limit` rows older than the row `cursor`, and the cursor that follows them (None: no more)."""
    if cursor is not None:
        statement = statement.where(model.id < cursor)
    rows = session.scalars(statement.order_by(model.id.desc()).limit(limit + 1)).all()
    return rows[:limit], rows[limit - 1].id if len(rows) > limit else None


def find_key(session: Session, kid: str) -> ApiKey | None:
    return session.scalar(KEY, {"kid": kid})


def list_keys(session: Session, tenant_id: str) -> Sequence[ApiKey]:
    return session.scalars(select(ApiKey).where(ApiKey.tenant_id == tenant_id).order_by(ApiKey.id)).all()


def find_login(session: Session, kind: str, secret_sha256: str, at: datetime) -> AdminLogin | None:
    """An unused, unexpired login of this kind."""
    return session.scalar(
        select(AdminLogin).where(
            AdminLogin.kind == kind,
            AdminLogin.secret_sha256 == secret_sha256,
            AdminLogin.used_at.is_(None),
            AdminLogin.expires_at > at,
        )
    )


def use_login(session: Session, kind: str, secret_sha256: str, at: datetime) -> bool:
    """Spend a login; False if it is unknown, expired or already spent. Two at once: one wins."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(AdminLogin)
        .where(
            AdminLogin.kind == kind,
            AdminLogin.secret_sha256 == secret_sha256,
            AdminLogin.used_at.is_(None),
            AdminLogin.expires_at > at,
        )
        .values(used_at=at)
    )
    return result.rowcount == 1


def digests_in_use(session: Session, digests: set[str]) -> set[str]:
    """Which of these files any version of anybody still needs: ask in a session for every tenant."""
    return {
        digest
        for some in portions(sorted(digests))
        for digest in session.scalars(select(Adapter.digest).where(Adapter.digest.in_(some)))
    }


def portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """For `in_`: a question takes so many parameters, 65,535 with PostgreSQL and 32,766 with some builds of SQLite."""
    for start in range(0, len(values), PORTION):
        yield values[start : start + PORTION]


def is_stored(session: Session, row: Identified) -> bool:
    """False if the person it belongs to is there no more, by the foreign key; then the transaction is lost."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        if not is_missing_parent(error):
            raise
        return False
    return True


def is_missing_parent(error: IntegrityError) -> bool:
    """Whether the row it belongs to is there no more; databases' words are in the language of their operator."""
    codes = (getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorname", None))
    return bool(FOREIGN_KEY.intersection(codes))

"""Asks the database about tenants."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.models import Tenant


def add(session: Session, tenant: Tenant) -> bool:
    """False if the name is taken; the transaction goes on either way."""
    try:
        with session.begin_nested():
            session.add(tenant)
    except IntegrityError:
        return False
    return True


def by_name(session: Session, name: str) -> Tenant | None:
    return session.scalar(select(Tenant).where(Tenant.name == name))


def all_by_name(session: Session) -> Sequence[Tenant]:
    return session.scalars(select(Tenant).order_by(Tenant.name)).all()

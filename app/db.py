"""Sessions opened for a tenant: every query is filtered and every flush checked, centrally.

`transaction(tenant_id)` is the only way to reach the database. One transaction per request or task; what must wait for
the commit (ringing the broker) is registered with `after_commit`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    UOWTransaction,
    mapped_column,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.types import JSON, String, TypeDecorator
from uuid_utils import uuid7

from app.config import get_settings

EVERY_TENANT: Final = "*"
"""Opens a session that sees all tenants: for sweeps, the operator's dashboard and key look-up only."""


class TenantMismatch(RuntimeError):
    """A row of one tenant was about to be written in another tenant's session."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware datetimes out, also on SQLite, which forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("datetimes must carry a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON, list[Any]: JSON, str: String}  # noqa: RUF012


def new_id() -> str:
    """Time-ordered, so keyset cursors and primary-key order agree with age."""
    return str(uuid7())


def now() -> datetime:
    return datetime.now(UTC)


class Identified:
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=now)


class TenantOwned:
    """Mix-in of every table a tenant owns; the session filters and checks by this column."""

    tenant_id: Mapped[str] = mapped_column(String(36), index=True)


def build_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # The driver's own implicit BEGIN is deferred; ours, below, takes the write lock at once and so never deadlocks.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(
            "BEGIN" if connection.get_execution_options().get("read_only") else "BEGIN IMMEDIATE"
        )

    return engine


@lru_cache
def get_engine(url: str) -> Engine:
    return build_engine(url)


def session_maker() -> sessionmaker[Session]:
    return sessionmaker(get_engine(get_settings().resolved_database_url), expire_on_commit=False)


@event.listens_for(Session, "do_orm_execute")
def scope_to_tenant(state: ORMExecuteState) -> None:
    tenant_id = state.session.info.get("tenant_id")
    if tenant_id is None:
        raise RuntimeError("open sessions with app.db.transaction(tenant_id): this one has no tenant")
    if tenant_id != EVERY_TENANT:
        state.statement = state.statement.options(
            with_loader_criteria(TenantOwned, lambda table: table.tenant_id == tenant_id, include_aliases=True)
        )


@event.listens_for(Session, "before_flush")
def check_tenant(session: Session, _: UOWTransaction, __: object) -> None:
    tenant_id = session.info.get("tenant_id")
    if tenant_id == EVERY_TENANT:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, TenantOwned) and row.tenant_id != tenant_id:
            raise TenantMismatch(f"{type(row).__name__} belongs to another tenant")


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    session.info.setdefault("after_commit", []).append(callback)


@contextmanager
def transaction(tenant_id: str, *, read_only: bool = False) -> Iterator[Session]:
    """One transaction in one tenant: commit on success, roll back on error, then run what waited for the commit."""
    with session_maker()(info={"tenant_id": tenant_id}) as session:
        if read_only:
            session.connection(execution_options={"read_only": True})
        with session.begin() if not session.in_transaction() else session.get_transaction():  # type: ignore[union-attr]
            yield session
        for callback in session.info.pop("after_commit", ()):
            callback()

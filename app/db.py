"""The database: column types, engines, migrations, and `transaction(tenant_id)`, the only way to reach rows.

One transaction per request or task; what must wait for the commit (ringing the broker) is registered with
`after_commit`. What a tenant's session may see and write is decided in `app.tenancy`.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from sqlalchemy import DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.types import JSON, String, TypeDecorator
from uuid_utils import uuid7

from app.config import get_settings
from app.errors import AppError, Internal, StorageFull, Unavailable
from app.tenancy import EVERY_TENANT, ReadOnly, TenantMismatch, TenantOwned, TenantSession

__all__ = [
    "EVERY_TENANT",
    "Base",
    "Identified",
    "ReadOnly",
    "TenantMismatch",
    "TenantOwned",
    "UtcDateTime",
    "after_commit",
    "alembic_config",
    "build_engine",
    "explained",
    "get_engine",
    "head",
    "migrate",
    "new_id",
    "now",
    "revision",
    "transaction",
]

log = logging.getLogger(__name__)

PACKAGE: Final = Path(__file__).parent
ROOT: Final = PACKAGE if (PACKAGE / "alembic.ini").exists() else PACKAGE.parent
"""Where alembic.ini and the migrations are: in an installed wheel inside the package, in the repository beside it."""


LONGEST_TURN_S: Final = 5.0
"""Who has waited so long for the writers of this process asks SQLite itself, and is told if it is locked."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC out, also on SQLite, which forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("datetimes must carry a time zone")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


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


def build_engine(url: str) -> Engine:
    # Parameters are hidden because they are people's texts, and error messages reach the log. Each of the web's forty
    # threads gets a connection, as on SQLite a writer waits for the others while holding one; files cost nothing kept
    # open, connections to a server do.
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, max_overflow=40)
    patient = {"timeout": 30, "check_same_thread": False}
    engine = create_engine(url, connect_args=patient, hide_parameters=True, pool_size=45, max_overflow=0)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # The driver's own implicit BEGIN is deferred; ours, below, takes the write lock at once and so never deadlocks.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    # SQLite's own queue is to look again after longer and longer naps: some writers sleep for a second while the lock
    # is free. Those of this process wait for each other here, and for other processes there.
    turn = Lock()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        if connection.get_execution_options().get("read_only"):
            # Waits for nobody and so cannot fail: the driver is asked itself, in a tenth of the time.
            connection.connection.dbapi_connection.execute("BEGIN")
            return
        mine = connection.connection.record_info
        if not mine.get("has_turn"):
            mine["has_turn"] = turn.acquire(timeout=LONGEST_TURN_S)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "checkin")
    def leave(_: object, record: Any) -> None:
        if record.record_info.pop("has_turn", False):
            turn.release()

    return engine


@lru_cache
def get_engine(url: str) -> Engine:
    return build_engine(url)


@lru_cache
def session_maker(url: str) -> sessionmaker[TenantSession]:
    """Kept, since every new one makes a class of its own."""
    return sessionmaker(get_engine(url), class_=TenantSession, expire_on_commit=False)


def after_commit(session: Session, callback: Callable[[], object]) -> None:
    """Run `callback` once this session's transaction is safely committed; never if it is rolled back."""
    session.info.setdefault("after_commit", []).append(callback)


@contextmanager
def transaction(tenant_id: str, *, read_only: bool = False) -> Iterator[Session]:
    """One transaction in one tenant: commit on success, roll back on error, then run what waited for the commit.

    A read-only one sees a snapshot, waits for nobody's write lock and raises ReadOnly when asked to write.
    """
    with session_maker(get_settings().resolved_database_url)(
        info={"tenant_id": tenant_id, "read_only": read_only}
    ) as session:
        if read_only:
            session.connection(execution_options={"read_only": True, "postgresql_readonly": True})
            yield session
            session.flush()  # there is nothing to commit, and whoever thinks otherwise is told
        else:
            yield session
            session.commit()
        waiting = session.info.pop("after_commit", ())
    for callback in waiting:
        # The rows are safe: a bell that fails to ring must not turn a kept promise into an error.
        try:
            callback()
        except Exception as error:
            log.error("after commit: %s raised %s", getattr(callback, "__qualname__", callback), type(error).__name__)


def explained(error: Exception, request_id: str) -> AppError:
    """What a caller is told of an error that has no name. Whatever it was, the transaction was rolled back."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        cause = str(getattr(error, "orig", ""))
        if "disk is full" in cause or "No space left" in cause:
            return StorageFull("the disk that holds the database is full", remedy="Have the operator free space.")
        return Unavailable(
            "the database cannot be reached or is busy; nothing of this request was kept",
            remedy="Try again in 5 seconds; if it stays, have the operator look at /readyz.",
            headers={"Retry-After": "5"},
        )
    return Internal(
        "an unexpected error; nothing of this request was kept",
        remedy=f"Try again. If it stays, tell the operator the request id {request_id}.",
    )


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to `revision` in one transaction; processes that start together wait for each other."""
    from alembic import command

    if (file := make_url(url)).get_backend_name() == "sqlite" and file.database:
        Path(file.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(alembic_config(url), revision)


def head() -> str:
    """The revision this code wants."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(alembic_config("")).get_current_head())


def revision(url: str) -> str | None:
    """The revision the database has; None when it was never migrated."""
    from alembic.runtime.migration import MigrationContext

    with get_engine(url).connect().execution_options(read_only=True) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def alembic_config(url: str) -> Any:
    """Alembic's configuration for this database: `alembic.command` takes it."""
    from alembic.config import Config

    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["url"] = url
    return config

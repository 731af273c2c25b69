"""Run migrations in one transaction, one process at a time, on SQLite and on Postgres."""

from alembic import context

from app.config import get_settings
from app.db import build_engine
from app.models import Base

LOCK = 0x1D101EC7
"""Any constant: the advisory lock that lets one process migrate at a time."""


def run() -> None:
    url = context.config.attributes.get("url") or get_settings().resolved_database_url
    engine = build_engine(url)
    try:
        # On SQLite this begins with the write lock, on Postgres the advisory lock does the same.
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
                connection.exec_driver_sql("SELECT set_config('idiolect.tenant', '*', true)")
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                transactional_ddl=True,
                render_as_batch=connection.dialect.name == "sqlite",
                compare_type=True,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()

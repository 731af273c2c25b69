"""Up, down and up again; what results is what the models say, on both databases."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from app.db import ROOT, alembic_config, build_engine, head, migrate, revision
from app.models import Base


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    return str(request.getfixturevalue("empty_postgres"))


def differences(url: str) -> list[object]:
    engine = build_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
    engine.dispose()
    return list(found)


def tables(url: str) -> set[str]:
    engine = build_engine(url)
    with engine.connect() as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return found


def test_up_down_up_agrees_with_the_models(empty: str) -> None:
    migrate(empty)
    assert differences(empty) == []
    command.downgrade(alembic_config(empty), "base")
    assert tables(empty) == {"alembic_version"}
    migrate(empty)
    assert differences(empty) == []
    assert tables(empty) == {"alembic_version", *Base.metadata.tables}
    assert revision(empty) == head()


def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    migrate(url)
    engine = build_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE users DROP COLUMN display_name")
    engine.dispose()
    assert [change[0] for change in differences(url)] == ["add_column"]  # type: ignore[index]


@pytest.mark.slow
def test_processes_that_start_together_migrate_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate_in_a_process, [empty, empty]))
    assert revision(empty) == head()
    assert differences(empty) == []


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/torn.db"
    engine = build_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE jobs (id INTEGER)")
    engine.dispose()
    with pytest.raises(OperationalError, match="jobs already exists"):
        migrate(url)
    assert tables(url) == {"jobs"}


def test_a_database_that_was_never_migrated_has_no_revision(empty: str) -> None:
    assert revision(empty) is None


def test_names_are_dated() -> None:
    names = [path.name for path in (ROOT / "migrations" / "versions").glob("*.py")]
    assert names
    assert all(re.fullmatch(r"\d{4}_\d{2}_\d{2}_\d{4}_\w+\.py", name) for name in names)


def migrate_in_a_process(url: str) -> None:
    subprocess.run([sys.executable, "-c", f"from app.db import migrate; migrate({url!r})"], check=True, cwd=ROOT)

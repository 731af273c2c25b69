"""Transactions: what is kept, what waits for the commit, who waits for whom."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session

from app import db
from app.db import ReadOnly, after_commit, get_engine, transaction
from app.models import ApiKey, StyleSample, Tenant, User

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


def names(tenant: Tenant) -> set[str]:
    with transaction(tenant.id, read_only=True) as session:
        return set(session.scalars(select(User.external_id)))


@both
def test_what_waits_for_the_commit_sees_it_done(tenant: Tenant) -> None:
    seen: list[set[str]] = []
    with transaction(tenant.id) as session:
        session.add(User(tenant_id=tenant.id, external_id="ada"))
        after_commit(session, lambda: seen.append(names(tenant)))
        after_commit(session, lambda: seen.append({"second"}))
        with session.begin_nested():
            session.add(User(tenant_id=tenant.id, external_id="bob"))
        assert seen == []
    assert seen == [{"ada", "bob"}, {"second"}]


@both
def test_a_rollback_keeps_nothing_and_rings_for_nothing(tenant: Tenant) -> None:
    rung: list[str] = []

    def fail() -> None:
        with transaction(tenant.id) as session:
            session.add(User(tenant_id=tenant.id, external_id="ada"))
            session.flush()
            after_commit(session, lambda: rung.append("bell"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert (names(tenant), rung) == (set(), [])


def test_a_failing_bell_is_logged_and_the_others_ring(tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    rung: list[str] = []

    def broken() -> None:
        raise ConnectionError("secret text")

    with caplog.at_level(logging.ERROR), transaction(tenant.id) as session:
        session.add(User(tenant_id=tenant.id, external_id="ada"))
        after_commit(session, broken)
        after_commit(session, lambda: rung.append("bell"))
    assert (names(tenant), rung) == ({"ada"}, ["bell"])
    assert "broken raised ConnectionError" in caplog.text
    assert "secret text" not in caplog.text


@both
@pytest.mark.parametrize(
    "write",
    [
        lambda session, user: session.add(User(tenant_id=user.tenant_id, external_id="bob")),
        lambda session, user: setattr(session.get(User, user.id), "display_name", "changed"),
        lambda session, user: session.delete(user),
        lambda session, user: session.query(User).delete(),
    ],
    ids=["add", "change", "delete", "statement"],
)
def test_a_read_only_session_refuses_to_write(
    tenant: Tenant, make_user: Callable[..., User], write: Callable[[Session, User], object]
) -> None:
    user = make_user("ada")
    with pytest.raises(ReadOnly), transaction(tenant.id, read_only=True) as session:
        write(session, user)
    assert names(tenant) == {"ada"}


@both
def test_many_writers_lose_nothing(tenant: Tenant, make_user: Callable[..., User]) -> None:
    """Each reads, then writes what follows from it: with deferred locks SQLite would refuse some, or forget."""
    user = make_user("ada")

    def count(times: int = 10) -> None:
        for _ in range(times):
            with transaction(tenant.id) as session:
                row = session.scalars(select(User).where(User.id == user.id).with_for_update()).one()
                row.active_version = (row.active_version or 0) + 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(tenant.id, read_only=True) as session:
        assert session.scalars(select(User.active_version)).one() == 40


def test_a_reader_waits_for_no_writer(tenant: Tenant, make_user: Callable[..., User]) -> None:
    make_user("ada")
    with transaction(tenant.id) as session:
        session.add(User(tenant_id=tenant.id, external_id="bob"))
        session.flush()
        assert names(tenant) == {"ada"}
    assert names(tenant) == {"ada", "bob"}


def test_a_writer_holds_the_lock_from_its_first_statement(tenant: Tenant, database: str) -> None:
    with transaction(tenant.id) as session:
        session.scalars(select(User)).all()
        raw = get_engine(database).raw_connection()
        try:
            raw.cursor().execute("PRAGMA busy_timeout=0")
            with pytest.raises(Exception, match="locked"):
                raw.cursor().execute("BEGIN IMMEDIATE")
        finally:
            raw.invalidate()


def test_writers_of_one_process_take_turns(tenant: Tenant, database: str) -> None:
    """None asks SQLite while another writes: it would be let in late, after a nap of up to a tenth of a second."""
    asked: list[str] = []
    event.listen(get_engine(database), "before_cursor_execute", lambda *given: asked.append(given[2]))

    def write(name: str) -> None:
        with transaction(tenant.id) as session:
            session.add(User(tenant_id=tenant.id, external_id=name))

    with transaction(tenant.id) as session:
        session.scalars(select(User)).all()
        waiting = threading.Thread(target=write, args=("bob",))
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
        assert asked.count("BEGIN IMMEDIATE") == 1
    waiting.join()
    assert asked.count("BEGIN IMMEDIATE") == 2
    assert names(tenant) == {"bob"}


def test_a_turn_ends_with_whatever_ends_the_transaction(
    tenant: Tenant, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "LONGEST_TURN_S", 600.0)
    with pytest.raises(IntegrityError), transaction(tenant.id) as session:
        session.add(StyleSample(tenant_id=tenant.id, user_id="nobody", text="text", sha256="0"))
    with get_engine(database).connect() as connection:
        connection.begin()
        connection.invalidate()
    with get_engine(database).connect() as connection:
        for _ in range(2):
            with connection.begin():
                pass
    raw = get_engine(database).raw_connection()
    raw.cursor().execute("BEGIN IMMEDIATE")
    with get_engine(database).connect() as connection:
        connection.connection.cursor().execute("PRAGMA busy_timeout=0")
        with pytest.raises(OperationalError, match="locked"):
            connection.begin()
    raw.rollback()
    raw.close()
    with transaction(tenant.id) as session:
        session.add(User(tenant_id=tenant.id, external_id="ada"))
    assert names(tenant) == {"ada"}


def test_who_has_waited_too_long_for_its_turn_asks_the_database(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    """So a writer within a writer is told of it, rather than waiting forever."""
    monkeypatch.setattr(db, "LONGEST_TURN_S", 0.01)
    with transaction(tenant.id) as session:
        session.scalars(select(User)).all()
        with get_engine(database).connect() as connection:
            connection.connection.cursor().execute("PRAGMA busy_timeout=0")
            with pytest.raises(OperationalError, match="locked"):
                connection.begin()


@both
def test_times_come_back_in_utc(tenant: Tenant, make_key: Callable[..., str]) -> None:
    moment = datetime(2027, 1, 2, 3, 4, 5, 678, timezone(timedelta(hours=5)))
    make_key(tenant, expires_at=moment)
    with transaction(tenant.id, read_only=True) as session:
        found = session.scalars(select(ApiKey.expires_at)).one()
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


def test_times_without_a_zone_are_refused(tenant: Tenant) -> None:
    with pytest.raises(StatementError, match="time zone"), transaction(tenant.id) as session:
        session.add(User(tenant_id=tenant.id, external_id="ada", created_at=datetime(2027, 1, 1)))


@both
def test_errors_do_not_list_parameters(tenant: Tenant, make_user: Callable[..., User], make_samples: Any) -> None:
    user = make_user("ada")
    make_samples(user, ["a secret text"])
    with pytest.raises(Exception, match="style_samples") as caught, transaction(tenant.id) as session:
        session.add(StyleSample(tenant_id=tenant.id, user_id=None, text="a secret text", sha256="0"))
    assert "[parameters" not in str(caught.value)


def test_foreign_keys_hold_on_sqlite(tenant: Tenant) -> None:
    with pytest.raises(Exception, match="FOREIGN KEY"), transaction(tenant.id) as session:
        session.add(StyleSample(tenant_id=tenant.id, user_id="nobody", text="text", sha256="0"))


def test_a_missing_database_says_so(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_DATA_DIR", "/nonexistent")
    from app.config import get_settings

    get_settings.cache_clear()
    with pytest.raises(OperationalError), transaction("a", read_only=True):
        pass

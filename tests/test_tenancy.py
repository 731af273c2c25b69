"""Ways to reach another tenant's rows, each of which must fail: on SQLite by the session alone, on Postgres twice."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    ForeignKey,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError, StatementError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    joinedload,
    lazyload,
    mapped_column,
    relationship,
    selectinload,
    subqueryload,
)

from app import tenancy
from app.db import EVERY_TENANT, TenantMismatch, TenantOwned, build_engine, get_engine, new_id, now, transaction
from app.models import ApiKey, StyleSample, Tenant, User
from app.tenancy import TenantSession

Make = Callable[..., Any]

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def ours(make_user: Make, make_samples: Make) -> User:
    user: User = make_user("ada")
    make_samples(user, ["our text"])
    return user


@pytest.fixture
def theirs(make_user: Make, make_samples: Make, other_tenant: Tenant) -> User:
    user: User = make_user("eve", other_tenant)
    make_samples(user, ["their secret"])
    return user


def everything() -> set[tuple[str, str]]:
    with transaction(EVERY_TENANT, read_only=True) as session:
        users = session.execute(select(User.external_id, User.display_name)).all()
        samples = session.execute(select(StyleSample.text, StyleSample.source)).all()
    return {(row[0], row[1]) for row in (*users, *samples)}


Other = aliased(User)
READS: dict[str, Any] = {
    "rows": select(User.external_id),
    "an alias": select(Other.external_id),
    "a count": select(func.count()).select_from(User),
    "a count of a column": select(func.count(User.id)),
    "a subquery": select(select(User.external_id).subquery()),
    "a common table": select(select(User.external_id).cte()),
    "a union": union_all(select(User.external_id), select(User.external_id).where(User.id != "")),
    "a scalar": select(select(func.max(User.external_id)).scalar_subquery()),
    "a join": select(StyleSample.text, User.external_id).join(User, User.id == StyleSample.user_id),
    "a join on nothing": select(User.external_id, StyleSample.text).join(StyleSample, literal(True)),
    "existence": select(literal("eve")).where(select(User).where(User.external_id == "eve").exists()),
    "a list": select(User.external_id).where(User.id.in_(select(StyleSample.user_id))),
    "keys": select(ApiKey.kid),
}


@both
@pytest.mark.parametrize("query", READS.values(), ids=READS.keys())
def test_no_query_sees_another_tenant(query: Any, ours: User, theirs: User, tenant: Tenant) -> None:
    with transaction(tenant.id, read_only=True) as session:
        rows = session.execute(query).all()
    assert not {value for row in rows for value in row} & {"eve", "their secret", 2}
    with transaction(EVERY_TENANT, read_only=True) as session:
        assert len(session.execute(query).all()) >= len(rows)


@both
def test_rows_of_others_cannot_be_got_by_key(ours: User, theirs: User) -> None:
    with transaction(ours.tenant_id) as session:
        assert session.get(User, theirs.id) is None
        found = session.get(User, ours.id)
        assert found is not None
        session.refresh(found)
        assert session.query(User).count() == 1


users, samples = User.__table__, StyleSample.__table__
UNFILTERABLE: dict[str, Any] = {
    "text": text("SELECT * FROM users"),
    "a plain table": select(users),
    "mapped from text": select(User).from_statement(text("SELECT * FROM users")),
    "a plain table beside a class": select(User.external_id, samples.c.text),
    "a plain table in a subquery": select(User.id, select(func.count(samples.c.id)).scalar_subquery()),
    "a plain table in a condition": select(User).where(User.id.in_(select(samples.c.user_id))),
    "a plain table that exists": select(User).where(exists().select_from(samples)),
    "a plain table joined": select(User).join(samples, samples.c.user_id == User.id),
    "a plain table under an alias": select(User.id, samples.alias().c.text),
    "a plain delete": delete(users),
    "a plain update": update(users).values(display_name="hacked"),
}


@pytest.mark.parametrize("statement", UNFILTERABLE.values(), ids=UNFILTERABLE.keys())
def test_what_cannot_be_filtered_is_refused(statement: Any, ours: User, theirs: User) -> None:
    before = everything()
    with pytest.raises(TenantMismatch), transaction(ours.tenant_id) as session:
        session.execute(statement)
    assert everything() == before


@both
def test_a_kept_query_answers_each_tenant_with_its_own(ours: User, theirs: User) -> None:
    kept = select(User).where(User.external_id == bindparam("name"))
    for asking in (ours, theirs, ours):
        with transaction(asking.tenant_id, read_only=True) as session:
            found = [session.scalar(kept, {"name": name}) for name in ("ada", "eve")]
        assert [user.id for user in found if user] == [asking.id]


def test_what_is_made_of_a_kept_query_is_looked_through_again(ours: User) -> None:
    kept = select(User)
    with transaction(ours.tenant_id, read_only=True) as session:
        session.scalars(kept).all()
        with pytest.raises(TenantMismatch, match="plain table"):
            session.scalars(kept.where(User.id.in_(select(samples.c.user_id))))


def test_a_filtered_query_that_is_told_no_tenant_fails(ours: User, theirs: User) -> None:
    query = select(User.external_id).options(tenancy.FILTER)
    with transaction(EVERY_TENANT, read_only=True) as session, pytest.raises(StatementError, match="of_tenant"):
        session.scalars(query)


def test_only_queries_that_somebody_keeps_are_remembered(ours: User) -> None:
    kept = select(User.id)
    with transaction(ours.tenant_id, read_only=True) as session:
        session.scalars(kept).all()
        gc.collect()
        before = set(tenancy._filtered)
        for number in range(5):
            session.scalars(select(User.external_id).limit(number)).all()
        gc.collect()
    assert kept in before
    assert set(tenancy._filtered) == before


@both
def test_updates_and_deletes_touch_our_rows_only(ours: User, theirs: User) -> None:
    with transaction(ours.tenant_id) as session:
        session.execute(update(User).values(display_name="changed"))
        session.execute(update(User).where(User.id == StyleSample.user_id).values(display_name="changed"))
        session.execute(delete(StyleSample))
        session.query(User).filter(User.external_id == "eve").delete()
    assert everything() == {("ada", "changed"), ("eve", ""), ("their secret", "api")}


def row_of(theirs: User) -> dict[str, Any]:
    return {
        "id": new_id(),
        "tenant_id": theirs.tenant_id,
        "external_id": "hacked",
        "display_name": "",
        "created_at": now(),
    }


WRITES: dict[str, Callable[[Session, User, User], object]] = {
    "a new row": lambda s, _, theirs: s.add(User(**row_of(theirs))),
    "an insert": lambda s, _, theirs: s.execute(insert(User), [row_of(theirs)]),
    "an insert of one": lambda s, _, theirs: s.execute(insert(User), row_of(theirs)),
    "an insert with values": lambda s, _, theirs: s.execute(insert(User).values(row_of(theirs))),
    "an insert of several values": lambda s, _, theirs: s.execute(insert(User).values([row_of(theirs)])),
    "an insert of an expression": lambda s, _, theirs: s.execute(
        insert(User).values({**row_of(theirs), "tenant_id": func.coalesce(theirs.tenant_id)})
    ),
    "an insert from a query": lambda s, _, theirs: s.execute(
        insert(User).from_select(list(row_of(theirs)), select(*map(literal, row_of(theirs).values())))
    ),
    "bulk mappings": lambda s, _, theirs: s.bulk_insert_mappings(User.__mapper__, [row_of(theirs)]),
    "bulk objects": lambda s, _, theirs: s.bulk_save_objects([User(**row_of(theirs))]),
    "an update by key": lambda s, _, theirs: s.execute(update(User), [{"id": theirs.id, "display_name": "hacked"}]),
    "giving a row away": lambda s, ours, theirs: setattr(s.get(User, ours.id), "tenant_id", theirs.tenant_id),
    "giving rows away": lambda s, _, theirs: s.execute(update(User).values(tenant_id=theirs.tenant_id)),
    "changing a row of theirs": lambda s, _, theirs: (s.add(theirs), setattr(theirs, "display_name", "hacked")),
    "claiming a row of theirs": lambda s, ours, theirs: (s.add(theirs), setattr(theirs, "tenant_id", ours.tenant_id)),
    "deleting a row of theirs": lambda s, _, theirs: s.delete(theirs),
}


@both
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_no_write_reaches_another_tenant(
    write: Callable[[Session, User, User], object], ours: User, theirs: User
) -> None:
    before = everything()
    with pytest.raises(TenantMismatch), transaction(ours.tenant_id) as session:
        write(session, ours, theirs)
    assert everything() == before


@both
def test_a_row_cannot_hang_on_another_tenants_parent(ours: User, theirs: User) -> None:
    sample = StyleSample(tenant_id=ours.tenant_id, user_id=theirs.id, text="mine", sha256="0" * 64)
    with pytest.raises(IntegrityError), transaction(ours.tenant_id) as session:
        session.add(sample)


def test_a_copy_with_a_foreign_key_does_not_overwrite(ours: User, theirs: User) -> None:
    with pytest.raises(IntegrityError), transaction(ours.tenant_id) as session:
        session.merge(User(id=theirs.id, tenant_id=ours.tenant_id, external_id="eve", display_name="hacked"))
    assert ("eve", "") in everything()


def test_a_session_without_a_tenant_answers_nothing(ours: User, database: str) -> None:
    with Session(get_engine(database)) as session, pytest.raises(RuntimeError, match="no tenant"):
        session.scalars(select(User)).all()


def test_relationships_stay_at_home(tmp_path: Path) -> None:
    class Apart(DeclarativeBase):
        """No model has a relationship today; one that comes shall be filtered like the rest."""

    class Shelf(TenantOwned, Apart):
        __tablename__ = "shelves"
        id: Mapped[int] = mapped_column(primary_key=True)
        books: Mapped[list["Book"]] = relationship(order_by="Book.id")

    class Book(TenantOwned, Apart):
        __tablename__ = "books"
        id: Mapped[int] = mapped_column(primary_key=True)
        shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))

    Apart.registry.configure()
    engine = build_engine(f"sqlite:///{tmp_path}/shelf.db")
    Apart.metadata.create_all(engine)
    with TenantSession(engine, info={"tenant_id": EVERY_TENANT}) as session, session.begin():
        session.add(Shelf(id=1, tenant_id="a", books=[Book(id=1, tenant_id="a"), Book(id=2, tenant_id="b")]))
    for loading in (lazyload, joinedload, selectinload, subqueryload):
        with TenantSession(engine, info={"tenant_id": "a"}) as session:
            shelf = session.scalars(select(Shelf).options(loading(Shelf.books))).unique().one()
            assert [book.id for book in shelf.books] == [1], loading.__name__
    engine.dispose()


class TestRowLevelSecurity:
    """What Postgres itself refuses to a role that is no superuser, were the session's filter ever to fail."""

    @pytest.fixture
    def connection(self, postgres_database: str, ours: User, theirs: User) -> Any:
        engine = build_engine(postgres_database)
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    @staticmethod
    def names(connection: Connection) -> set[str]:
        return set(connection.scalars(text("SELECT external_id FROM users")))

    @staticmethod
    def become(connection: Connection, tenant_id: str) -> None:
        connection.execute(text("SELECT set_config('idiolect.tenant', :tenant, true)"), {"tenant": tenant_id})

    pytestmark = pytest.mark.parametrize("database", ["postgres"], indirect=True)

    def test_without_a_tenant_nothing_is_seen(self, connection: Connection) -> None:
        assert (
            connection.scalar(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"))
            is False
        )
        assert self.names(connection) == set()

    def test_a_tenant_sees_its_own_and_everyone_all(self, connection: Connection, ours: User, theirs: User) -> None:
        self.become(connection, ours.tenant_id)
        assert self.names(connection) == {"ada"}
        assert connection.scalars(text("SELECT name FROM tenants")).all() == ["ours"]
        assert connection.execute(text("UPDATE users SET display_name = 'x'")).rowcount == 1
        assert connection.execute(text("DELETE FROM style_samples")).rowcount == 1
        self.become(connection, EVERY_TENANT)
        assert self.names(connection) == {"ada", "eve"}

    def test_the_setting_ends_with_the_transaction(self, connection: Connection) -> None:
        self.become(connection, EVERY_TENANT)
        connection.commit()
        assert self.names(connection) == set()

    def test_a_row_for_another_tenant_is_refused(self, connection: Connection, ours: User, theirs: User) -> None:
        self.become(connection, ours.tenant_id)
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(text("UPDATE users SET tenant_id = :tenant"), {"tenant": theirs.tenant_id})

    def test_every_table_is_covered(self, connection: Connection) -> None:
        uncovered = connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
                " AND NOT (relrowsecurity AND relforcerowsecurity)"
            )
        ).all()
        assert uncovered == ["alembic_version"]

    def test_a_leaked_filter_is_caught(self, ours: User, theirs: User) -> None:
        """Past the session's filter by its own connection, as no repository does."""
        with transaction(ours.tenant_id) as session:
            assert session.connection().scalars(text("SELECT external_id FROM users")).all() == ["ada"]

    def test_reading_is_reading_to_postgres_too(self, ours: User) -> None:
        with (
            pytest.raises(DBAPIError, match="read-only transaction"),
            transaction(ours.tenant_id, read_only=True) as session,
        ):
            session.connection().execute(text("DELETE FROM users"))

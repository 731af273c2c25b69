"""What a tenant's session may do: every query is filtered by its tenant and every write checked, in this one place.

Repositories therefore never write `tenant_id ==` themselves and cannot forget it. What could slip past the filter
(plain tables, text, bulk methods) is refused rather than trusted. On Postgres row-level security stands behind this.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NoReturn
from weakref import WeakKeyDictionary

from sqlalchemy import (
    BindParameter,
    Connection,
    Executable,
    Insert,
    Result,
    String,
    Table,
    Update,
    bindparam,
    event,
    inspect,
)
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    UOWTransaction,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

EVERY_TENANT: Final = "*"
"""Opens a session that sees all tenants: for sweeps, the operator's dashboard and key look-up only."""


class TenantMismatch(RuntimeError):
    """A statement or row would reach beyond the tenant its session was opened for."""


class ReadOnly(RuntimeError):
    """A session opened for reading was asked to write."""


class TenantOwned:
    """Mix-in of every table a tenant owns; the session filters and checks by this column."""

    tenant_id: Mapped[str] = mapped_column(String(36), index=True)


SCOPE: Final = bindparam("of_tenant", type_=String)
"""Left open in every filtered query: one that is run without being told the tenant fails."""

FILTER: Final = with_loader_criteria(TenantOwned, lambda table: table.tenant_id == SCOPE, include_aliases=True)

_filtered: Final[WeakKeyDictionary[Executable, Executable]] = WeakKeyDictionary()
"""Queries that were looked through, and what became of them: those that modules keep are so once, not every time."""


class TenantSession(Session):
    """A session without the legacy bulk methods, which pass by every check."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TenantMismatch("bulk methods pass by the tenant check: use add_all or execute(insert(...))")

    bulk_save_objects = bulk_insert_mappings = bulk_update_mappings = _refuse


@event.listens_for(Session, "after_begin")
def tell_database(session: Session, _: SessionTransaction, connection: Connection) -> None:
    """Name the tenant to Postgres, for this transaction only, so that row-level security can hold it to that."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT set_config('idiolect.tenant', %s, true)", (tenant_of(session),))


@event.listens_for(Session, "do_orm_execute")
def scope_statement(state: ORMExecuteState) -> Result[Any] | None:
    tenant_id = tenant_of(state.session)
    if state.session.info.get("read_only") and not state.is_select:
        raise ReadOnly("this session was opened for reading")
    if tenant_id == EVERY_TENANT:
        return None
    if state.is_select:
        state.parameters = state.parameters or {}
        return state.invoke_statement(_query(state), {SCOPE.key: tenant_id})
    _refuse_what_cannot_be_filtered(state)
    for row in _written(state):
        _check_values(row, tenant_id)
    state.statement = state.statement.options(
        with_loader_criteria(TenantOwned, lambda table: table.tenant_id == tenant_id, include_aliases=True)
    )
    return None


def _query(state: ORMExecuteState) -> Executable:
    query = _filtered.get(state.statement)
    if query is None:
        _refuse_what_cannot_be_filtered(state)
        query = _filtered[state.statement] = state.statement.options(FILTER)
    return query


@event.listens_for(Session, "before_flush")
def check_rows(session: Session, _: UOWTransaction, __: object) -> None:
    tenant_id = tenant_of(session)
    touched = (*session.new, *(row for row in session.dirty if session.is_modified(row)), *session.deleted)
    if touched and session.info.get("read_only"):
        raise ReadOnly("this session was opened for reading")
    if tenant_id == EVERY_TENANT:
        return
    for row in touched:
        if isinstance(row, TenantOwned):
            # The old value counts too: relabelling another tenant's row must not smuggle it in.
            named = inspect(row).attrs.tenant_id.history.sum()
            if any(value != tenant_id for value in named) or not named:
                raise TenantMismatch(f"{type(row).__name__} belongs to another tenant")


def tenant_of(session: Session) -> str:
    """The tenant a session was opened for; RuntimeError if it was not opened by `app.db.transaction`."""
    tenant_id = session.info.get("tenant_id")
    if not isinstance(tenant_id, str):
        raise RuntimeError("open sessions with app.db.transaction(tenant_id): this one has no tenant")
    return tenant_id


def _refuse_what_cannot_be_filtered(state: ORMExecuteState) -> None:
    if not state.is_orm_statement or state.is_from_statement:
        raise TenantMismatch("only statements on mapped classes are filtered by tenant: no text, no plain tables")
    if bare := _bare_tables(state.statement):
        raise TenantMismatch(f"plain table {', '.join(bare)}: use its mapped class, which is filtered by tenant")
    statement = state.statement
    if isinstance(statement, Update) and state.parameters:
        raise TenantMismatch("an UPDATE with parameters finds rows by key alone: use where() and values()")
    if isinstance(statement, Insert):
        if statement.select is not None:
            raise TenantMismatch("INSERT FROM SELECT writes rows nobody can check")
        if hasattr(statement._post_values_clause, "update_values_to_set"):
            raise TenantMismatch("ON CONFLICT DO UPDATE finds rows by key alone: use session.merge")


def _bare_tables(statement: Any) -> list[str]:
    """Tables a statement reads without naming their mapped class, which alone carries the filter."""
    mapped, bare = set[Any](), set[Any]()
    for element in visitors.iterate(statement):
        if mapper := element._annotations.get("parentmapper"):
            mapped.add(mapper.local_table)
        elif isinstance(element, Table):
            bare.add(element)
    return [table.name for table in bare - mapped]


def _written(state: ORMExecuteState) -> Iterator[Mapping[Any, Any]]:
    """The values an INSERT or UPDATE sets, a mapping of columns (or their names) per row."""
    statement = state.statement
    if not isinstance(statement, Insert | Update):
        return
    given = state.parameters or {}
    yield from [given] if isinstance(given, Mapping) else given
    yield dict(statement._values or {})
    for rows in statement._multi_values:
        yield from (row for row in rows if isinstance(row, Mapping))


def _check_values(row: Mapping[Any, Any], tenant_id: str) -> None:
    for value in _named(row.items(), "tenant_id"):
        named = value.value if isinstance(value, BindParameter) else value
        if not isinstance(named, str) or named != tenant_id:
            raise TenantMismatch("a statement would write a row of another tenant")


def _named(items: Iterable[tuple[Any, Any]], name: str) -> Iterator[Any]:
    return (value for key, value in items if getattr(key, "key", key) == name)

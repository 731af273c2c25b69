"""Tenants and their keys, as the operator manages them. Open the session for `EVERY_TENANT`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import auth
from app.errors import Conflict, NotFound, Unprocessable
from app.models import ApiKey, Tenant
from app.repository import list_keys
from app.tenants import repository


class TenantExists(Conflict):
    type = "tenant-exists"
    title = "There is a tenant of this name"


class UnknownTenant(NotFound):
    type = "unknown-tenant"
    title = "There is no such tenant"


class InvalidName(Unprocessable):
    type = "invalid-name"
    title = "This cannot be a tenant's name"


class UnknownScope(Unprocessable):
    type = "unknown-scope"
    title = "There is no such scope"


def create(session: Session, name: str) -> Tenant:
    """Raises InvalidName, TenantExists."""
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise InvalidName("a tenant's name has 1 to 200 printable characters", field="name", remedy="Choose another.")
    tenant = Tenant(name=name)
    if not repository.add(session, tenant):
        raise TenantExists(f"there already is a tenant {name}", field="name", remedy="Choose another name, or use it.")
    return tenant


def get(session: Session, name: str) -> Tenant:
    """Raises UnknownTenant."""
    tenant = repository.by_name(session, name)
    if tenant is None:
        known = ", ".join(known.name for known in everyone(session)) or "none yet"
        raise UnknownTenant(f"there is no tenant {name}", field="tenant", remedy=f"Choose one of: {known}.")
    return tenant


def everyone(session: Session) -> Sequence[Tenant]:
    return repository.all_by_name(session)


def create_key(
    session: Session,
    tenant: str,
    label: str = "",
    scopes: Sequence[str] = auth.SCOPES,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """The row and the key itself, shown this once. Raises UnknownTenant, UnknownScope."""
    if unknown := sorted(set(scopes) - set(auth.SCOPES)):
        raise UnknownScope(
            f"unknown: {', '.join(unknown)}", field="scopes", remedy=f"Choose from {', '.join(auth.SCOPES)}."
        )
    return auth.create_key(session, get(session, tenant).id, label, scopes, expires_at)


def keys(session: Session, tenant: str) -> Sequence[ApiKey]:
    """Oldest first, revoked ones included. Raises UnknownTenant."""
    return list_keys(session, get(session, tenant).id)


def revoke_key(session: Session, kid: str) -> ApiKey:
    """Raises NotFound."""
    return auth.revoke(session, kid)

"""The operator's own hands on an embedded server: its data folder gives the right to make keys and login links."""

import os
from pathlib import Path

from sqlalchemy.orm import Session

from app.auth import create_login_link
from app.config import Settings
from app.db import EVERY_TENANT, migrate, transaction
from app.models import Tenant
from app.tenants import service as tenants

LOCAL_TENANT = "local"


def key_file(settings: Settings) -> Path:
    return settings.data_dir / "cli.key"


def local_key(settings: Settings) -> str:
    """The command line's own key, made with its tenant on first use and kept, readable by its owner only."""
    if key := os.environ.get("IDIOLECT_API_KEY"):
        return key
    path = key_file(settings)
    if path.exists():
        return path.read_text().strip()
    migrate(settings.resolved_database_url)
    with transaction(EVERY_TENANT) as session:
        _, key = tenants.create_key(session, ensure_tenant(session, LOCAL_TENANT).name, "command line")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key


def ensure_tenant(session: Session, name: str) -> Tenant:
    try:
        return tenants.get(session, name)
    except tenants.UnknownTenant:
        return tenants.create(session, name)


def login_address(settings: Settings) -> str:
    """A link that opens the dashboard once, within 15 minutes."""
    migrate(settings.resolved_database_url)
    with transaction(EVERY_TENANT) as session:
        secret = create_login_link(session)
    return f"{web_address(settings)}/admin/login/{secret}"


def web_address(settings: Settings) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    return f"http://{host}:{settings.port}"

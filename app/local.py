"""The operator's own hands on an embedded server: its data folder gives the right to make keys and login links."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from app.auth import InvalidKey, authenticate, create_login_link
from app.config import Settings
from app.db import EVERY_TENANT, migrate, transaction
from app.models import Tenant
from app.tenants import service as tenants

LOCAL_TENANT: Final = "local"
KEY_SETTING: Final = "IDIOLECT_API_KEY"


def key_file(settings: Settings) -> Path:
    return settings.data_dir / "cli.key"


def local_key(settings: Settings) -> str:
    """The command line's own key, made on first use and kept, readable by its owner only."""
    if key := os.environ.get(KEY_SETTING):
        return key
    path = key_file(settings)
    return path.read_text().strip() if path.exists() else _new_local_key(settings)


def prepare_local_key(settings: Settings) -> None:
    """Before a server starts: a kept key that its database does not take, of a lost database say, is made anew.

    Only here, where the database is the server's for certain: other commands may lack IDIOLECT_DATABASE_URL.
    """
    if os.environ.get(KEY_SETTING):
        return
    migrate(settings.resolved_database_url)
    try:
        authenticate(local_key(settings))
    except InvalidKey:
        _new_local_key(settings)


def key_remedy(settings: Settings) -> str:
    """What to do about a key of ours that the server does not take."""
    if os.environ.get(KEY_SETTING):
        return f"It is the one in {KEY_SETTING}: correct it, unset it, or make another with `idiolect keys create`."
    return f"It is the one in {key_file(settings)}: delete that file, and the next command makes another."


def make_key(settings: Settings, tenant: str, label: str, expires_at: datetime | None = None) -> str:
    """A new key of this tenant, which is made if there is none of that name."""
    migrate(settings.resolved_database_url)
    with transaction(EVERY_TENANT) as session:
        name = ensure_tenant(session, tenant).name
        return tenants.create_key(session, name, label, expires_at=expires_at)[1]


def _new_local_key(settings: Settings) -> str:
    key, path = make_key(settings, LOCAL_TENANT, "command line"), key_file(settings)
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

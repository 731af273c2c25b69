"""A database as the product makes it, with many people whose active version is their first."""

import os
from collections.abc import Sequence

TENANT = "benchmark"


def settle(folder: str) -> None:
    """Let the application live in `folder`. Before anything of it is imported, since settings are read once."""
    os.environ["IDIOLECT_DATA_DIR"] = folder
    for name in ("IDIOLECT_DATABASE_URL", "IDIOLECT_BROKER_URL", "IDIOLECT_STORAGE_URL"):
        os.environ.pop(name, None)


def register(people: Sequence[str], digests: Sequence[str], base_digest: str) -> tuple[str, str]:
    """Migrate, and add a tenant, its people and a version for each, whose files are `digests` in turn.

    The tenant's id, and a key of it.
    """
    from app import auth
    from app.config import get_settings
    from app.db import EVERY_TENANT, migrate, now, transaction
    from app.models import Adapter, Tenant, User

    settings = get_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrate(settings.resolved_database_url)
    with transaction(EVERY_TENANT) as session:
        tenant = Tenant(name=TENANT)
        session.add(tenant)
        session.flush()
        _, key = auth.create_key(session, tenant.id)
    with transaction(tenant.id) as session:
        users = [User(tenant_id=tenant.id, external_id=name, active_version=1) for name in people]
        session.add_all(users)
        session.flush()
        session.add_all(
            Adapter(
                tenant_id=tenant.id,
                user_id=user.id,
                version=1,
                digest=digests[number % len(digests)],
                base_digest=base_digest,
                size_bytes=1,
                promoted_at=now(),
            )
            for number, user in enumerate(users)
        )
    return tenant.id, key

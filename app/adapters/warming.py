"""The voice in use, loaded ahead of the first keystroke."""

from anyio.to_thread import run_sync

from app.adapters import service
from app.adapters.schemas import Warmed
from app.db import transaction
from app.engine import AdapterUnusable, explained
from app.inference.types import Engine, EngineError
from app.models import Adapter
from app.users import service as users


async def warm(engine: Engine, tenant_id: str, external_id: str) -> Warmed:
    """Have the person's next rewrite wait for no file. Where the base model speaks for them, that is so already.

    Raises NotFound, AdapterUnusable, and what app.engine.explained says.
    """
    adapter = await run_sync(_active, tenant_id, external_id)
    if adapter is None:
        return Warmed(user=external_id, version=None, digest=None, milliseconds=0.0)
    try:
        milliseconds = await engine.warm(adapter.digest)
    except EngineError as error:
        if error.code in ("unknown-adapter", "invalid-adapter"):
            raise AdapterUnusable(
                f"version {adapter.version}: {error}",
                field="user",
                remedy=f"Go back to another version: POST /v1/users/{external_id}/adapters/rollback.",
            ) from error
        raise explained(error) from error
    return Warmed(user=external_id, version=adapter.version, digest=adapter.digest, milliseconds=round(milliseconds, 1))


def _active(tenant_id: str, external_id: str) -> Adapter | None:
    with transaction(tenant_id, read_only=True) as session:
        return service.active(session, users.get(session, external_id).id)

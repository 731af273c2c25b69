"""Versions that leave as PEFT folders and come in as such. The engine translates: only it knows tensors.

No transaction is open while it does.
"""

import re

from anyio.to_thread import run_sync

from app.adapters import service
from app.adapters.service import UnknownVoice
from app.config import get_settings
from app.db import transaction
from app.engine import AdapterUnusable, explained
from app.errors import AppError, Unprocessable
from app.inference.types import Engine, EngineError
from app.models import Adapter, User
from app.storage import open_storage
from app.users import service as users

IMPORTED = {"decision": "imported", "checks": []}


class InvalidArchive(Unprocessable):
    type = "invalid-adapter"
    title = "The archive is no adapter that can be used"


async def export(
    engine: Engine, tenant_id: str, external_id: str, version: int, context: str | None = None
) -> tuple[str, bytes]:
    """A file name and a zipped PEFT folder: of a version, or of one of its voices.

    Raises NotFound, UnknownVersion, UnknownVoice, AdapterUnusable, and what app.engine.explained says.
    """
    adapter, voice = await run_sync(_chosen, tenant_id, external_id, version, context)
    try:
        archive = await engine.export_peft(adapter.digest, voice)
    except EngineError as error:
        raise _not_exported(error, adapter, context) from error
    name = f"{external_id}-{version}" + (f"-{voice}" if voice else "")
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.zip", archive


async def import_(engine: Engine, tenant_id: str, external_id: str, archive: bytes) -> tuple[Adapter, User]:
    """The person's new version, a candidate.

    Raises NotFound, InvalidArchive, and what app.engine.explained says.
    """
    await run_sync(_known, tenant_id, external_id)
    try:
        content = await engine.import_peft(archive)
        base_digest = (await engine.info()).base_digest
    except EngineError as error:
        raise _not_imported(error) from error
    return await run_sync(_published, tenant_id, external_id, content, base_digest)


def _known(tenant_id: str, external_id: str) -> None:
    with transaction(tenant_id, read_only=True) as session:
        users.get(session, external_id)


def _chosen(tenant_id: str, external_id: str, version: int, context: str | None) -> tuple[Adapter, str | None]:
    """The version and the tag of the voice, if one is asked for."""
    with transaction(tenant_id, read_only=True) as session:
        adapter = service.get(session, users.get(session, external_id).id, version)
    return adapter, None if context is None else service.voice_named(adapter, context)


def _published(tenant_id: str, external_id: str, content: bytes, base_digest: str) -> tuple[Adapter, User]:
    storage = open_storage(get_settings())
    digest = storage.put(content)
    with transaction(tenant_id) as session:
        user = users.get(session, external_id)
        adapter = service.publish(
            session,
            user_id=user.id,
            digest=digest,
            base_digest=base_digest,
            size_bytes=len(content),
            gate=IMPORTED,
            manifest={"origin": "import"},
        )
    if not storage.has(digest):  # whoever had the same adapter was erased meanwhile, and their files with them
        storage.put(content)
    return adapter, user


def _not_exported(error: EngineError, adapter: Adapter, context: str | None) -> AppError:
    if error.code in ("unknown-adapter", "invalid-adapter"):
        return AdapterUnusable(
            f"version {adapter.version}: {error}",
            field="version",
            remedy="Export another version, or have the operator bring its file back from a backup.",
        )
    if error.code == "unknown-voice" and context is None:
        return UnknownVoice(
            "this version has weights of their own for its voices, and one adapter of PEFT holds those of one voice",
            field="context",
            remedy=f"Name one of them as context: {', '.join(service.tags_of(adapter))}.",
        )
    if error.code == "unknown-voice":
        return UnknownVoice(
            "this version has no weights of their own for its voices",
            field="context",
            remedy="Leave context out: one adapter speaks with all of its voices.",
        )
    return explained(error)


def _not_imported(error: EngineError) -> AppError:
    if error.code == "invalid-adapter":
        return InvalidArchive(
            str(error),
            field="body",
            remedy="Send a zip file of a PEFT folder with a plain LoRA adapter of the very base model that runs here.",
        )
    return explained(error)

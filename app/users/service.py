"""People come and go; when they go, everything of theirs goes with them."""

import shutil
from collections.abc import Collection, Sequence
from contextlib import suppress

import structlog
from anyio.to_thread import run_sync
from sqlalchemy.orm import Session

from app.config import get_settings
from app.db import EVERY_TENANT, now, transaction
from app.errors import Conflict, NotFound
from app.inference.types import Engine, EngineError
from app.models import User
from app.repository import digests_in_use
from app.storage import DamagedFile, Storage, StorageUnavailable, open_storage
from app.tenancy import tenant_of
from app.users import repository
from app.users.schemas import Erased, Receipt

log = structlog.get_logger(__name__)


class UnknownUser(NotFound):
    type = "unknown-user"
    title = "There is no such user"


class UserExists(Conflict):
    type = "user-exists"
    title = "There is a user with this id"


def create(session: Session, external_id: str, display_name: str = "") -> User:
    """Raises UserExists."""
    user = User(tenant_id=tenant_of(session), external_id=external_id, display_name=display_name)
    if not repository.add(session, user):
        raise UserExists(
            f"there already is a user {external_id}",
            field="id",
            remedy="Use the user that exists, or choose another id.",
        )
    return user


def get(session: Session, external_id: str, *, field: str = "user", lock: bool = False) -> User:
    """The tenant's person of this id; another tenant's is as unknown as nobody's. Raises UnknownUser.

    `field` is what the caller's request calls the id.
    """
    user = repository.by_external_id(session, external_id, lock=lock)
    if user is None:
        raise UnknownUser(
            f"there is no user {external_id}", field=field, remedy="Create them first: POST /v1/users, or check the id."
        )
    return user


def page(session: Session, cursor: str | None, limit: int) -> tuple[Sequence[User], str | None]:
    return repository.page(session, cursor, limit)


async def erase_everywhere(engine: Engine, tenant_id: str, external_id: str) -> Receipt:
    """Erase a person, out of the engine's memory too, as far as it can be reached. Raises UnknownUser."""
    receipt, digests = await run_sync(erase, tenant_id, external_id)
    if digests:
        try:
            await engine.forget(digests)
        except EngineError as error:
            log.warning("the engine keeps an erased adapter until it is restarted", code=error.code)
    return receipt


def erase(tenant_id: str, external_id: str) -> tuple[Receipt, set[str]]:
    """Erase a person: rows in one transaction, then the files nobody else's version shares, whose digests are told.

    Files of a storage that cannot be reached go with a later sweep, as no version names them any more. Raises
    UnknownUser.
    """
    with transaction(tenant_id) as session:
        user = get(session, external_id, lock=True)
        counts = repository.count_belongings(session, user.id)
        digests, jobs = repository.digests_of(session, user.id), repository.jobs_of(session, user.id)
        session.delete(user)
    settings = get_settings()
    for job_id in jobs:
        for folder in (settings.storage_root / "checkpoints").glob(f"{job_id}.*"):
            shutil.rmtree(folder, ignore_errors=True)
    # Files are named by their content, so other tenants may share one: only a session that sees them all can tell.
    with transaction(EVERY_TENANT, read_only=True) as session:
        orphans = digests - digests_in_use(session, digests)
    files, left = _deleted(orphans)
    erased = Erased(**counts, adapter_files=files)
    return Receipt(user=external_id, erased=erased, adapter_files_left=left, erased_at=now()), orphans


def _deleted(digests: Collection[str]) -> tuple[int, int]:
    """How many files, and how many of which are left because their storage cannot be reached."""
    storage = open_storage(get_settings())
    found, left = 0, sorted(digests)
    try:
        storage.check()  # fails sooner than a deletion would
        while left:
            found += _delete(storage, left[-1])
            left.pop()
    except StorageUnavailable as error:
        log.warning("files of an erased person wait for the sweep", why=error.detail)
    return found, len(left)


def _delete(storage: Storage, digest: str) -> bool:
    """Whether there was such a file and no version names it even now."""
    content = None
    with suppress(FileNotFoundError, DamagedFile):
        content = storage.read(digest)
    was_there = storage.delete(digest)
    with transaction(EVERY_TENANT, read_only=True) as session:
        is_wanted = bool(digests_in_use(session, {digest}))
    if is_wanted and content is not None:
        # Somebody imported the very same adapter meanwhile. If they do so later still, they look after its file.
        storage.put(content)
    return was_there and not is_wanted

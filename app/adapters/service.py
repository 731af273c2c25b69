"""The registry: versions are published once and never change; promoting moves a pointer, rolling back moves it home.

Users are named by their internal id here; endpoints translate.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from app.adapters import repository
from app.config import get_settings
from app.db import EVERY_TENANT, now, transaction
from app.errors import Conflict, NotFound, PreconditionFailed, Unprocessable
from app.learning.tags import tag_of
from app.models import Adapter, User
from app.repository import digests_in_use
from app.storage import open_storage


class UnknownVersion(NotFound):
    type = "unknown-version"
    title = "There is no such adapter version"


class StalePointer(PreconditionFailed):
    type = "stale-pointer"
    title = "Another version became active meanwhile"


class NothingToRollBack(Conflict):
    type = "nothing-to-roll-back"
    title = "The base model is already in use"


class UnknownVoice(Unprocessable):
    type = "unknown-context"
    title = "The person has no such voice"


class UserGone(NotFound):
    type = "unknown-user"
    title = "There is no such user"


class Anything:
    """The type of ANY: `None` already means the base model."""


ANY: Final = Anything()
"""As an expected version: whichever is active now."""

Expected = int | None | Anything


def publish(
    session: Session,
    *,
    user_id: str,
    digest: str,
    base_digest: str,
    size_bytes: int,
    parent_version: int | None = None,
    job_id: str | None = None,
    metrics: dict[str, Any] | None = None,
    gate: dict[str, Any] | None = None,
    modes: list[dict[str, Any]] | None = None,
    manifest: dict[str, Any] | None = None,
) -> Adapter:
    """The person's next version, a candidate; its file must be in the storage already.

    A job has one: if it is there, it is what is returned. Raises UserGone if the person was erased meanwhile.
    """
    user = _locked(session, user_id)
    if job_id is not None and (published := repository.of_job(session, job_id)):
        return published
    adapter = Adapter(
        tenant_id=user.tenant_id,
        user_id=user.id,
        version=repository.latest_version(session, user.id) + 1,
        parent_version=parent_version,
        digest=digest,
        base_digest=base_digest,
        size_bytes=size_bytes,
        job_id=job_id,
        metrics=metrics or {},
        gate=gate or {},
        modes=modes or [],
        manifest=manifest or {},
    )
    session.add(adapter)
    session.flush()
    return adapter


def active(session: Session, user_id: str) -> Adapter | None:
    """The version that speaks for the person; None: the base model does."""
    return repository.active(session, user_id)


def of_job(session: Session, job_id: str) -> Adapter | None:
    """The version that this training has published."""
    return repository.of_job(session, job_id)


def get(session: Session, user_id: str, version: int, *, field: str = "version") -> Adapter:
    """Raises UnknownVersion; `field` is what the caller's request calls it."""
    adapter = repository.by_version(session, user_id, version)
    if adapter is None:
        latest = repository.latest_version(session, user_id)
        there_are = f"there are 1 to {latest}" if latest else "this user has none yet: train one first"
        raise UnknownVersion(f"there is no version {version}", field=field, remedy=f"Choose another; {there_are}.")
    return adapter


def tags_of(adapter: Adapter) -> list[str]:
    """What its voices are called; empty for one that has but one."""
    return [str(mode["tag"]) for mode in adapter.modes]


def voice_named(adapter: Adapter, context: str) -> str:
    """The tag of the voice that is meant, however its case and white space. Raises UnknownVoice."""
    tags = tags_of(adapter)
    found = next((tag for tag in tags if tag_of(tag) == tag_of(context)), None)
    if found is None:
        has = f"it has {', '.join(tags)}" if tags else "it has one voice only"
        use = f"Use one of {', '.join(tags)}, or leave" if tags else "Leave"
        raise UnknownVoice(
            f"this version has no voice of that name; {has}", field="context", remedy=f"{use} context out."
        )
    return found


def page(session: Session, user: User, cursor: str | None, limit: int) -> tuple[Sequence[Adapter], str | None]:
    return repository.page(session, user.id, cursor, limit)


def promote(session: Session, user_id: str, version: int, expected: Expected = ANY) -> Adapter:
    """Let this version speak for the person. Raises UnknownVersion, StalePointer if `expected` is not active."""
    adapter = get(session, user_id, version)
    user = _locked(session, user_id)
    if user.active_version == version and expected is ANY:
        return adapter
    _move(session, user, version, expected)
    adapter.promoted_at, adapter.withdrawn_at = now(), None
    session.flush()
    return adapter


def rollback(session: Session, user_id: str, expected: Expected = ANY) -> Adapter | None:
    """Back to the version that was active before this one, or (None) to the base model if there was none.

    Again and again leads further back. Raises NothingToRollBack, StalePointer.
    """
    user = _locked(session, user_id)
    current = repository.active(session, user.id)
    if current is None:
        raise NothingToRollBack("no version is active", remedy="Promote a version, or train one.")
    previous = repository.active_before(session, current)
    _move(session, user, previous.version if previous else None, expected)
    current.withdrawn_at = now()
    session.flush()
    return previous


def discard_orphans(older_than: timedelta = timedelta(hours=1)) -> int:
    """Delete files that no version names, such as that of a training whose person was erased meanwhile; how many.

    Younger files may belong to a version that is just being published.
    """
    storage = open_storage(get_settings())
    if not (digests := storage.digests(older_than)):
        return 0
    with transaction(EVERY_TENANT, read_only=True) as session:
        orphans = digests - digests_in_use(session, digests)
    return sum(storage.delete(digest, older_than) for digest in orphans)


def _move(session: Session, user: User, version: int | None, expected: Expected) -> None:
    wanted = user.active_version if isinstance(expected, Anything) else expected
    if not repository.move_pointer(session, user.id, wanted, version):
        raise StalePointer(
            f"active is {user.active_version or 'the base model'}, not {wanted or 'the base model'}",
            field="If-Match",
            remedy="Look at the versions again, then decide again.",
        )


def _locked(session: Session, user_id: str) -> User:
    user = repository.lock_user(session, user_id)
    if user is None:
        raise UserGone("this user no longer exists", field="user", remedy="Nothing is left to do for them.")
    return user

"""Who is asking: API keys for programs, one-time links and browser sessions for the operator.

Secrets are random 256-bit numbers, so a plain SHA-256 of them cannot be guessed back and costs no time; only that is
stored. A key reads `idio_<kid>_<secret>`: the kid finds the row, the digest proves the secret.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.orm import Session

from app import repository
from app.db import EVERY_TENANT, now, transaction
from app.errors import Forbidden, NotFound, Unauthorized
from app.models import AdminLogin, ApiKey

PREFIX: Final = "idio"
READ, WRITE, TRAIN = "read", "write", "train"
SCOPES: Final = (READ, WRITE, TRAIN)
"""`read`: look; `write`: users, samples, rewrites, feedback; `train`: trainings, and which version speaks."""

USE_NOTED_EVERY: Final = timedelta(minutes=1)
LINK_LIFETIME: Final = timedelta(minutes=15)
SESSION_LIFETIME: Final = timedelta(hours=12)

bearer = HTTPBearer(auto_error=False, description="An API key, `idio_<kid>_<secret>`.")


class InvalidKey(Unauthorized):
    type = "invalid-key"
    title = "The API key is missing or not valid"


class MissingScope(Forbidden):
    type = "missing-scope"
    title = "The API key may not do this"


@dataclass(frozen=True)
class Principal:
    """The tenant on whose behalf a request is made, and what its key may do."""

    tenant_id: str
    key_id: str
    scopes: frozenset[str]


def create_key(
    session: Session,
    tenant_id: str,
    label: str = "",
    scopes: Sequence[str] = SCOPES,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """The row and the key itself, which nobody can show again. ValueError for an unknown scope."""
    if unknown := set(scopes) - set(SCOPES):
        raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(SCOPES)}")
    kid, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    row = ApiKey(
        tenant_id=tenant_id,
        kid=kid,
        secret_sha256=_digest(secret),
        label=label,
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return row, f"{PREFIX}_{kid}_{secret}"


def revoke(session: Session, kid: str) -> ApiKey:
    """Make a key useless from the next request on. Raises NotFound."""
    key = repository.find_key(session, kid)
    if key is None:
        raise NotFound(f"there is no key {kid}", field="kid", remedy="List the keys to see their ids.")
    key.revoked_at = key.revoked_at or now()
    return key


def authenticate(key: str) -> Principal:
    """Raises InvalidKey, without saying which part is wrong to who has no valid secret."""
    prefix, _, rest = key.partition("_")
    kid, _, secret = rest.partition("_")
    with transaction(EVERY_TENANT, read_only=True) as session:
        row = repository.find_key(session, kid) if prefix == PREFIX and kid.isalnum() and kid.isascii() else None
    proof = _digest(secret)
    if not hmac.compare_digest(row.secret_sha256 if row else _digest(""), proof) or row is None:
        raise _invalid(
            "this key is unknown", "Check that the whole key was copied, or have the operator make a new one."
        )
    if row.revoked_at is not None:
        raise _invalid("this key was revoked", "Have the operator make a new one: idiolect keys create.")
    if row.expires_at is not None and row.expires_at <= now():
        raise _invalid("this key has expired", "Have the operator make a new one: idiolect keys create.")
    if row.last_used_at is None or now() - row.last_used_at > USE_NOTED_EVERY:
        with transaction(row.tenant_id) as session:
            if (used := session.get(ApiKey, row.id)) is not None:
                used.last_used_at = now()
    return Principal(row.tenant_id, row.id, frozenset(map(str, row.scopes)))


def principal(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Principal:
    if credentials is None:
        raise _invalid("there is no API key", "Send the header Authorization: Bearer idio_…")
    return authenticate(credentials.credentials)


def allowed(scope: str) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets only keys with this scope pass; async, as it waits for nothing and needs no thread."""

    async def check(who: Annotated[Principal, Depends(principal)]) -> Principal:
        if scope not in who.scopes:
            raise MissingScope(
                f"this key has {', '.join(sorted(who.scopes)) or 'no scopes'}, but needs {scope}",
                remedy=f"Use a key with the scope {scope}: idiolect keys create --scope {scope}.",
            )
        return who

    return check


Reader = Annotated[Principal, Depends(allowed(READ))]
Writer = Annotated[Principal, Depends(allowed(WRITE))]
Trainer = Annotated[Principal, Depends(allowed(TRAIN))]


def _reading(who: Reader) -> Iterator[Session]:
    with transaction(who.tenant_id, read_only=True) as session:
        yield session


def _writing(who: Writer) -> Iterator[Session]:
    with transaction(who.tenant_id) as session:
        yield session


def _training(who: Trainer) -> Iterator[Session]:
    with transaction(who.tenant_id) as session:
        yield session


AT_ONCE: Final = 20
"""Requests that read with a connection in hand. One holds it from before its endpoint waits for a thread, so more of
them than there are connections would stop everybody; those that wait here hold neither."""

# scope="function": the commit comes before the response, so a failed commit cannot answer 200.
ReadSession = Annotated[Session, Depends(_reading, scope="function", max_concurrency=AT_ONCE)]
WriteSession = Annotated[Session, Depends(_writing, scope="function")]
TrainSession = Annotated[Session, Depends(_training, scope="function")]


def create_login_link(session: Session) -> str:
    """The secret of a link that opens the dashboard once, within 15 minutes."""
    return _create_login(session, "link", LINK_LIFETIME)


def redeem(session: Session, link: str) -> str | None:
    """Trade a link's secret for a browser session's; None if it is unknown, expired or already used."""
    if not repository.use_login(session, "link", _digest(link), now()):
        return None
    return _create_login(session, "session", SESSION_LIFETIME)


def is_session(session: Session, secret: str) -> bool:
    """Whether this is a browser session of the operator that is still open."""
    return repository.find_login(session, "session", _digest(secret), now()) is not None


def end_session(session: Session, secret: str) -> None:
    repository.use_login(session, "session", _digest(secret), now())


def _create_login(session: Session, kind: str, lifetime: timedelta) -> str:
    secret = secrets.token_urlsafe(32)
    session.add(AdminLogin(kind=kind, secret_sha256=_digest(secret), expires_at=now() + lifetime))
    session.flush()
    return secret


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _invalid(detail: str, remedy: str) -> InvalidKey:
    return InvalidKey(
        detail, field="Authorization", remedy=remedy, headers={"WWW-Authenticate": 'Bearer realm="idiolect"'}
    )

"""Adapter files as objects of a bucket that speaks S3. Credentials and endpoint are those of the usual AWS_* variables.

`obstore` is imported when the first object is asked for, so that nobody else pays for it. Its errors quote what servers
answer, key ids among it, so none of them leaves this file: what is told is the code that S3 gives a failure.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from app.config import Settings, s3_endpoint
from app.storage.types import DIGEST, SUFFIX, StorageUnavailable, file_name, verified

if TYPE_CHECKING:
    from obstore.store import BackoffConfig, ClientConfig, S3Store

FOLDER: Final = "adapters/"
"""As below a storage folder, so that one can be copied into the bucket as it is."""
AFTER_ALL: Final = f"{FOLDER}g"
"""No digest comes after this: whoever lists from here on finds nothing, but had to be let in."""
FRESH: Final = timedelta(minutes=30)
"""An object this young is in no danger from those who discard orphans, who spare what was put within an hour."""

CONNECT_S, SILENCE_S, READ_S, CHECK_S = 3.0, 5.0, 120.0, 3.0
"""How long a connection, the next bytes of an answer, a whole answer and a check may take."""
WRITE_S, SLOWEST = 10.0, 2.0**20
"""An upload may take so long, and a second more for so many bytes: only the whole can be timed."""
RETRIES: Final = 2
RETRY_WITHIN_S: Final = 15.0


class ObjectStorage:
    """Objects `<prefix>/adapters/<sha256 of the bytes>.safetensors`. Whole or absent, as S3 promises."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError if the settings name no bucket."""
        if settings.bucket is None:
            raise ValueError("IDIOLECT_STORAGE_URL names no bucket")
        self.bucket = settings.bucket

    def put(self, content: bytes) -> str:
        """Keep these bytes in the bucket and return their digest; an object that is there already stays.

        One that is old is written once more, with the same bytes, to count as new: else it could be discarded as an
        orphan before its version is written down.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        digest = sha256(content).hexdigest()
        key = _key(digest)
        with _named():
            store = self._store({"timeout": timedelta(seconds=WRITE_S + len(content) / SLOWEST)}, RETRIES)
            try:
                obstore.put(store, key, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                if not self._is_fresh(key, len(content)):
                    obstore.put(store, key, content, use_multipart=False)
        return digest

    def read(self, digest: str) -> bytes:
        import obstore

        key = _key(digest)
        with _named():
            content = obstore.get(self._reading, key).bytes().to_bytes()
        return verified(content, digest)

    def has(self, digest: str) -> bool:
        import obstore

        try:
            with _named():
                obstore.head(self._reading, _key(digest))
        except FileNotFoundError:
            return False
        return True

    def digests(self, older_than: timedelta | None = None) -> set[str]:
        import obstore

        until = None if older_than is None else datetime.now(UTC) - older_than
        found = set()
        with _named():
            for page in obstore.list(self._reading, FOLDER):
                for item in page:
                    name = item["path"].removeprefix(FOLDER).removesuffix(SUFFIX)
                    if DIGEST.fullmatch(name) and (until is None or item["last_modified"] < until):
                        found.add(name)
        return found

    def delete(self, digest: str, older_than: timedelta | None = None) -> bool:
        import obstore

        key = _key(digest)
        try:
            with _named():
                put_at = obstore.head(self._reading, key)["last_modified"]
                if older_than is not None and put_at >= datetime.now(UTC) - older_than:
                    return False
                obstore.delete(self._reading, key)
        except FileNotFoundError:
            return False
        return True

    def check(self) -> None:
        import obstore

        with _named():
            list(obstore.list(self._checking, FOLDER, offset=AFTER_ALL))

    def _is_fresh(self, key: str, size: int) -> bool:
        """Whether it was put lately, whole."""
        import obstore

        try:
            facts = obstore.head(self._reading, key)
        except FileNotFoundError:
            return False
        return facts["size"] == size and datetime.now(UTC) - facts["last_modified"] < FRESH

    @cached_property
    def _reading(self) -> "S3Store":
        whole, silence = timedelta(seconds=READ_S), timedelta(seconds=SILENCE_S)
        return self._store({"timeout": whole, "read_timeout": silence}, RETRIES)

    @cached_property
    def _checking(self) -> "S3Store":
        return self._store({"timeout": timedelta(seconds=CHECK_S)}, 0)

    def _store(self, patience: "ClientConfig", retries: int) -> "S3Store":
        from obstore.exceptions import BaseError
        from obstore.store import S3Store

        bucket, prefix = self.bucket
        options: ClientConfig = {"connect_timeout": timedelta(seconds=CONNECT_S), **patience}
        pauses: BackoffConfig = {
            "init_backoff": timedelta(seconds=0.1),
            "max_backoff": timedelta(seconds=2),
            "base": 2,
        }
        within = timedelta(seconds=RETRY_WITHIN_S)
        try:
            return S3Store(
                bucket,
                prefix=prefix or None,
                client_options={**options, "allow_http": s3_endpoint().startswith("http://")},
                retry_config={"max_retries": retries, "retry_timeout": within, "backoff": pauses},
            )
        except BaseError:
            raise StorageUnavailable("a variable AWS_… of the server cannot be used for an object storage") from None


def _key(digest: str) -> str:
    return FOLDER + file_name(digest)


@contextmanager
def _named() -> Iterator[None]:
    """Whatever the store fails with is a FileNotFoundError of no object or StorageUnavailable, in words of ours."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (FileNotFoundError, BaseError) as error:
        code = _code(error)
        if code == "NoSuchBucket":
            raise StorageUnavailable("there is no such bucket in the object storage") from None
        if isinstance(error, FileNotFoundError):
            raise FileNotFoundError("there is no such object in the storage") from None
        if re.search(r"status code: 40[13]", str(error)):
            raise StorageUnavailable(f"the object storage refuses the server ({code})") from None
        raise StorageUnavailable(f"the object storage cannot be reached ({code})") from None


def _code(error: BaseException) -> str:
    """What S3 calls the failure; where it did not get that far, what kind of failure it was."""
    words = str(error)
    if found := re.search(r"<Code>(\w{1,60})</Code>", words):
        return found[1]
    if found := re.search(r"status code: (\d{3})", words):
        return f"status {found[1]}"
    return "no answer in time" if re.search(r"kind: Timeout|timed out", words) else "no connection"

"""What is asked of wherever adapter files are kept: they are named by their content and never change, so nothing is
locked and no copy is ever out of date.
"""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Final, Protocol, TypeVar

from app.errors import Unavailable

DIGEST: Final = re.compile(r"[0-9a-f]{64}")
SUFFIX: Final = ".safetensors"
RETRY_S: Final = 5

Made = TypeVar("Made")
_hashing: Final = ThreadPoolExecutor(thread_name_prefix="sha256")


class StorageUnavailable(Unavailable):
    """The storage cannot be reached, or refuses us; said without addresses or keys."""

    type = "storage-unavailable"
    title = "The storage of adapters is not available"

    def __init__(self, detail: str) -> None:
        super().__init__(
            detail,
            remedy=f"Try again in {RETRY_S} seconds; if it stays, have the operator check that what "
            "IDIOLECT_STORAGE_URL names is there and that the server's credentials may use it.",
            headers={"Retry-After": str(RETRY_S)},
        )


class DamagedFile(OSError):
    """What is kept under a digest is something else."""


class Storage(Protocol):
    """Every method raises StorageUnavailable if it must be reached over a network and cannot be."""

    def put(self, content: bytes) -> str:
        """Keep these bytes and return their digest. Raises StorageFull, leaving no trace, when there is no room."""
        ...

    def read(self, digest: str) -> bytes:
        """The bytes with this digest. Raises FileNotFoundError, DamagedFile; ValueError for what is not a digest."""
        ...

    def has(self, digest: str) -> bool: ...

    def digests(self, older_than: timedelta | None = None) -> set[str]:
        """Of all files, or of those that were last put longer ago than this."""
        ...

    def delete(self, digest: str, older_than: timedelta | None = None) -> bool:
        """Whether there was such a file; there is none afterwards, unless it was put again since `older_than` ago."""
        ...

    def check(self) -> None:
        """Raises StorageUnavailable, within seconds, if it could not be used now."""
        ...


def file_name(digest: str) -> str:
    """ValueError for what is not a digest, such as a path."""
    if not DIGEST.fullmatch(digest):
        raise ValueError("a digest is 64 hexadecimal digits")
    return digest + SUFFIX


def verified(content: bytes, digest: str) -> bytes:
    """The content itself. Raises DamagedFile."""
    if sha256(content).hexdigest() != digest:
        raise DamagedFile("the adapter's file has changed since it was written: its sha256 differs from its name")
    return content


def made_of(content: bytes, digest: str, make: Callable[[bytes], Made]) -> Made:
    """What `make` makes of the content, which is hashed meanwhile. Raises DamagedFile, whatever `make` says to such."""
    verifying = _hashing.submit(verified, content, digest)
    try:
        return make(content)
    finally:
        verifying.result()

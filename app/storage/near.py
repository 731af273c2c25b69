"""A storage as whoever reads it again and again sees it: near, or with copies on this machine's disk.

Reading asks for a `make`: what it makes of the bytes while these are compared with their digest is what is returned,
never before they were found whole.
"""

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

import structlog

from app.storage.files import write_whole
from app.storage.local import LocalStorage
from app.storage.types import DIGEST, SUFFIX, Made, Storage, StorageUnavailable, file_name, made_of

log = structlog.get_logger(__name__)

REFUSED_FOR_S: Final = 2.0
"""A storage that did not answer is not asked again for so long, or else every request of an outage would wait in turn
for its whole time."""
LEFT_AFTER_S: Final = 3600.0
"""Whoever wrote a half-written copy for so long is dead."""


class Near:
    """A folder of this machine: read where it is, nothing is copied."""

    storage: Storage
    folder: Path
    """Of this machine."""

    def __init__(self, storage: LocalStorage) -> None:
        self.storage, self.folder = storage, storage.folder

    def read(self, digest: str, make: Callable[[bytes], Made]) -> Made:
        """What `make` makes of the bytes; may take its time. Raises as `Storage.read` and as `make`."""
        return self.read_here(digest, make)

    def read_here(self, digest: str, make: Callable[[bytes], Made]) -> Made:
        """As `read`, but from this machine only, at once. Raises FileNotFoundError for what is not on it."""
        return made_of(self._path(digest).read_bytes(), digest, make)

    def is_here(self, digest: str) -> bool:
        """Whether `read` needs no network."""
        return True

    def vouches_for(self, digest: str) -> bool:
        """Whether what was read of it before may still be used, as far as can be told without a network."""
        return self.storage.has(digest)

    def copies(self) -> set[str]:
        """Digests of what this machine has copies of."""
        return set()

    def forget(self, digests: Collection[str]) -> None:
        """Delete the copies of these."""

    def _path(self, digest: str) -> Path:
        return self.folder / file_name(digest)


class Copies(Near):
    """A folder of copies of what lies far away. When they exceed their bytes, the least recently read make room."""

    def __init__(self, storage: Storage, folder: Path, most_bytes: int) -> None:
        self.storage, self.folder, self.most_bytes = storage, folder, most_bytes
        self._making_room = Lock()
        self._refusal: tuple[float, str] | None = None
        """Until when nothing is asked of the storage, and why."""

    def read(self, digest: str, make: Callable[[bytes], Made]) -> Made:
        with suppress(OSError):  # missing, damaged, or on a disk that cannot be read
            return self.read_here(digest, make)
        content = self._fetched(digest)
        try:
            with self._making_room:
                self._make_room(len(content))
                write_whole(self._path(digest), content, is_lasting=False)
        except OSError as error:
            # It is served all the same, and fetched again when it is needed again.
            log.warning("an adapter cannot be kept on this disk", why=error.strerror, folder=str(self.folder))
        return make(content)

    def read_here(self, digest: str, make: Callable[[bytes], Made]) -> Made:
        made = super().read_here(digest, make)
        with suppress(FileNotFoundError):
            os.utime(self._path(digest))  # the last to make room now
        return made

    def is_here(self, digest: str) -> bool:
        return self._path(digest).exists()

    def vouches_for(self, digest: str) -> bool:
        """Nothing that was fetched changes, and asking on every request would cost a journey: `forget` ends it."""
        return True

    def copies(self) -> set[str]:
        return {path.stem for path in self.folder.glob(f"*{SUFFIX}") if DIGEST.fullmatch(path.stem)}

    def forget(self, digests: Collection[str]) -> None:
        for digest in digests:
            if DIGEST.fullmatch(digest):
                self._path(digest).unlink(missing_ok=True)

    def _fetched(self, digest: str) -> bytes:
        refusal = self._refusal  # another thread may end it meanwhile
        if refusal is not None and time.monotonic() < refusal[0]:
            raise StorageUnavailable(refusal[1])
        try:
            content = self.storage.read(digest)
        except StorageUnavailable as error:
            self._refusal = time.monotonic() + REFUSED_FOR_S, error.detail
            raise
        self._refusal = None
        return content

    def _make_room(self, size: int) -> None:
        """For so many bytes more. Copies may vanish meanwhile; a reader of one that is deleted reads it to its end."""
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            with suppress(FileNotFoundError):
                facts = path.stat()
                if path.suffix == SUFFIX:
                    found.append((facts.st_mtime, facts.st_size, path))
                elif path.suffix == ".part" and facts.st_mtime < time.time() - LEFT_AFTER_S:
                    path.unlink()
        used = sum(each for _, each, _ in found)
        for _, each, path in sorted(found):
            if used + size <= self.most_bytes:
                return
            path.unlink(missing_ok=True)
            used -= each

"""Adapter files in a folder of this machine, or one that machines share."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Self

from app.config import Settings
from app.errors import StorageFull
from app.storage.files import sync_folder, write_whole
from app.storage.types import DIGEST, SUFFIX, file_name, verified


class LocalStorage:
    """A folder of `<sha256 of the bytes>.safetensors` files. Whole or absent, never in between."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.storage_root / "adapters"

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Of the files in this very folder, whatever the settings say."""
        storage = cls.__new__(cls)
        storage.folder = folder
        return storage

    def put(self, content: bytes) -> str:
        """Keep these bytes safely on disk and return their digest; a file that holds them already is kept.

        Raises StorageFull, leaving no trace, when there is no room.
        """
        digest = sha256(content).hexdigest()
        target = self.path(digest)
        with suppress(FileNotFoundError):
            os.utime(target)  # as good as new: whoever discards old orphans spares it
            if target.read_bytes() == content:
                return digest
        with _explained(self.folder):
            write_whole(target, content, is_lasting=True)
        return digest

    def read(self, digest: str) -> bytes:
        return verified(self.path(digest).read_bytes(), digest)

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    def path(self, digest: str) -> Path:
        """Where the file with this digest is, if it is. ValueError for what is not a digest, such as a path."""
        return self.folder / file_name(digest)

    def digests(self, older_than: timedelta | None = None) -> set[str]:
        found = set()
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(FileNotFoundError):
                if DIGEST.fullmatch(path.stem) and (older_than is None or _is_older(path, older_than)):
                    found.add(path.stem)
        return found

    def delete(self, digest: str, older_than: timedelta | None = None) -> bool:
        path = self.path(digest)
        try:
            if older_than is not None and not _is_older(path, older_than):
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        sync_folder(self.folder)
        return True

    def check(self) -> None:
        """A folder is made when it is first needed."""


def _is_older(path: Path, than: timedelta) -> bool:
    """Whether it was last put longer ago."""
    return path.stat().st_mtime < time.time() - than.total_seconds()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageFull(
            "the disk that holds the adapters is full", remedy=f"Free space below {folder}, then try again."
        ) from error

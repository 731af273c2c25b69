"""Adapter files on the local disk: named by their content, so they never change and never need locking."""

import errno
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.config import Settings
from app.errors import StorageFull

DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class LocalStorage:
    """A folder of `<sha256 of the bytes>.safetensors` files. Whole or absent, never in between."""

    def __init__(self, settings: Settings) -> None:
        self.folder = settings.storage_root / "adapters"

    def put(self, content: bytes) -> str:
        """Keep these bytes safely on disk and return their digest; the same bytes again cost nothing.

        Raises StorageFull, leaving no trace, when there is no room.
        """
        digest = sha256(content).hexdigest()
        target = self.path(digest)
        with suppress(FileNotFoundError):
            os.utime(target)  # as good as new: whoever discards old orphans spares it
            return digest
        with _explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            _sync(self.folder)
        return digest

    def path(self, digest: str) -> Path:
        """Where the file with this digest is, if it is. ValueError for what is not a digest, such as a path."""
        if not DIGEST.fullmatch(digest):
            raise ValueError("a digest is 64 hexadecimal digits")
        return self.folder / f"{digest}.safetensors"

    def digests(self, older_than: timedelta) -> set[str]:
        """Of the files that were last put longer ago than this."""
        limit = time.time() - older_than.total_seconds()
        found = set()
        for path in self.folder.glob("*.safetensors"):
            with suppress(FileNotFoundError):
                if DIGEST.fullmatch(path.stem) and path.stat().st_mtime < limit:
                    found.add(path.stem)
        return found

    def delete(self, digest: str) -> bool:
        """Whether there was such a file; there is none afterwards."""
        path = self.path(digest)
        if not path.exists():
            return False
        path.unlink(missing_ok=True)
        _sync(self.folder)
        return True


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


def _sync(folder: Path) -> None:
    """Without this a power cut may forget the file's name although its bytes are safe."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

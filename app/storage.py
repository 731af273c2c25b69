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
        found = set()
        for path in self.folder.glob("*.safetensors"):
            with suppress(FileNotFoundError):
                if DIGEST.fullmatch(path.stem) and _is_older(path, older_than):
                    found.add(path.stem)
        return found

    def delete(self, digest: str, older_than: timedelta | None = None) -> bool:
        """Whether there was such a file; there is none afterwards, unless it was put again since `older_than` ago."""
        path = self.path(digest)
        try:
            if older_than is not None and not _is_older(path, older_than):
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        _sync(self.folder)
        return True


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


def _sync(folder: Path) -> None:
    """Without this a power cut may forget the file's name although its bytes are safe."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

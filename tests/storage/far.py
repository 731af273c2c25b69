"""A storage that lies far away, as those who read it see it: it can be slow, or lost."""

import threading
from datetime import timedelta
from hashlib import sha256

from app.storage import StorageUnavailable
from app.storage.types import file_name


class Far:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.asked: list[str] = []
        """Digests that were read, in order."""
        self.is_lost = False
        self.is_open = threading.Event()
        """While it is not set, nobody who reads gets an answer."""
        self.is_open.set()

    def put(self, content: bytes) -> str:
        self._reach()
        digest = sha256(content).hexdigest()
        self.contents[digest] = content
        return digest

    def read(self, digest: str) -> bytes:
        self.asked.append(digest)
        assert self.is_open.wait(60)
        if not self.has(digest):
            raise FileNotFoundError(file_name(digest))
        return self.contents[digest]

    def has(self, digest: str) -> bool:
        self._reach()
        return digest in self.contents

    def digests(self, older_than: timedelta | None = None) -> set[str]:
        self._reach()
        return set(self.contents)

    def delete(self, digest: str, older_than: timedelta | None = None) -> bool:
        self._reach()
        return self.contents.pop(digest, None) is not None

    def check(self) -> None:
        self._reach()

    def _reach(self) -> None:
        if self.is_lost:
            raise StorageUnavailable("the storage is lost")

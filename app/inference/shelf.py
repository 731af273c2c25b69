"""Checked adapters in memory, by bytes; the least recently used goes first. No torch.

What somebody still holds, as every request does until it is written, is at hand even after it made room: so nothing is
read twice for those who wait. What is held is counted, and above `MOST_HELD` times the shelf's bytes nobody may join
them with an adapter that is not there.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from app.inference.adapter_file import Adapter


MOST_HELD: Final = 4
LEAST_ROOM: Final = 64 * 2**20
"""Bytes that may be held however small the shelf is."""


class ShelfFull(RuntimeError):
    """As much is held as may be."""


class Shelf:
    def __init__(self, most_bytes: int, read: Callable[[str], "Adapter"]) -> None:
        """`read` brings what is not there; it may take its time, and is asked for one digest once at a time."""
        self._most_bytes, self._read = most_bytes, read
        self._adapters: OrderedDict[str, Adapter] = OrderedDict()
        self._alive: WeakValueDictionary[str, Adapter] = WeakValueDictionary()
        """All that anybody holds, on the shelf or not."""
        self._sizes: dict[str, int] = {}
        self._held = 0
        self._coming: dict[str, Future[Adapter]] = {}
        self._guard = Lock()

    @property
    def digests(self) -> set[str]:
        """Of what is there."""
        with self._guard:
            return {digest for digest, _ in self._held_now()}

    def get(self, digest: str) -> "Adapter | None":
        """What is there, used just now."""
        with self._guard:
            if (adapter := self._alive.get(digest)) is not None:
                self._shelve(digest, adapter)
            return adapter

    def fetch(self, digest: str) -> "Adapter":
        """What is there, or else is read: whoever asks meanwhile waits for the same.

        Raises what `read` does, and ShelfFull.
        """
        if (adapter := self.get(digest)) is not None:
            return adapter
        with self._guard:
            if (adapter := self._alive.get(digest)) is not None:  # whoever read it was done between the two
                return adapter
            coming = self._coming.get(digest)
            if is_ours := coming is None:
                held = sum(_bytes(adapter) for _, adapter in self._held_now())
                if held > max(LEAST_ROOM, MOST_HELD * self._most_bytes):
                    raise ShelfFull(f"adapters in use and at hand take {held / 2**20:.0f} MB")
                coming = self._coming[digest] = Future()
        if is_ours:
            try:
                coming.set_result(self.put(digest, self._read(digest)))
            except BaseException as error:
                coming.set_exception(error)
            finally:
                with self._guard:
                    del self._coming[digest]
        return coming.result()

    def put(self, digest: str, adapter: "Adapter") -> "Adapter":
        """The adapter itself, which is there now, whoever has to go for it."""
        with self._guard:
            self._alive[digest] = adapter
            self._shelve(digest, adapter)
        return adapter

    def forget(self, digests: Collection[str]) -> None:
        with self._guard:
            for digest in digests:
                self._drop(digest)
                self._alive.pop(digest, None)

    def _shelve(self, digest: str, adapter: "Adapter") -> None:
        """Put it there as the one used last, and have others make room. Needs the guard."""
        if self._adapters.get(digest) is adapter:
            self._adapters.move_to_end(digest)
            return
        self._drop(digest)
        self._adapters[digest] = adapter
        self._sizes[digest] = _bytes(adapter)
        self._held += self._sizes[digest]
        while len(self._adapters) > 1 and self._held > self._most_bytes:
            self._drop(next(iter(self._adapters)))

    def _held_now(self) -> "list[tuple[str, Adapter]]":
        """All that anybody holds. Walking the dictionary itself would break where one is freed meanwhile."""
        return [(ref.key, adapter) for ref in self._alive.valuerefs() if (adapter := ref()) is not None]

    def _drop(self, digest: str) -> None:
        if self._adapters.pop(digest, None) is not None:
            self._held -= self._sizes.pop(digest)


def _bytes(adapter: "Adapter") -> int:
    return sum(tensor.nbytes for tensor in adapter.tensors.values())

"""Which adapters are resident, in which slot: least recently used goes first, adapters in use stay. No torch.

Slot 0 is the base and never given away. All slots have the same size in bytes, so counting slots counts bytes.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass


class NoFreeSlot(RuntimeError):
    """Every slot holds an adapter that is in use."""


@dataclass(frozen=True)
class Seat:
    slot: int
    is_new: bool
    """Whether the caller has to load the adapter into the slot."""


class Residency:
    def __init__(self, slots: int) -> None:
        """`slots` adapters fit beside the base. Raises ValueError for fewer than one."""
        if slots < 1:
            raise ValueError("an engine needs room for at least one adapter")
        self._slots: OrderedDict[str, int] = OrderedDict()
        self._free = list(range(slots, 0, -1))
        self._users: Counter[str] = Counter()

    @property
    def resident(self) -> list[str]:
        """Digests, least recently used first."""
        return list(self._slots)

    def is_resident(self, digest: str) -> bool:
        return digest in self._slots

    def acquire(self, digest: str) -> Seat:
        """Pin an adapter, making room for it if it is not there. Raises NoFreeSlot, changing nothing."""
        slot = self._slots.get(digest)
        is_new = slot is None
        if slot is None:
            slot = self._free.pop() if self._free else self._evict()
            self._slots[digest] = slot
        self._slots.move_to_end(digest)
        self._users[digest] += 1
        return Seat(slot, is_new)

    def release(self, digest: str) -> None:
        """Undo one acquire(). Raises KeyError for an adapter that nobody uses."""
        if self._users[digest] < 1:
            raise KeyError(digest)
        self._users[digest] -= 1
        if not self._users[digest]:
            del self._users[digest]

    def forget(self, digest: str) -> None:
        """Its slot could not be filled: give it back."""
        self._users.pop(digest, None)
        self._free.append(self._slots.pop(digest))

    def _evict(self) -> int:
        oldest = next((digest for digest in self._slots if not self._users[digest]), None)
        if oldest is None:
            raise NoFreeSlot("all adapter slots are in use")
        return self._slots.pop(oldest)

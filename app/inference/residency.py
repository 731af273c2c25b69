"""Which speakers are resident, in which slot: least recently used goes first, those in use stay. No torch.

Slot 0 is the base and never given away. All slots have the same size in bytes, so counting slots counts bytes.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple


class Speaker(NamedTuple):
    """Who a slot speaks for: an adapter, and which of its voices (None: its trunk alone, or it has but one)."""

    digest: str
    voice: str | None = None


class NoFreeSlot(RuntimeError):
    """Every slot holds a speaker that is in use."""


@dataclass(frozen=True)
class Seat:
    slot: int
    is_new: bool
    """Whether the caller has to load the speaker into the slot."""


class Residency:
    def __init__(self, slots: int) -> None:
        """`slots` speakers fit beside the base. Raises ValueError for fewer than one."""
        if slots < 1:
            raise ValueError("an engine needs room for at least one adapter")
        self._slots: OrderedDict[Speaker, int] = OrderedDict()
        self._free = list(range(slots, 0, -1))
        self._users: Counter[Speaker] = Counter()

    @property
    def resident(self) -> list[Speaker]:
        """Least recently used first."""
        return list(self._slots)

    def acquire(self, speaker: Speaker) -> Seat:
        """Pin a speaker, making room for it if it is not there. Raises NoFreeSlot, changing nothing."""
        slot = self._slots.get(speaker)
        is_new = slot is None
        if slot is None:
            slot = self._free.pop() if self._free else self._evict()
            self._slots[speaker] = slot
        self._slots.move_to_end(speaker)
        self._users[speaker] += 1
        return Seat(slot, is_new)

    def release(self, speaker: Speaker) -> None:
        """Undo one acquire(). Raises KeyError for one that nobody uses."""
        if self._users[speaker] < 1:
            raise KeyError(speaker)
        self._users[speaker] -= 1
        if not self._users[speaker]:
            del self._users[speaker]

    def forget(self, speaker: Speaker) -> int:
        """Give its slot back, which could not be filled or shall not be kept."""
        self._users.pop(speaker, None)
        self._free.append(slot := self._slots.pop(speaker))
        return slot

    def idle(self, digests: Collection[str]) -> list[Speaker]:
        """Those of these adapters that are resident and not in use."""
        return [speaker for speaker in self._slots if speaker.digest in digests and not self._users[speaker]]

    def _evict(self) -> int:
        oldest = next((speaker for speaker in self._slots if not self._users[speaker]), None)
        if oldest is None:
            raise NoFreeSlot("all adapter slots are in use")
        return self._slots.pop(oldest)

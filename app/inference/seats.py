"""The tiers an adapter climbs: a bucket or folder, a copy on this disk, a shelf of checked ones in memory, a slot of
the bank. Nobody's decoding waits for a file or a network: whoever asks for an adapter has it put on the shelf, and the
thread that writes only copies from there.
"""

import threading
import time
from collections.abc import Collection
from typing import Final

from app.inference import adapter_file
from app.inference.adapter_file import Adapter, InvalidAdapter
from app.inference.bank import BASE_SLOT, Bank
from app.inference.card import BaseCard
from app.inference.language_model import LanguageModel
from app.inference.residency import NoFreeSlot, Residency, Speaker
from app.inference.shelf import Shelf, ShelfFull
from app.inference.types import EngineError
from app.storage import DIGEST, Near, StorageUnavailable

MOST_SLOTS: Final = 64
SHELF_SHARE: Final = 2
"""The shelf may take so many times the memory of the slots."""


class Seats:
    def __init__(self, model: LanguageModel, card: BaseCard, near: Near, *, rank: int, cache_bytes: int) -> None:
        """`rank` is the largest served, trunk and branch together."""
        self.card, self.near, self.architecture = card, near, model.architecture
        slots = max(1, min(MOST_SLOTS, cache_bytes // Bank.bytes_per_slot(model.architecture, rank, model.dtype)))
        self.bank = Bank(model.architecture, slots=slots, rank=rank, dtype=model.dtype, device=model.device)
        self.residency, self.is_on_gpu = Residency(slots), model.device.type == "cuda"
        self.shelf = Shelf(SHELF_SHARE * cache_bytes, self._from_storage)
        self._filling = threading.Lock()
        """Held by whoever fills a slot. Only rows being written keep pins beyond it, so a row always finds its slot."""

    def fetch(self, digest: str | None, tag: str | None = None) -> tuple[Speaker | None, Adapter | None]:
        """Have it at hand, read and checked, for as long as what is returned is held.

        Who speaks when this tag is asked for: the base if no adapter is. Raises as `read`.
        """
        if digest is None:
            return None, None
        adapter = self.read(digest)
        return Speaker(digest, tag if tag in adapter.voices else None), adapter

    def is_at_hand(self, digest: str) -> bool:
        """Whether `read` needs no network, were it only to say that there is no such adapter."""
        return self.shelf.get(digest) is not None or not DIGEST.fullmatch(digest) or self.near.is_here(digest)

    def read(self, digest: str) -> Adapter:
        """The checked adapter itself, fetched if it must be.

        Raises EngineError: unknown-adapter, invalid-adapter, storage-unavailable; busy where those who wait hold too
        many others.
        """
        is_shelved = self.shelf.get(digest) is not None
        if not DIGEST.fullmatch(digest) or (is_shelved and not self.near.vouches_for(digest)):
            raise _unknown(digest)
        try:
            return self.shelf.fetch(digest)
        except ShelfFull as error:
            raise EngineError("busy", str(error)) from error

    def warm(self, digest: str) -> float:
        """Make it, or each of its voices, resident; milliseconds it took.

        Raises as `read`, and `busy` if all slots are in use.
        """
        started = time.monotonic()
        for voice in self.read(digest).voices or [None]:
            with self._filling:
                try:
                    self._seat(speaker := Speaker(digest, voice))
                except NoFreeSlot as error:
                    raise EngineError("busy", str(error)) from error
                self.residency.release(speaker)
        return 1000 * (time.monotonic() - started)

    def forget(self, digests: Collection[str]) -> None:
        """Leave nothing of these adapters, in memory or copied, but what rows are being written with, or still wait
        with: that goes as others come, and as they end.
        """
        self.shelf.forget(digests)
        self.near.forget(digests)
        with self._filling:
            for speaker in self.residency.idle(digests):
                self.bank.clear(self.residency.forget(speaker))

    def tidy(self) -> None:
        """Forget what the storage has no more: erased people's, if nobody could tell us. Raises StorageUnavailable."""
        with self._filling:
            resident = {speaker.digest for speaker in self.residency.resident}
        if held := resident | self.shelf.digests | self.near.copies():
            self.forget(held - self.near.storage.digests())

    def take(self, speaker: Speaker | None) -> int:
        """Pin a speaker in a slot until `leave`, filling it if need be. Raises as `_at_once`, and NoFreeSlot."""
        if speaker is None:
            return BASE_SLOT
        with self._filling:
            return self._seat(speaker)

    def leave(self, speaker: Speaker | None) -> None:
        if speaker is not None:
            with self._filling:
                self.residency.release(speaker)

    def _seat(self, speaker: Speaker) -> int:
        """Needs the filling lock."""
        seat = self.residency.acquire(speaker)
        if seat.is_new:
            try:
                self.bank.load(seat.slot, self._at_once(speaker.digest), speaker.voice)
            except BaseException:
                self.residency.forget(speaker)
                raise
        return seat.slot

    def _at_once(self, digest: str) -> Adapter:
        """For the thread that writes, which waits for no network: from the shelf, where that of all who wait is; or, if
        it was forgotten since, from this machine's disk. Raises as `read`, and `busy` if it is not there either.
        """
        if (adapter := self.shelf.get(digest)) is not None:
            return adapter
        return self.shelf.put(digest, self._checked(digest, is_here=True))

    def _from_storage(self, digest: str) -> Adapter:
        return self._checked(digest, is_here=False)

    def _checked(self, digest: str, *, is_here: bool) -> Adapter:
        try:
            return (self.near.read_here if is_here else self.near.read)(digest, self._unpacked)
        except FileNotFoundError as error:
            if is_here and self.near.vouches_for(digest):
                raise EngineError("busy", f"adapter {digest[:12]}… had to make room while it waited") from error
            raise _unknown(digest) from error
        except StorageUnavailable as error:
            raise EngineError("storage-unavailable", f"adapter {digest[:12]}…: {error.detail}") from error
        except (InvalidAdapter, OSError) as error:
            raise EngineError("invalid-adapter", f"adapter {digest[:12]}…: {error}") from error

    def _unpacked(self, content: bytes) -> Adapter:
        adapter = adapter_file.unpack(content, self.architecture, base_digest=self.card.digest, max_rank=self.bank.rank)
        return adapter.pinned() if self.is_on_gpu else adapter


def _unknown(digest: str) -> EngineError:
    return EngineError("unknown-adapter", f"there is no adapter file {digest[:12]}… in the storage")

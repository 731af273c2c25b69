"""The tiers an adapter climbs: its file, a shelf of checked ones in memory, a slot of the bank. Nobody's decoding waits
for a file: whoever asks for an adapter has it put on the shelf, and the thread that writes only copies from there.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Final

from app.inference import adapter_file
from app.inference.adapter_file import Adapter, InvalidAdapter
from app.inference.bank import BASE_SLOT, Bank
from app.inference.card import BaseCard
from app.inference.language_model import LanguageModel
from app.inference.residency import NoFreeSlot, Residency, Speaker
from app.inference.types import EngineError
from app.storage import DIGEST

MOST_SLOTS: Final = 64
SHELF_SHARE: Final = 2
"""The shelf may take so many times the memory of the slots."""


class Seats:
    def __init__(self, model: LanguageModel, card: BaseCard, folder: Path, *, rank: int, cache_bytes: int) -> None:
        """`folder` holds `<digest>.safetensors` files; `rank` is the largest served, trunk and branch together."""
        self.card, self.folder, self.architecture = card, folder, model.architecture
        slots = max(1, min(MOST_SLOTS, cache_bytes // Bank.bytes_per_slot(model.architecture, rank, model.dtype)))
        self.bank = Bank(model.architecture, slots=slots, rank=rank, dtype=model.dtype, device=model.device)
        self.residency = Residency(slots)
        self._shelf: OrderedDict[str, Adapter] = OrderedDict()
        self._shelf_bytes = SHELF_SHARE * cache_bytes
        self._filling = threading.Lock()
        """Held by whoever fills a slot. Only rows being written keep pins beyond it, so a row always finds its slot."""
        self._shelving = threading.Lock()

    def find(self, digest: str) -> Path:
        """Raises EngineError unknown-adapter; a digest cannot lead out of the folder."""
        path = self.folder / f"{digest}.safetensors"
        if not DIGEST.fullmatch(digest) or not path.exists():
            raise EngineError("unknown-adapter", f"there is no adapter file {digest[:12]}… in the storage")
        return path

    def fetch(self, digest: str, tag: str | None = None) -> Speaker:
        """Have it at hand, read and checked; who speaks when this tag is asked for.

        Raises EngineError: unknown-adapter, invalid-adapter.
        """
        return Speaker(digest, tag if tag in self.read(digest).voices else None)

    def read(self, digest: str) -> Adapter:
        """The checked adapter itself. Raises EngineError: unknown-adapter, invalid-adapter."""
        self.find(digest)
        return self._shelved(digest)

    def warm(self, digest: str) -> float:
        """Make it, or each of its voices, resident; milliseconds it took.

        Raises as `fetch`, and `busy` if all slots are in use.
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
        """Leave nothing of these adapters in memory, but what rows are being written with: that goes as others come."""
        with self._shelving:
            for digest in digests:
                self._shelf.pop(digest, None)
        with self._filling:
            for speaker in self.residency.idle(digests):
                self.bank.clear(self.residency.forget(speaker))

    def take(self, speaker: Speaker | None) -> int:
        """Pin a speaker in a slot until `leave`, filling it if need be. Raises as `fetch`, and NoFreeSlot."""
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
                self.bank.load(seat.slot, self._shelved(speaker.digest).speaking(speaker.voice))
            except BaseException:
                self.residency.forget(speaker)
                raise
        return seat.slot

    def _shelved(self, digest: str) -> Adapter:
        with self._shelving:
            if (adapter := self._shelf.get(digest)) is not None:
                self._shelf.move_to_end(digest)
                return adapter
        path = self.find(digest)
        try:
            adapter = adapter_file.read(path, self.architecture, base_digest=self.card.digest, max_rank=self.bank.rank)
        except (InvalidAdapter, OSError) as error:
            raise EngineError("invalid-adapter", f"adapter {digest[:12]}…: {error}") from error
        with self._shelving:
            self._shelf[digest] = adapter
            while len(self._shelf) > 1 and sum(map(_bytes, self._shelf.values())) > self._shelf_bytes:
                self._shelf.popitem(last=False)
        return adapter


def _bytes(adapter: Adapter) -> int:
    return sum(tensor.nbytes for tensor in adapter.tensors.values())

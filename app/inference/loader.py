"""From nothing to an engine that serves: base, weights, self-check, thread, each named while it is missing."""

import threading
from typing import Final

import structlog
import torch

from app.config import Settings
from app.inference.bank import Bank
from app.inference.base import ensure_base, read_card
from app.inference.engine import Engine
from app.inference.language_model import load_model
from app.inference.selfcheck import PROBE, prove
from app.inference.threads import apart
from app.inference.tokens import Tokens
from app.inference.types import EngineError
from app.learning.recipes import most_rank
from app.log import where
from app.storage import storage_nearby

log = structlog.get_logger(__name__)

LEAST_VOICE_RANK: Final = 4
FEWEST_SLOTS: Final = 8
USUAL_CACHE_BYTES: Final = 256 * 2**20
TIDY_EVERY_S: Final = 600.0


def served_rank(settings: Settings, base_parameters: int) -> int:
    """The largest that an engine has room for, of a trunk and a branch together: what was trained with the default
    ranks stays usable when the settings are lowered.
    """
    trunk = max(most_rank(settings.adapter_rank, base_parameters), most_rank(0, base_parameters))
    return trunk + max(settings.adapter_voice_rank, LEAST_VOICE_RANK)


def cache_bytes(settings: Settings, slot_bytes: int) -> int:
    """The memory for resident adapters, each of which takes a slot."""
    return settings.adapter_cache_mb * 2**20 or max(USUAL_CACHE_BYTES, FEWEST_SLOTS * slot_bytes)


class Loader:
    """Brings the engine up in a thread of its own, so that the server can say how far it is; then tidies up for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine: Engine | None = None
        self.missing = "starting"
        self._is_stopping = threading.Event()
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping.set()
        if self.engine is not None:
            self.engine.stop()

    @property
    def is_lost(self) -> bool:
        """Nothing will come of this process any more: whoever watches it should start another."""
        if self._is_stopping.is_set():
            return False
        return self._has_failed or (self.engine is not None and not self.engine.is_alive)

    def ready(self) -> Engine:
        """Raises EngineError `unavailable` with what is missing."""
        if self.engine is None:
            raise EngineError("unavailable", f"the engine is not ready: {self.missing}")
        if not self.engine.is_alive:
            raise EngineError("unavailable", "the engine's thread has ended, and so does its process")
        return self.engine

    def _run(self) -> None:
        apart(self._load)
        while self.engine is not None:
            try:
                self.engine.seats.tidy()
            except Exception as error:  # the storage may be out of reach; what is resident serves all the same
                log.warning("what the storage has no more is kept for now", **where(error))
            if self._is_stopping.wait(TIDY_EVERY_S):
                return

    def _load(self) -> None:
        settings = self.settings
        try:
            if settings.threads:
                torch.set_num_threads(settings.threads)
            self.missing = "preparing the base model"
            base = ensure_base(settings)
            self.missing = "loading the base model"
            model, tokens = load_model(base, device=settings.device), Tokens.load(base)
            self.missing = "checking that adapters are told apart"
            prove(model, tokens.prompt(PROBE))
            card = read_card(base)
            rank = served_rank(settings, card.parameters)
            engine = Engine(
                model,
                tokens,
                card,
                storage_nearby(settings),
                rank=rank,
                cache_bytes=cache_bytes(settings, Bank.bytes_per_slot(model.architecture, rank, model.dtype)),
                max_batch_rows=settings.max_batch_rows,
                max_queue_rows=settings.max_queue_rows,
                threads=torch.get_num_threads(),
            )
            engine.start()
            self.engine, self.missing = engine, ""
            info, slots = engine.info, engine.seats.bank.slots
            log.info("ready", base=info.base_model, device=info.device, route=info.route, slots=slots)
        except Exception as error:
            self.missing = f"it cannot start: {error}"
            log.error("the engine cannot start", reason=str(error), **where(error))
            self._has_failed = True

"""The thread that owns the model: takes rows of many people from the queue, gives each its adapter, writes, answers.

A request becomes rows, one per passage and sample; a batch mixes the rows of all who wait. Each row draws from a stream
of its own, so what a person gets does not depend on who else is served.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.bank import BASE_SLOT, Bank
from app.inference.batching import QueueFull, Waiting
from app.inference.card import BaseCard
from app.inference.generate import generate
from app.inference.model import LlamaModel
from app.inference.passages import Passages, split
from app.inference.residency import Residency
from app.inference.tokens import Tokens
from app.inference.types import PREFIX, EngineError, EngineInfo, EngineLoad, RewriteOutcome, RewriteSpec, prompt_for
from app.learning.seeding import derive
from app.storage import DIGEST

log = logging.getLogger(__name__)

MOST_SLOTS: Final = 64
ROOM_FACTOR, ROOM_TOKENS = 2, 16
"""A passage may become about twice as long and a little more, unless the request sets its own limit."""


@dataclass(eq=False)
class Ticket:
    """One request under way."""

    spec: RewriteSpec
    passages: Passages
    prompt_tokens: int
    answer: "Future[RewriteOutcome]"
    queued_at: float
    is_cancelled: bool = False
    waiting: int = 0
    """Rows not yet written."""
    written: dict[tuple[int, int], str] = field(default_factory=dict)
    finish: dict[tuple[int, int], str] = field(default_factory=dict)
    completion_tokens: int = 0
    timing: dict[str, float] = field(default_factory=dict)

    def cancel(self) -> None:
        """Its waiting rows are dropped; what is being written is thrown away."""
        self.is_cancelled = True
        self.answer.cancel()


@dataclass(frozen=True)
class TicketRow:
    ticket: Ticket
    sample: int
    passage: int
    prompt_ids: list[int]
    max_tokens: int

    @property
    def tenant_id(self) -> str:
        return self.ticket.spec.tenant_id

    @property
    def adapter_digest(self) -> str | None:
        return self.ticket.spec.adapter_digest

    @property
    def is_cancelled(self) -> bool:
        return self.ticket.is_cancelled

    @property
    def seed(self) -> int:
        return derive(self.ticket.spec.seed, "sample", self.sample, "passage", self.passage)


class Engine:
    """`start()` it, `submit()` specs from any thread, `stop()` it."""

    def __init__(
        self,
        model: LlamaModel,
        tokens: Tokens,
        card: BaseCard,
        adapters: Path,
        *,
        rank: int = adapter_file.MAX_RANK,
        cache_bytes: int = 256 * 2**20,
        max_batch_rows: int = 32,
        max_queue_rows: int = 256,
    ) -> None:
        """`adapters` is the folder of `<digest>.safetensors` files; `rank` the largest rank that is served."""
        self.model, self.tokens, self.card, self.adapters = model, tokens, card, adapters
        per_slot = Bank.bytes_per_slot(model.architecture, rank, model.dtype)
        slots = max(1, min(MOST_SLOTS, cache_bytes // per_slot))
        self.bank = Bank(model.architecture, slots=slots, rank=rank, dtype=model.dtype, device=model.device)
        self.residency = Residency(slots)
        self.max_batch_rows = max_batch_rows
        self._waiting: Waiting[TicketRow] = Waiting(max_queue_rows)
        self._running = 0
        self._changed = threading.Condition()
        self._loading = threading.Lock()
        """Whoever fills a slot holds it; decoding never waits for it."""
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def info(self) -> EngineInfo:
        card, device = self.card, str(self.model.device)
        return EngineInfo(card.name, card.digest, card.parameters, card.passage_words, card.context_tokens, device)

    @property
    def load(self) -> EngineLoad:
        with self._changed:
            return EngineLoad(len(self._waiting), self._running)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def submit(self, spec: RewriteSpec) -> Ticket:
        """Queue a request. Raises EngineError: too-long, busy, unknown-adapter, unavailable."""
        if spec.adapter_digest is not None:
            self._find(spec.adapter_digest)
        passages = split(spec.text, self.card.passage_words)
        prompts = [self.tokens.prompt(prompt_for(passage, spec.tag)) for passage in passages.passages]
        ticket = Ticket(spec, passages, sum(map(len, prompts)) * spec.n, Future(), time.monotonic())
        rows = [
            TicketRow(ticket, sample, place, ids, self._limit(spec, ids))
            for sample in range(spec.n)
            for place, ids in enumerate(prompts)
        ]
        ticket.waiting = len(rows)
        if not rows:
            self._answer(ticket)
            return ticket
        with self._changed:
            if self._is_stopping:
                raise EngineError("unavailable", "the engine is shutting down")
            try:
                self._waiting.add(rows)
            except QueueFull as error:
                raise EngineError("busy", str(error)) from error
            self._changed.notify()
        return ticket

    def warm(self, digest: str) -> float:
        """Make an adapter resident; milliseconds it took. Raises EngineError as submit() and for a bad file."""
        started = time.monotonic()
        self._seat(digest)
        with self._loading:
            self.residency.release(digest)
        return 1000 * (time.monotonic() - started)

    def _limit(self, spec: RewriteSpec, prompt_ids: Sequence[int]) -> int:
        wanted = spec.max_tokens or ROOM_FACTOR * len(prompt_ids) + ROOM_TOKENS
        context = self.model.architecture.context_tokens
        if len(prompt_ids) + wanted > context:
            raise EngineError(
                "too-long",
                f"a passage of {len(prompt_ids)} tokens and room for {wanted} more exceed the context of {context}",
            )
        return wanted

    def _find(self, digest: str) -> Path:
        path = self.adapters / f"{digest}.safetensors"
        if not DIGEST.fullmatch(digest) or not path.exists():
            raise EngineError("unknown-adapter", f"there is no adapter file {digest[:12]}… in the storage")
        return path

    def _run(self) -> None:
        while True:
            with self._changed:
                while not len(self._waiting) and not self._is_stopping:
                    self._changed.wait()
                if self._is_stopping:
                    left = self._waiting.take(len(self._waiting) or 1, MOST_SLOTS)
                    _fail({row.ticket for row in left}, EngineError("unavailable", "the engine is shutting down"))
                    return
                batch = self._waiting.take(self.max_batch_rows, self.bank.slots)
                self._running = len(batch)
            try:
                self._write(batch)
            except Exception as error:
                log.exception("a batch of %d rows failed", len(batch))
                reason = EngineError("unavailable", f"the engine could not write this ({type(error).__name__})")
                _fail({row.ticket for row in batch}, reason)
            finally:
                with self._changed:
                    self._running = 0

    def _write(self, batch: Sequence[TicketRow]) -> None:
        started = time.monotonic()
        slots, bad = self._seats(batch)
        rows = [row for row in batch if row.adapter_digest not in bad]
        loaded = time.monotonic()
        try:
            if not rows:
                return
            written = generate(
                self.model,
                [row.prompt_ids for row in rows],
                seeds=[row.seed for row in rows],
                max_tokens=[row.max_tokens for row in rows],
                temperature=[row.ticket.spec.temperature for row in rows],
                top_p=[row.ticket.spec.top_p for row in rows],
                delta=self.bank.rows([slots[row.adapter_digest] for row in rows]),
            )
        finally:
            with self._loading:
                for digest in slots:
                    if digest is not None:
                        self.residency.release(digest)
        spent = {"load": 1000 * (loaded - started), "generate": 1000 * (time.monotonic() - loaded)}
        for row, ids, is_finished in zip(rows, written.ids, written.is_finished, strict=True):
            self._finish(row, ids, is_finished, started, spent)

    def _seats(self, batch: Sequence[TicketRow]) -> tuple[dict[str | None, int], set[str | None]]:
        """Slots by digest; adapters that cannot be used fail their own requests and nobody else's."""
        slots: dict[str | None, int] = {None: BASE_SLOT}
        bad: set[str | None] = set()
        for digest in dict.fromkeys(row.adapter_digest for row in batch):
            if digest is None:
                continue
            try:
                slots[digest] = self._seat(digest)
            except EngineError as error:
                bad.add(digest)
                _fail({row.ticket for row in batch if row.adapter_digest == digest}, error)
        return slots, bad

    def _seat(self, digest: str) -> int:
        """Pin an adapter in a slot, reading and checking its file if it is not there."""
        path = self._find(digest)
        with self._loading:
            seat = self.residency.acquire(digest)
            if seat.is_new:
                try:
                    adapter = adapter_file.read(
                        path, self.model.architecture, base_digest=self.card.digest, max_rank=self.bank.rank
                    )
                    self.bank.load(seat.slot, adapter)
                except (InvalidAdapter, OSError) as error:
                    self.residency.forget(digest)
                    raise EngineError("invalid-adapter", f"adapter {digest[:12]}…: {error}") from error
        return seat.slot

    def _finish(
        self, row: TicketRow, ids: list[int], is_finished: bool, started: float, spent: dict[str, float]
    ) -> None:
        ticket, place = row.ticket, (row.sample, row.passage)
        text = " ".join(self.tokens.text(ids).removeprefix(PREFIX).split())
        ticket.finish[place] = ("stop" if is_finished else "length") if text else "empty"
        # Saying nothing is no rewrite: the passage stays as it was.
        ticket.written[place] = text or ticket.passages.passages[row.passage]
        ticket.completion_tokens += len(ids)
        ticket.timing.setdefault("queue", 1000 * (started - ticket.queued_at))
        for name, milliseconds in spent.items():
            ticket.timing[name] = max(ticket.timing.get(name, 0.0), milliseconds)
        ticket.waiting -= 1
        if not ticket.waiting:
            self._answer(ticket)

    def _answer(self, ticket: Ticket) -> None:
        spec, count = ticket.spec, len(ticket.passages.passages)
        texts, finish = [], []
        for sample in range(spec.n):
            texts.append(ticket.passages.join([ticket.written[sample, place] for place in range(count)]))
            ends = {ticket.finish[sample, place] for place in range(count)}
            finish.append(next((end for end in ("length", "empty") if end in ends), "stop"))
        outcome = RewriteOutcome(
            texts=texts,
            finish=finish,
            adapter_digest=spec.adapter_digest,
            base_digest=self.card.digest,
            prompt_tokens=ticket.prompt_tokens,
            completion_tokens=ticket.completion_tokens,
            timing={name: round(value, 2) for name, value in ticket.timing.items()},
        )
        if not ticket.answer.cancelled():
            ticket.answer.set_result(outcome)


def _fail(tickets: set[Ticket], error: EngineError) -> None:
    for ticket in tickets:
        ticket.is_cancelled = True
        if not ticket.answer.done():
            ticket.answer.set_exception(error)

"""The thread that owns the model: takes rows of many people from the queue, gives each its adapter, writes, answers.

A batch mixes the rows of all who wait. Each row draws from a stream of chance of its own, so what a person gets does
not depend on who else is served; a request or an adapter that fails does so alone. A passage may be written several
times, to take a text that is faithful to it (ticket.py): beside the first where the batch has room, else after it.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog

from app.inference import adapter_file
from app.inference.adapter_file import InvalidAdapter
from app.inference.bank import BASE_SLOT, Bank
from app.inference.batching import QueueFull, Room, Waiting
from app.inference.card import BaseCard
from app.inference.generate import generate
from app.inference.guide import Guide
from app.inference.model import LlamaModel
from app.inference.passages import split
from app.inference.residency import NoFreeSlot, Residency
from app.inference.sampling import NotFinite
from app.inference.ticket import Ticket, TicketRow, by_prompt
from app.inference.tokens import Tokens
from app.inference.types import EngineError, EngineInfo, EngineLoad, RewriteSpec, prompt_for
from app.log import where
from app.storage import DIGEST

log = structlog.get_logger(__name__)

MOST_SLOTS: Final = 64
EAGER_ROWS: Final = 8
"""Up to so many rows a batch costs little more than with one, since reading the weights takes most of the time."""
TOKENS_PER_ROW: Final = 512
"""Room for keys and values that a full batch has per row; a passage of 40 words needs about 200."""
ROOM_FACTOR, ROOM_TOKENS = 2, 16
"""A passage may become about twice as long and a little more, unless the request sets its own limit."""
GATHER_S: Final = 0.005
"""An idle engine waits this long for company: who misses the batch by a moment waits for its end."""


class Abandoned(Exception):
    """Nobody wants the batch any more."""


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
        self.room = Room(max_batch_rows, max_batch_rows * TOKENS_PER_ROW, slots, eager_rows=EAGER_ROWS)
        self._waiting: Waiting[TicketRow] = Waiting(max_queue_rows)
        self._running = 0
        self._changed = threading.Condition()
        self._loading = threading.Lock()
        """Held by whoever fills a slot. Only batches keep their pins beyond it, so a batch always finds its slots."""
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

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Within a step: whoever still waits or is being written for gets `unavailable`."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def submit(self, spec: RewriteSpec) -> Ticket:
        """Queue a request. Raises EngineError: too-long, busy, unknown-adapter, unavailable."""
        if spec.adapter_digest is not None:
            self._find(spec.adapter_digest)
        passages = split(spec.text, self.card.passage_words)
        count, most = spec.n * len(passages.passages), self._waiting.most_rows
        if count > most:
            raise EngineError("too-long", f"the text makes {count} passages to be written; at most {most} are taken")
        # Long texts get as many candidates as the queue can hold, whoever else waits, so the same seed writes the same.
        candidates = min(spec.candidates, most // max(1, count)) if spec.temperature else 1
        prompts = [self.tokens.prompt(prompt_for(passage, spec.tag)) for passage in passages.passages]
        ticket = Ticket(spec, passages, sum(map(len, prompts)) * spec.n, self.card.digest, candidates)
        rows = [
            TicketRow(ticket, sample, place, ids, self._limit(spec, ids), candidate)
            for candidate in range(candidates)
            for sample in range(spec.n)
            for place, ids in enumerate(prompts)
        ]
        ticket.answer_if_done()  # a blank text has no passages
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
        """Make an adapter resident; milliseconds it took.

        Raises EngineError: unknown-adapter, invalid-adapter, busy if a running batch uses every slot.
        """
        started = time.monotonic()
        path = self._find(digest)
        with self._loading:
            try:
                self._seat(digest, path)
            except NoFreeSlot as error:
                raise EngineError("busy", str(error)) from error
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
        while self._wait():
            with self._changed:
                batch = self._waiting.take(self.room)
                self._running = len(batch)
            try:
                self._write(batch)
            except Exception as error:
                log.error("a batch failed", rows=len(batch), **where(error))
                _fail(batch, EngineError("unavailable", f"the engine could not write this ({type(error).__name__})"))
            with self._changed:
                self._running = 0
            for ticket in {row.ticket for row in batch}:
                ticket.answer_if_done()

    def _wait(self) -> bool:
        """Until somebody waits, and a moment more for those who come together; False when it is time to stop."""
        with self._changed:
            was_idle = not len(self._waiting)
            while not len(self._waiting) and not self._is_stopping:
                self._changed.wait()
        if was_idle:
            time.sleep(GATHER_S)
        with self._changed:
            if self._is_stopping:
                _fail(self._waiting.drain(), EngineError("unavailable", "the engine is shutting down"))
            return not self._is_stopping

    def _write(self, batch: Sequence[TicketRow]) -> None:
        started = time.monotonic()
        slots: dict[str | None, int] = {None: BASE_SLOT}
        try:
            self._seat_all(batch, slots)
            loaded = time.monotonic()
            rows = [row for row in batch if not row.is_cancelled]
            tickets = {row.ticket for row in rows}
            for ticket in tickets:
                ticket.started(started)
            self._generate(rows, slots)
        except Abandoned:
            unwritten = (row for row in batch if not row.is_cancelled)
            _fail(unwritten, EngineError("unavailable", "the engine is shutting down"))
        finally:
            self._release(slots)
        ended = time.monotonic()
        for ticket in tickets:
            ticket.spent({"load": 1000 * (loaded - started), "generate": 1000 * (ended - loaded)})
        log.info("batch", rows=len(rows), requests=len(tickets), adapters=len(slots) - 1, s=round(ended - started, 3))

    def _generate(self, rows: Sequence[TicketRow], slots: dict[str | None, int]) -> None:
        """Write all rows together; should an adapter's numbers explode, each adapter's rows by themselves."""
        digests = list(dict.fromkeys(row.adapter_digest for row in rows))
        try:
            self._generation(rows, slots)
        except NotFinite as error:
            if len(digests) > 1:
                for digest in digests:
                    alone = [row for row in rows if row.adapter_digest == digest and not row.is_cancelled]
                    self._generate(alone, slots)
                return
            digest = digests[0]
            name, code = (f"adapter {digest[:12]}…", "invalid-adapter") if digest else ("the base", "unavailable")
            _fail(rows, EngineError(code, f"{name}: {error}"))

    def _generation(self, rows: Sequence[TicketRow], slots: dict[str | None, int]) -> None:
        """Rows of one passage share its prompt, which is read once."""
        groups = by_prompt(rows)
        rows = [row for group in groups for row in group]
        is_told = [False] * len(rows)

        def go_on() -> None:
            if self._is_stopping or all(row.is_cancelled for row in rows):
                raise Abandoned

        def ended(number: int, ids: Sequence[int], is_finished: bool) -> list[int]:
            rows[number].write(self.tokens.text(ids), len(ids), is_finished=is_finished)
            is_told[number] = True
            return [other for other, row in enumerate(rows) if row.is_cancelled]

        written = generate(
            self.model,
            [group[0].prompt_ids for group in groups],
            seeds=[row.seed for row in rows],
            max_tokens=[row.max_tokens for row in rows],
            temperature=[row.ticket.spec.temperature for row in rows],
            top_p=[row.ticket.spec.top_p for row in rows],
            group_size=[len(group) for group in groups],
            delta=self.bank.rows([slots[group[0].adapter_digest] for group in groups]),
            between=go_on,
            ended=ended,
            likelier=[Guide.of(row.text, self.tokens).likelier for row in rows],
        )
        for row, ids, is_known in zip(rows, written.ids, is_told, strict=True):
            if not is_known:
                row.ticket.completion_tokens += len(ids)

    def _seat_all(self, batch: Sequence[TicketRow], slots: dict[str | None, int]) -> None:
        """Add pinned slots by digest; an adapter that cannot be used fails its own requests and nobody else's."""
        for digest in dict.fromkeys(row.adapter_digest for row in batch):
            if digest is None:
                continue
            try:
                path = self._find(digest)
                with self._loading:
                    slots[digest] = self._seat(digest, path)
            except EngineError as error:
                _fail((row for row in batch if row.adapter_digest == digest), error)

    def _release(self, slots: Iterable[str | None]) -> None:
        with self._loading:
            for digest in slots:
                if digest is not None:
                    self.residency.release(digest)

    def _seat(self, digest: str, path: Path) -> int:
        """Pin an adapter in a slot, filling it if it is not there. Needs the loading lock."""
        seat = self.residency.acquire(digest)
        if seat.is_new:
            try:
                self._fill(seat.slot, path)
            except BaseException:
                self.residency.forget(digest)
                raise
        return seat.slot

    def _fill(self, slot: int, path: Path) -> None:
        card, shape = self.card, self.model.architecture
        try:
            self.bank.load(slot, adapter_file.read(path, shape, base_digest=card.digest, max_rank=self.bank.rank))
        except (InvalidAdapter, OSError) as error:
            raise EngineError("invalid-adapter", f"adapter {path.stem[:12]}…: {error}") from error


def _fail(rows: Iterable[TicketRow], error: EngineError) -> None:
    for ticket in {row.ticket for row in rows}:
        ticket.fail(error)

"""The thread that owns the model: takes rows of many people from the queue, gives each its adapter, writes, answers.

All who are served write side by side, a token at a time: rows join when there is room and leave when they end, at any
token. Each row draws from a stream of chance of its own, so what a person gets does not depend on who else is served;
a request or an adapter that fails does so alone. A passage may be written several times, to take a text that is
faithful to it (ticket.py): beside the first where there is room, else after it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Final

import structlog

from app.inference import adapter_file, peft_archive
from app.inference.adapter_file import InvalidAdapter
from app.inference.batching import QueueFull, Room, Waiting
from app.inference.card import BaseCard
from app.inference.guide import Guides
from app.inference.language_model import LanguageModel
from app.inference.lengths import room_for
from app.inference.passages import split
from app.inference.sampling import COLDEST
from app.inference.seats import Seats
from app.inference.threads import start_computing
from app.inference.ticket import Ticket, TicketRow, by_prompt, fail, unwritten
from app.inference.tokens import Tokens
from app.inference.types import PREFIX, EngineError, EngineInfo, EngineLoad, Heard, RewriteSpec, prompt_for
from app.inference.writing import Line, Writing
from app.log import where
from app.storage import Near

log = structlog.get_logger(__name__)

EAGER_ROWS: Final = 8
"""Up to so many rows a step costs little more than with one, since reading the weights takes most of the time."""
TOKENS_PER_ROW: Final = 512
"""Room for keys and values that every row has on average; a passage of 40 words needs about 200."""
GATHER_S: Final = 0.005
"""An idle engine waits this long for company: prompts that are read together cost less than one after the other."""
PROMPT_TOKENS_BESIDE: Final = {"cpu": 128, "cuda": 2048}
"""So much of newcomers' prompts is read in a step of those who already write: they pause for a tenth of a second."""
PROMPT_TOKENS_ALONE: Final = {"cpu": 1024, "cuda": 16384}


class Engine:
    """`start()` it, `submit()` specs from any thread, `stop()` it."""

    def __init__(
        self,
        model: LanguageModel,
        tokens: Tokens,
        card: BaseCard,
        adapters: Near,
        *,
        rank: int = adapter_file.MAX_RANK,
        cache_bytes: int = 256 * 2**20,
        max_batch_rows: int = 32,
        max_queue_rows: int = 256,
        threads: int = 0,
    ) -> None:
        """`rank` is the largest served, trunk and branch together. Of a process that does nothing but serve, `threads`
        says on how many cores the engine computes, and all others on one (see threads.py); 0 leaves that alone.
        """
        self.model, self.tokens, self.card = model, tokens, card
        self.seats = Seats(model, card, adapters, rank=rank, cache_bytes=cache_bytes)
        slots = self.seats.bank.slots
        self.room = Room(max_batch_rows, max_batch_rows * TOKENS_PER_ROW, slots, eager_rows=EAGER_ROWS)
        self._waiting: Waiting[TicketRow] = Waiting(max_queue_rows)
        self._writing = Writing(model, self.seats.bank.rows)
        self._rows: dict[Line, TicketRow] = {}
        """What is being written; only the engine's thread touches it."""
        self._prefix, self._guides = tokens.completion(PREFIX), Guides(tokens, model.device)
        self._running = 0
        self._changed = threading.Condition()
        self._is_stopping = False
        self._threads = threads
        self._thread: threading.Thread | None = None

    @property
    def info(self) -> EngineInfo:
        card, device = self.card, str(self.model.device)
        words, context, route = card.passage_words, card.context_tokens, self.model.architecture.route
        return EngineInfo(card.name, card.digest, card.parameters, words, context, device, route)

    @property
    def load(self) -> EngineLoad:
        with self._changed:
            return EngineLoad(len(self._waiting), self._running)

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self._thread = start_computing(self._run, "engine", self._threads)

    def stop(self) -> None:
        """Within a step: whoever still waits or is being written for gets `unavailable`."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def submit(self, spec: RewriteSpec, tell: Callable[[Heard], None] | None = None) -> Ticket:
        """Queue a request; `tell` hears, in the engine's thread, what is new of its texts and must not fail.

        Raises EngineError: too-long, too-many, too-much-room, busy, unavailable, and as `Seats.read`, which may wait.
        """
        speaker, adapter = self.seats.fetch(spec.adapter_digest, spec.tag)
        # A voice that has a part of its own in the adapter is not told in the prompt.
        tag = None if speaker and speaker.voice else spec.tag
        passages = split(spec.text, self.card.passage_words)
        count, most = spec.n * len(passages.passages), self._waiting.most_rows
        if count > most:
            raise EngineError(
                "too-long" if len(passages.passages) > most else "too-many",
                f"{len(passages.passages)} passages, each {spec.n} times, are {count} to be written; {most} are taken",
            )
        # Long texts get as many candidates as the queue can hold, whoever else waits, so the same seed writes the same.
        candidates = min(spec.candidates, most // max(1, count)) if spec.temperature >= COLDEST else 1
        prompts = [self.tokens.prompt(prompt_for(passage, tag)) for passage in passages.passages]
        tokens = sum(map(len, prompts)) * spec.n
        context = self.model.architecture.context_tokens
        limits = [room_for(len(ids), spec.max_tokens, context) for ids in prompts]
        ticket = Ticket(
            spec, passages, tokens, self.card.digest, candidates, tell=tell, speaker=speaker, adapter=adapter
        )
        rows = [
            TicketRow(ticket, sample, place, ids, limits[place], candidate)
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
        """Make an adapter, or each of its voices, resident; milliseconds it took.

        Raises EngineError: as `Seats.read`, busy if those who write use every slot.
        """
        return self.seats.warm(digest)

    def export_peft(self, digest: str, voice: str | None = None) -> bytes:
        """A zipped PEFT folder: of an adapter, or of one of its voices, which must be named where it has parts of
        their own: the trunk alone is nobody's voice.

        Raises EngineError: as `Seats.read`, unknown-voice.
        """
        adapter = self.seats.read(digest)
        if voice not in (adapter.voices or {None}):
            has = "parts of their own for its voices: name one" if adapter.voices else "no part of its own for a voice"
            raise EngineError("unknown-voice", f"adapter {digest[:12]}… has {has}")
        return peft_archive.export(adapter.speaking(voice), self.model.architecture, base_name=self.card.name)

    def import_peft(self, archive: bytes) -> bytes:
        """Our file of what is in a zipped PEFT folder, checked for this base. Raises EngineError invalid-adapter."""
        try:
            return peft_archive.read(archive, self.model.architecture, self.card, max_rank=self.seats.bank.rank)
        except InvalidAdapter as error:
            raise EngineError("invalid-adapter", str(error)) from error

    def _run(self) -> None:
        while self._wait():
            try:
                self._admit()
                self._step()
            except Exception as error:
                log.error("a step failed", rows=len(self._rows), **where(error))
                self._drop(unwritten(error))

    def _wait(self) -> bool:
        """Until there is something to write; False when it is time to stop."""
        with self._changed:
            is_idle = not (self._rows or len(self._waiting))
            while not (self._rows or len(self._waiting) or self._is_stopping):
                self._changed.wait()
        if is_idle:
            time.sleep(GATHER_S)
        with self._changed:
            if not self._is_stopping:
                return True
            waiting = self._waiting.drain()
        error = EngineError("unavailable", "the engine is shutting down")
        fail(waiting, error)
        self._drop(error)
        return False

    def _admit(self) -> None:
        """Have those join for whom there is room. An adapter that cannot be used fails its own requests only."""
        with self._changed:
            taken = self._waiting.take(self.room, list(self._rows.values()))
            self._running += len(taken)
        for rows in by_prompt(taken):
            try:
                lines = self._seated(rows)
            except Exception as error:  # whatever it is, nobody else shall suffer from it
                if not isinstance(error, EngineError):
                    log.error("a request cannot be written", **where(error))
                fail(rows, error if isinstance(error, EngineError) else unwritten(error))
                self._count_out([(row, row.tokens) for row in rows])
                continue
            self._rows.update(zip(lines, rows, strict=True))
            self._writing.join(rows[0].prompt_ids, lines)

    def _seated(self, rows: Sequence[TicketRow]) -> list[Line]:
        """Lines of rows that continue one prompt, each with a pin on their adapter; no pin stays if that fails."""
        started = time.monotonic()
        with ExitStack() as pins:
            slots = []
            for row in rows:
                slots.append(self.seats.take(row.speaker))
                pins.callback(self.seats.leave, row.speaker)
            rows[0].ticket.started(started, 1000 * (time.monotonic() - started))
            lines = [self._line(slot, row) for slot, row in zip(slots, rows, strict=True)]
            pins.pop_all()
        return lines

    def _line(self, slot: int, row: TicketRow) -> Line:
        spec, source = row.ticket.spec, self._prefix + row.prompt_ids
        helper = self._guides.of(row.text).help
        return Line(slot, row.seed, row.max_tokens, spec.temperature, spec.top_p, helper, source)

    def _step(self) -> None:
        """A token for everybody; whoever has ended, or is wanted no more, leaves."""
        is_busy, device = bool(self._writing.lines), self.model.device.type
        most = (PROMPT_TOKENS_BESIDE if is_busy else PROMPT_TOKENS_ALONE)[device]
        for line in self._writing.step(most):
            row = self._rows[line]
            if line.is_broken:
                fail([row], self._broken(row.ticket.spec.adapter_digest))
            elif line.is_over or row.is_heard or row.ticket.spec.stop:
                self._pass_on(line, row)
        left = [(line, row) for line, row in self._rows.items() if line.is_over or row.is_cancelled]
        for line, row in left:
            if not line.is_over:
                line.is_over = True
                row.ticket.completion_tokens += len(line.ids)
            del self._rows[line]
            self.seats.leave(row.speaker)
        if not self._rows:
            self._writing = Writing(self.model, self.seats.bank.rows)  # an idle engine keeps no cache
        self._count_out([(row, row.max_tokens - len(line.ids)) for line, row in left])
        for ticket in {row.ticket for _, row in left}:
            ticket.answer_if_done()

    def _pass_on(self, line: Line, row: TicketRow) -> None:
        """What the line says so far: to be kept if it ends, else to whoever listens."""
        completion = self.tokens.text(line.ids)
        line.is_over = line.is_over or row.is_stopped(completion)
        if not line.is_over:
            row.draft(completion)
            return
        logprobs = []
        if row.ticket.spec.wants_logprobs:
            logprobs = [(self.tokens.text([word]), value) for word, value in zip(line.ids, line.logprobs, strict=True)]
        row.write(completion, len(line.ids), is_finished=line.is_finished, logprobs=logprobs)

    def _drop(self, error: EngineError) -> None:
        """Fail everybody who is being written for and start afresh."""
        rows = list(self._rows.values())
        self._rows.clear()
        self._writing = Writing(self.model, self.seats.bank.rows)
        for row in rows:
            self.seats.leave(row.speaker)
        self._count_out([(row, 0) for row in rows])
        fail(rows, error)

    def _count_out(self, unused: Sequence[tuple[TicketRow, int]]) -> None:
        """These rows are no longer written; of their room they have not used so many tokens."""
        with self._changed:
            self._running -= len(unused)
            for row, tokens in unused:
                self._waiting.give_back(row, tokens)

    @staticmethod
    def _broken(digest: str | None) -> EngineError:
        name, code = (f"adapter {digest[:12]}…", "invalid-adapter") if digest else ("the base", "unavailable")
        return EngineError(code, f"{name}: the model's output is not finite")

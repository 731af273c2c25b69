"""A request on its way through the engine: what was asked, its rows, what is written of it so far. No torch.

A request becomes rows, one per sample and passage, which may be written in different batches; the last one answers.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from app.inference.passages import Passages
from app.inference.types import PREFIX, EngineError, RewriteOutcome, RewriteSpec
from app.learning.seeding import derive

WORST_FIRST: Final = ("length", "empty")
"""Of a text whose passages ended differently the first of these is told; else it ended by `stop`."""

TIMES: Final = ("queue", "load", "generate")


@dataclass(eq=False)
class Ticket:
    """Written to by the engine's thread only; anybody may cancel it."""

    spec: RewriteSpec
    passages: Passages
    prompt_tokens: int
    base_digest: str
    answer: "Future[RewriteOutcome]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.monotonic)
    is_cancelled: bool = False
    completion_tokens: int = 0
    timing: dict[str, float] = field(default_factory=dict)
    _written: dict[tuple[int, int], str] = field(default_factory=dict)
    _finish: dict[tuple[int, int], str] = field(default_factory=dict)

    def cancel(self) -> None:
        """Its waiting rows are dropped and what is being written is thrown away."""
        self.is_cancelled = True
        self.answer.cancel()

    def fail(self, error: EngineError) -> None:
        """Answer with a reason, unless it is answered or cancelled already."""
        self.is_cancelled = True
        with suppress(InvalidStateError):
            self.answer.set_exception(error)

    def started(self, at: float) -> None:
        """Its first row has left the queue; later rows do not count as queueing."""
        self.timing.setdefault("queue", 1000 * (at - self.queued_at))

    def spent(self, milliseconds: Mapping[str, float]) -> None:
        """A batch with rows of this request took so long. Batches of one request follow each other, so they add up."""
        for name, value in milliseconds.items():
            self.timing[name] = self.timing.get(name, 0.0) + value

    def write(self, sample: int, passage: int, completion: str, tokens: int, *, is_finished: bool) -> None:
        """Keep what the model wrote for a passage. One that it left empty stays as it was: silence is no rewrite."""
        text = " ".join(completion.removeprefix(PREFIX.rstrip()).split())
        self._written[sample, passage] = text or self.passages.passages[passage]
        self._finish[sample, passage] = ("stop" if is_finished else "length") if text else "empty"
        self.completion_tokens += tokens

    def answer_if_done(self) -> None:
        """Answer once every passage of every sample is there."""
        count = len(self.passages.passages)
        if len(self._written) < self.spec.n * count:
            return
        texts, finish = [], []
        for sample in range(self.spec.n):
            places = [(sample, passage) for passage in range(count)]
            texts.append(self.passages.join([self._written[place] for place in places]))
            ends = {self._finish[place] for place in places}
            finish.append(next((end for end in WORST_FIRST if end in ends), "stop"))
        outcome = RewriteOutcome(
            texts=texts,
            finish=finish,
            adapter_digest=self.spec.adapter_digest,
            base_digest=self.base_digest,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            timing={name: round(self.timing.get(name, 0.0), 2) for name in TIMES},
        )
        with suppress(InvalidStateError):
            self.answer.set_result(outcome)


@dataclass(frozen=True)
class TicketRow:
    """One passage, to be written once."""

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
    def tokens(self) -> int:
        """Room that it needs in the cache of keys and values."""
        return len(self.prompt_ids) + self.max_tokens

    @property
    def seed(self) -> int:
        """Of a stream of chance that depends on nothing but the request, the sample and the passage."""
        return derive(self.ticket.spec.seed, "sample", self.sample, "passage", self.passage)

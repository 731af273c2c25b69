"""A request on its way through the engine: what was asked, its rows, what is written of it so far. No torch.

A request becomes rows, which need not be written at the same time; the last one answers. Each passage of each sample
is a place, and for each place several candidates may be written: the first that is faithful to its passage and no
copy of it is taken, or else the most faithful. Taking the first and not the best keeps the voice: it would be the
plainest that is best.
"""

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from app.inference.candidates import Candidate, best, prefix_of
from app.inference.passages import Passages
from app.inference.residency import Speaker
from app.inference.telling import Telling
from app.inference.types import EngineError, Heard, RewriteOutcome, RewriteSpec
from app.learning.seeding import derive
from app.log import where

if TYPE_CHECKING:
    from app.inference.adapter_file import Adapter

log = structlog.get_logger(__name__)

WORST_FIRST: Final = ("length", "empty")
"""Of a text whose passages ended differently the first of these is told; else it ended by `stop`."""

TIMES: Final = ("queue", "load", "generate")

Place = tuple[int, int]
"""(sample, passage)"""


@dataclass(eq=False)
class Ticket:
    """Written to by the engine's thread only; anybody may cancel it."""

    spec: RewriteSpec
    passages: Passages
    prompt_tokens: int
    base_digest: str
    candidates: int = 1
    """Of every place; a later one is written only if no earlier one is taken, or beside them."""
    answer: "Future[RewriteOutcome]" = field(default_factory=Future)
    queued_at: float = field(default_factory=time.monotonic)
    is_cancelled: bool = False
    completion_tokens: int = 0
    timing: dict[str, float] = field(default_factory=dict)
    started_at: float | None = None
    """When its first row left the queue."""
    tell: "Callable[[Heard], None] | None" = None
    """Called with what is new of its texts as they are written."""
    speaker: Speaker | None = None
    """Who writes; None: the base."""
    adapter: "Adapter | None" = None
    """Theirs, which stays at hand as long as somebody holds it: until it is answered, failed or given up."""
    _written: dict[Place, dict[int, Candidate]] = field(default_factory=dict)
    _chosen: dict[Place, Candidate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._telling = Telling(self.passages)

    def cancel(self) -> None:
        """Its waiting rows are dropped and what is being written is thrown away."""
        self.is_cancelled, self.adapter = True, None
        self.answer.cancel()

    def fail(self, error: EngineError) -> None:
        """Answer with a reason, unless it is answered or cancelled already."""
        # An error's traceback leads back here, so this ticket may live on for long.
        self.is_cancelled, self.adapter = True, None
        with suppress(InvalidStateError):
            self.answer.set_exception(error)

    def started(self, at: float, load_ms: float) -> None:
        """A row has left the queue, after loading its adapter if need was; later ones do not count as queueing."""
        if self.started_at is None:
            self.started_at = at
            self.timing["queue"] = 1000 * (at - self.queued_at)
        self.timing["load"] = self.timing.get("load", 0.0) + load_ms

    def write(
        self,
        sample: int,
        passage: int,
        completion: str,
        tokens: int,
        *,
        is_finished: bool,
        candidate: int = 0,
        logprobs: Sequence[tuple[str, float]] = (),
    ) -> None:
        """Keep what the model wrote for a passage. One that it left empty stays as it was: silence is no rewrite."""
        end = first_stop(completion, self.spec.stop)
        written = Candidate.of(
            self.passages.passages[passage],
            completion[:end],
            is_finished=is_finished or end is not None,
            is_cut=end is not None,
            tokens=tuple(logprobs),
        )
        self._written.setdefault((sample, passage), {})[candidate] = written
        self.completion_tokens += tokens
        self._choose((sample, passage))

    def draft(self, sample: int, passage: int, completion: str) -> None:
        """Tell what a first candidate says so far."""
        if self.tell is not None and not self.is_settled((sample, passage)):
            for news in self._telling.draft(sample, passage, completion):
                self.tell(news)

    def is_settled(self, place: Place) -> bool:
        """Whether it is known which text is taken."""
        return place in self._chosen

    def is_due(self, place: Place, candidate: int) -> bool:
        """Whether all earlier candidates are there."""
        written = self._written.get(place, {})
        return all(earlier in written for earlier in range(candidate))

    def _choose(self, place: Place) -> None:
        """Take the first welcome candidate as soon as all before it are known, else the most faithful of all."""
        written = self._written[place]
        for number in range(self.candidates):
            if number not in written:
                return
            if written[number].is_welcome:
                break
        taken = best(written[number] for number in range(self.candidates) if number in written)
        if self.tell is not None and not self.is_settled(place):
            for news in self._telling.settle(*place, taken.text, is_last=taken.is_cut):
                self.tell(news)
        self._chosen[place] = taken

    def answer_if_done(self) -> None:
        """Answer once every passage of every sample is there."""
        count = len(self.passages.passages)
        if len(self._chosen) < self.spec.n * count:
            return
        if self.started_at is not None:
            spent = 1000 * (time.monotonic() - self.started_at)
            self.timing["generate"] = spent - self.timing["load"]
        samples = [
            _until_cut([self._chosen[sample, passage] for passage in range(count)]) for sample in range(self.spec.n)
        ]
        ends = [{each.finish for each in chosen} for chosen in samples]
        outcome = RewriteOutcome(
            texts=[self._joined(chosen) for chosen in samples],
            finish=[next((end for end in WORST_FIRST if end in found), "stop") for found in ends],
            adapter_digest=self.spec.adapter_digest,
            base_digest=self.base_digest,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            timing={name: round(self.timing.get(name, 0.0), 2) for name in TIMES},
            faithfulness=[min((each.verdict.score for each in chosen), default=1.0) for chosen in samples],
            lost=[list(dict.fromkeys(fact for each in chosen for fact in each.verdict.lost)) for chosen in samples],
            logprobs=[[token for each in chosen for token in each.tokens] for chosen in samples]
            if self.spec.wants_logprobs
            else None,
        )
        self.adapter = None
        with suppress(InvalidStateError):
            self.answer.set_result(outcome)

    def _joined(self, chosen: Sequence[Candidate]) -> str:
        text = self.passages.join([each.text for each in chosen])
        return text.rstrip() if any(each.is_cut for each in chosen) else text


def first_stop(completion: str, stop: Sequence[str]) -> int | None:
    """Where the first of these texts begins in what a completion says; None if none is there."""
    start = prefix_of(completion)
    return min((at for each in stop if (at := completion.find(each, start)) >= 0), default=None)


def _until_cut(chosen: list[Candidate]) -> list[Candidate]:
    """Passages up to the first that met a stop; the text ends there."""
    end = next((number for number, each in enumerate(chosen) if each.is_cut), len(chosen))
    return chosen[: end + 1]


@dataclass(frozen=True, eq=False)
class TicketRow:
    """One candidate for one place, to be written once."""

    ticket: Ticket
    sample: int
    passage: int
    prompt_ids: list[int]
    max_tokens: int
    candidate: int = 0

    @property
    def place(self) -> Place:
        return self.sample, self.passage

    @property
    def text(self) -> str:
        """The passage to be rewritten."""
        return self.ticket.passages.passages[self.passage]

    @property
    def tenant_id(self) -> str:
        return self.ticket.spec.tenant_id

    @property
    def user_key(self) -> str:
        return self.ticket.spec.user_key

    @property
    def prompt_key(self) -> Hashable:
        """Rows that share it continue the same prompt with the same adapter."""
        return self.ticket, self.passage

    @property
    def speaker(self) -> Speaker | None:
        return self.ticket.speaker

    @property
    def is_cancelled(self) -> bool:
        """Nobody wants it any more."""
        return self.ticket.is_cancelled or self.ticket.is_settled(self.place)

    @property
    def is_due(self) -> bool:
        """It is known to be needed; a candidate whose forerunners are not written yet may not be."""
        return self.ticket.is_due(self.place, self.candidate)

    @property
    def tokens(self) -> int:
        """Room that it needs in the cache of keys and values."""
        return len(self.prompt_ids) + self.max_tokens

    @property
    def seed(self) -> int:
        """Of a stream of chance that depends on nothing but the request, the sample, the passage and the candidate."""
        further = ("candidate", self.candidate) if self.candidate else ()
        return derive(self.ticket.spec.seed, "sample", self.sample, "passage", self.passage, *further)

    @property
    def is_heard(self) -> bool:
        """Somebody listens to it being written."""
        return self.candidate == 0 and self.ticket.tell is not None

    def is_stopped(self, completion: str) -> bool:
        """It has met a text at which its sender wants the writing to stop."""
        return first_stop(completion, self.ticket.spec.stop) is not None

    def draft(self, completion: str) -> None:
        if self.is_heard:
            with self._alone():
                self.ticket.draft(self.sample, self.passage, completion)

    def write(
        self, completion: str, tokens: int, *, is_finished: bool, logprobs: Sequence[tuple[str, float]] = ()
    ) -> None:
        with self._alone():
            self.ticket.write(
                self.sample,
                self.passage,
                completion,
                tokens,
                is_finished=is_finished,
                candidate=self.candidate,
                logprobs=logprobs,
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """What cannot be made of one request's text is nobody else's trouble."""
        try:
            yield
        except Exception as error:
            log.error("a text cannot be taken", **where(error))
            self.ticket.fail(unwritten(error))


def by_prompt(rows: Iterable[TicketRow]) -> list[list[TicketRow]]:
    """Rows that continue the same prompt with the same adapter: the samples and candidates of a passage."""
    groups: dict[Hashable, list[TicketRow]] = {}
    for row in rows:
        groups.setdefault(row.prompt_key, []).append(row)
    return list(groups.values())


def fail(rows: Iterable[TicketRow], error: EngineError) -> None:
    """Each of their tickets, once."""
    for ticket in {row.ticket for row in rows}:
        ticket.fail(error)


def unwritten(error: Exception) -> EngineError:
    """Without its words, which may be a person's."""
    return EngineError("unavailable", f"the engine could not write this ({type(error).__name__})")

"""What crosses the border of the language model: plain data, no torch, so the web process can speak it too."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

from app.inference.ends import without_open_end

PREFIX = "Rewritten: "
"""Every completion starts with it; the format reward pays for it and the engine strips it."""

PLAIN_TAG = "plain"
"""The one tag the warmed-up base itself knows: say it without style. Used to turn samples into prompts."""

DEFAULT_TEMPERATURE = 0.4
"""Of a request that asks for none. Higher is livelier, and small bases then start to misspell names."""


def prompt_for(passage: str, tag: str | None) -> str:
    """The text the model continues: the passage on a line, then (if a mode is asked for) its tag on a line.

    It begins with an empty line, since of a sequence's first token little but its place is read (it is the sink of
    attention: Xiao et al. 2023, arXiv:2309.17453), and that would be the name in `Sarah broke her glasses.`
    Training, evaluation and serving all build prompts here, so they cannot drift apart.
    """
    line = without_open_end(" ".join(passage.split()))
    return f"\n{line}\n" if tag is None else f"\n{line}\n[{tag}]\n"


def told(prompt: str, voices: Collection[str]) -> tuple[str, str | None]:
    """The prompt without its tag, and the tag, if it is one of these voices; else the prompt as it is, and None.

    An adapter that has a part of its own for a voice answers the bare passage with it (see lora.py): in the prompt the
    tag would be one sign more that a small model may overlook.
    """
    passage, _, line = prompt.removesuffix("\n").rpartition("\n")
    voice = line[1:-1]
    is_told = voice in voices and prompt == prompt_for(passage, voice)
    return (prompt_for(passage, None), voice) if is_told else (prompt, None)


@dataclass(frozen=True)
class EngineInfo:
    base_model: str
    base_digest: str
    parameters: int
    passage_words: int
    context_tokens: int
    device: str
    route: str = "fast"
    """How the base is computed: `fast` for the families that are written out here, `general` for any other decoder,
    by transformers' own code."""


@dataclass(frozen=True)
class EngineLoad:
    """Rows that wait and rows that are being written. Training yields while `waiting + running > 0`."""

    waiting: int
    running: int


@dataclass(frozen=True)
class RewriteSpec:
    """One text to be rewritten n times by one adapter (`adapter_digest=None`: the base)."""

    text: str
    adapter_digest: str | None = None
    tag: str | None = None
    n: int = 1
    temperature: float = DEFAULT_TEMPERATURE
    top_p: float = 1.0
    max_tokens: int | None = None
    """Limit per passage; None: chosen from the passage's own length."""
    seed: int = 0
    tenant_id: str = ""
    """Fairness key only, as is `user_key`; the engine knows no users."""
    candidates: int = 1
    """How often a passage is written at most, to take the first text that is no copy, keeps its names and figures,
    ends by itself and does not loop. At temperature 0, where all would be equal, it is written once."""
    user_key: str = ""
    stop: list[str] = field(default_factory=list)
    """A text ends before the first of these that the model writes."""
    wants_logprobs: bool = False
    timeout_s: float | None = None
    """After so many seconds nobody wants it any more; None: as long as the engine lets requests take."""


@dataclass(frozen=True)
class RewriteOutcome:
    texts: list[str]
    finish: list[str]
    """Per text: `stop`; `length` if any passage hit its token limit; else `empty` if one stayed as it was because the
    model wrote nothing."""
    adapter_digest: str | None
    base_digest: str
    prompt_tokens: int
    completion_tokens: int
    """Of all candidates that were written, the rejected ones too."""
    timing: dict[str, float] = field(default_factory=dict)
    """Milliseconds: `queue`, `load` (of the adapter), `generate`."""
    faithfulness: list[float] = field(default_factory=list)
    """Per text the score in [0, 1] of its worst passage: see faithful.py."""
    lost: list[list[str]] = field(default_factory=list)
    """Per text the names, figures and addresses of the original that it does not tell."""
    logprobs: list[list[tuple[str, float]]] | None = None
    """Per text the tokens as the model wrote them, prefix and end included, passage after passage, each with its
    natural log-probability at the request's temperature (1 where that is 0), before any top-p cut."""


@dataclass(frozen=True)
class Heard:
    """News of a text while it is being written. An empty one says that it is still being worked on."""

    sample: int
    text: str
    is_replacement: bool = False
    """`text` takes the place of all that was heard of this sample; else it follows it."""


CODES: Final = {
    "unavailable": 503,  # down, starting, or it failed its self-check
    "busy": 503,  # its queue is full
    "too-long": 422,  # a prompt exceeds the context, or the passages exceed the queue
    "too-many": 422,  # they would fit into the queue if fewer samples were asked for
    "too-much-room": 422,  # the prompt fits into the context, but not with so many tokens more
    "unknown-adapter": 404,
    "invalid-adapter": 422,  # corrupt, of another base, of wrong shapes
    "unknown-voice": 422,  # the adapter has no part of its own for it, or several and none was named
    "storage-unavailable": 503,  # the adapter is not on the engine's machine, and its storage cannot be reached
    "timeout": 504,
    "invalid-request": 422,  # fields it does not know, or out of its bounds: whoever asks is of another version
}
"""What an engine may fail with, and the status that says so on its port."""


class EngineError(RuntimeError):
    """The engine cannot serve this request; `code`, one of CODES, is stable, the message is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Engine(Protocol):
    """How the web sees the language model. Implemented by client.HttpEngine and fake.FakeEngine."""

    async def info(self) -> EngineInfo: ...
    async def load(self) -> EngineLoad: ...
    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome: ...
    def stream(self, spec: RewriteSpec) -> AsyncGenerator[Heard | RewriteOutcome, None]:
        """The texts as they are written, from an empty piece once the request is accepted to the outcome."""
        ...

    async def warm(self, adapter_digest: str) -> float:
        """Load ahead of the first request; milliseconds it took."""
        ...

    async def forget(self, adapter_digests: Collection[str]) -> None:
        """Leave nothing of these adapters in memory; they are in nobody's use any more."""
        ...

    async def export_peft(self, adapter_digest: str, voice: str | None = None) -> bytes:
        """The adapter as a zipped PEFT folder, or one of its voices: which, must be told where they have parts of
        their own."""
        ...

    async def import_peft(self, archive: bytes) -> bytes:
        """The file of the adapter that a zipped PEFT folder holds, to be kept under its sha256."""
        ...

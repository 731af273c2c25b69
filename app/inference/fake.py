"""An engine without a model, for tests and for trying the API: what it writes shows what it was asked."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field
from typing import Final

import anyio

from app.inference.faithful import judge
from app.inference.types import EngineError, EngineInfo, EngineLoad, Heard, RewriteOutcome, RewriteSpec

BASE_DIGEST: Final = "ba5e" * 16
STALL_S: Final = 30.0


@dataclass
class FakeEngine:
    """Deterministic: text i of a spec is `<digest[:8]|base>[/tag]#<seed>.<i> <the text>`.

    `fail_with` is an EngineError code every call but `load` raises; `delay_s` is how long a rewrite takes;
    `context_tokens` counts words, and a longer text is `too-long`; `known`, if given, are the only adapters it has;
    `loses` is what it leaves out of every text.
    """

    fail_with: str | None = None
    delay_s: float = 0.0
    passage_words: int = 40
    context_tokens: int = 2048
    known: set[str] | None = None
    loses: list[str] = field(default_factory=list)
    specs: list[RewriteSpec] = field(default_factory=list)
    """Every spec it was asked to rewrite, in order."""
    warmed: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    breaks_after: int | None = None
    """The word of a stream after which it fails."""
    stalls_after: int | None = None
    """The word of a stream after which nothing more comes for half a minute."""
    waiting: int = 0
    running: int = 0

    async def info(self) -> EngineInfo:
        self._fail()
        return EngineInfo("fake", BASE_DIGEST, 0, self.passage_words, self.context_tokens, "cpu")

    async def load(self) -> EngineLoad:
        return EngineLoad(self.waiting, self.running)

    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
        self.specs.append(spec)
        self._fail()
        self._find(spec.adapter_digest)
        words = len(spec.text.split())
        if words > self.context_tokens:
            raise EngineError("too-long", f"{words} tokens, but the context holds {self.context_tokens}")
        await self._written(self.delay_s)
        writer = (spec.adapter_digest or "base")[:8] + (f"/{spec.tag}" if spec.tag else "")
        said = spec.text
        for fact in self.loses:
            said = said.replace(fact, "…")
        texts = [f"{writer}#{spec.seed}.{i} {said}" for i in range(spec.n)]
        verdicts = [judge(spec.text, text, is_finished=True) for text in texts]
        return RewriteOutcome(
            texts=texts,
            finish=["stop"] * spec.n,
            adapter_digest=spec.adapter_digest,
            base_digest=BASE_DIGEST,
            prompt_tokens=words,
            completion_tokens=(words + 1) * spec.n,
            timing={"queue": 0.0, "load": 0.0, "generate": self.delay_s * 1000},
            faithfulness=[verdict.score for verdict in verdicts],
            logprobs=[[(text, 0.0)] for text in texts] if spec.wants_logprobs else None,
            lost=[list(verdict.lost) for verdict in verdicts],
        )

    async def stream(self, spec: RewriteSpec) -> AsyncGenerator[Heard | RewriteOutcome, None]:
        """Word by word; where it `loses` something, the text that it begins with is replaced."""
        outcome = await self.rewrite(spec)
        yield Heard(0, "")
        for sample, text in enumerate(outcome.texts):
            if self.loses:
                yield Heard(sample, "a draft")
                yield Heard(sample, text, is_replacement=True)
                continue
            for number, word in enumerate(text.split(" ")):
                yield Heard(sample, f" {word}" if number else word)
                if number == self.breaks_after:
                    raise EngineError("unavailable", "told to break")
                if number == self.stalls_after:
                    await self._written(STALL_S)
        yield outcome

    async def warm(self, adapter_digest: str) -> float:
        self._fail()
        self._find(adapter_digest)
        self.warmed.append(adapter_digest)
        return 0.1

    async def forget(self, adapter_digests: Collection[str]) -> None:
        self._fail()
        self.forgotten += sorted(adapter_digests)

    async def export_peft(self, adapter_digest: str, voice: str | None = None) -> bytes:
        self._fail()
        self._find(adapter_digest)
        return f"PEFT of {adapter_digest}{f'/{voice}' if voice else ''}".encode()

    async def import_peft(self, archive: bytes) -> bytes:
        """Whatever is sent is the adapter, unless it is empty."""
        self._fail()
        if not archive:
            raise EngineError("invalid-adapter", "the file is no zip archive that can be read")
        return archive

    async def close(self) -> None:
        """Nothing to close; here so that it can stand wherever HttpEngine does."""

    async def _written(self, seconds: float) -> None:
        self.running += 1
        try:
            await anyio.sleep(seconds)
        finally:
            self.running -= 1

    def _fail(self) -> None:
        if self.fail_with is not None:
            raise EngineError(self.fail_with, f"told to fail with {self.fail_with}")

    def _find(self, digest: str | None) -> None:
        if digest is not None and self.known is not None and digest not in self.known:
            raise EngineError("unknown-adapter", f"no adapter {digest[:8]}")

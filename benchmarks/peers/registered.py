"""A rewrite from the service down, with so many versions in the database: plan, engine, durable row.

Everybody who is registered is as likely to ask, or the first few only; versions share a few hundred distinct files, of
which the bank holds those that were used last.
"""

import asyncio
import random
import time
from pathlib import Path

from benchmarks.common.people import register, settle
from benchmarks.common.worker import Answer, Message, serve


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    settle(setup["data"])
    import torch

    from app.inference.fake import FakeEngine
    from app.inference.types import EngineInfo, EngineLoad, RewriteOutcome, RewriteSpec
    from app.rewrites import service
    from app.rewrites.service import Ask
    from benchmarks.peers.ours import endless, engine_for, loaded

    torch.set_num_threads(1)  # here: nobody computes beside the engine
    people = [f"person-{number}" for number in range(setup["registered"])]
    tenant_id, _ = register(people, setup["digests"], setup["base_digest"])
    base = Path(setup["base"])
    model = endless(loaded(base))
    engine = engine_for(model, base, Path(setup["adapters"]), threads=setup["threads"])
    chance = random.Random(0)

    class InProcess(FakeEngine):
        """The engine without the hop over HTTP, which is the same for any number of versions."""

        async def info(self) -> EngineInfo:
            return engine.info

        async def load(self) -> EngineLoad:
            return engine.load

        async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
            return await asyncio.wrap_future(engine.submit(spec).answer)

        async def warm(self, adapter_digest: str) -> float:
            return engine.warm(adapter_digest)

    async def asked(texts: list[str], tokens: int, requests: int, asking: int) -> list[float]:
        seconds = []
        for number in range(requests):
            text = texts[number % len(texts)]
            ask = Ask(chance.choice(people[:asking]), text, temperature=0.0, max_tokens=tokens, seed=0)
            started = time.perf_counter()
            await service.rewrite(InProcess(), tenant_id, ask)
            seconds.append(time.perf_counter() - started)
        return seconds

    def answer(question: Message) -> Message:
        given = (question[name] for name in ("passages", "tokens", "requests", "asking"))
        return {"seconds": asyncio.run(asked(*given))}

    return answer, {"registered": len(people), "slots": engine.seats.bank.slots}


if __name__ == "__main__":
    serve(open_contestant)

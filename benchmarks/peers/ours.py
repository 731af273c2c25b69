"""Idiolect's own engine, as its server runs it: requests in from outside, its thread batches and answers."""

import time
from dataclasses import replace
from pathlib import Path

import torch

from app.config import get_settings
from app.inference.card import read_card
from app.inference.engine import Engine
from app.inference.loader import cache_bytes, served_rank
from app.inference.model import LlamaModel
from app.inference.threads import apart
from app.inference.tokens import Tokens
from app.inference.types import RewriteSpec
from app.storage import LocalStorage, Near
from benchmarks.common.worker import Answer, Message, serve

WAIT_S = 300


def open_engine(base: Path, adapters: Path, *, slots: int, threads: int, exact: bool = False) -> Engine:
    """An engine that runs, as the server builds it.

    With `exact` its model knows no end of text, so every row gets the tokens it asks for.
    """
    model = loaded(base)
    if exact:
        model = endless(model)
    return engine_for(model, base, adapters, slots=slots, threads=threads)


def loaded(base: Path) -> LlamaModel:
    return apart(lambda: LlamaModel.load(base, device=get_settings().device))


def endless(model: LlamaModel) -> LlamaModel:
    return replace(model, architecture=replace(model.architecture, stop_ids=frozenset()))


def engine_for(
    model: LlamaModel, base: Path, adapters: Path, *, threads: int, slots: int | None = None, rank: int | None = None
) -> Engine:
    """An engine that runs, and computes as the server's does: nobody beside it. Slots and rank are the server's unless
    said.
    """
    from app.inference.bank import Bank

    settings = get_settings()
    rank = served_rank(settings, model.architecture.parameters) if rank is None else rank
    slot = Bank.bytes_per_slot(model.architecture, rank, model.dtype)
    room = cache_bytes(settings, slot) if slots is None else slots * slot
    near = Near(LocalStorage.at(adapters))
    engine = Engine(model, Tokens.load(base), read_card(base), near, rank=rank, cache_bytes=room, threads=threads)
    engine.start()
    return engine


def spec(passage: str, digest: str | None, tokens: int | None, *, tenant: str = "") -> RewriteSpec:
    """One candidate, the likeliest words: what the others write too."""
    return RewriteSpec(text=passage, adapter_digest=digest, temperature=0.0, max_tokens=tokens, tenant_id=tenant)


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    torch.set_num_threads(1)  # here, before anything is computed: as in the server, nobody computes beside the engine
    base, adapters = Path(setup["base"]), Path(setup["adapters"])
    digests: list[str] = setup["digests"]
    model = loaded(base)
    options = {"threads": setup["threads"], "slots": len(digests), "rank": setup["slot_rank"]}
    engines = {True: engine_for(endless(model), base, adapters, **options)}

    def of_kind(is_endless: bool) -> Engine:
        """One at a time: two would take the cores from each other."""
        if is_endless not in engines:
            engines.popitem()[1].stop()
            engines[is_endless] = engine_for(endless(model) if is_endless else model, base, adapters, **options)
        return engines[is_endless]

    def write(question: Message) -> Message:
        tokens = question["tokens"]
        engine = of_kind(tokens is not None)
        specs = [
            spec(passage, None if adapter is None else digests[adapter], tokens)
            for passage, adapter in zip(question["passages"], question["adapters"], strict=True)
        ]
        started = time.perf_counter()
        tickets = [engine.submit(each) for each in specs]
        outcomes = [ticket.answer.result(WAIT_S) for ticket in tickets]
        return {
            "seconds": time.perf_counter() - started,
            "texts": [outcome.texts[0] for outcome in outcomes],
            "prompt_tokens": sum(outcome.prompt_tokens for outcome in outcomes),
            "completion_tokens": sum(outcome.completion_tokens for outcome in outcomes),
        }

    facts = {"dtype": str(model.dtype).removeprefix("torch."), "version": torch.__version__}
    return write, facts | {"slot_rank": of_kind(True).seats.bank.rank}


if __name__ == "__main__":
    serve(open_contestant)

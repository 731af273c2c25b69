"""Idiolect's own engine, as its server runs it: requests in from outside, its thread batches and answers."""

import time
from dataclasses import replace
from pathlib import Path

import torch

from app.inference.card import read_card
from app.inference.engine import Engine
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import RewriteSpec
from benchmarks.common.worker import Answer, Message, serve

WAIT_S = 300


def open_engine(base: Path, adapters: Path, *, slots: int, rank: int, exact: bool = False) -> Engine:
    """An engine that runs. With `exact` its model knows no end of text, so every row gets the tokens it asks for."""
    model = LlamaModel.load(base)
    if exact:
        model = endless(model)
    return engine_for(model, base, adapters, slots=slots, rank=rank)


def endless(model: LlamaModel) -> LlamaModel:
    return replace(model, architecture=replace(model.architecture, stop_ids=frozenset()))


def engine_for(model: LlamaModel, base: Path, adapters: Path, *, slots: int, rank: int) -> Engine:
    from app.inference.bank import Bank

    room = slots * Bank.bytes_per_slot(model.architecture, rank, model.dtype)
    engine = Engine(model, Tokens.load(base), read_card(base), adapters, rank=rank, cache_bytes=room)
    engine.start()
    return engine


def spec(passage: str, digest: str | None, tokens: int | None, *, tenant: str = "") -> RewriteSpec:
    """One candidate, the likeliest words: what the others write too."""
    return RewriteSpec(text=passage, adapter_digest=digest, temperature=0.0, max_tokens=tokens, tenant_id=tenant)


def open_contestant(setup: Message) -> tuple[Answer, Message]:
    torch.set_num_threads(setup["threads"])
    base, adapters = Path(setup["base"]), Path(setup["adapters"])
    digests: list[str] = setup["digests"]
    model = LlamaModel.load(base)
    options = {"slots": len(digests), "rank": setup["rank"]}
    engines = {
        True: engine_for(endless(model), base, adapters, **options),
        False: engine_for(model, base, adapters, **options),
    }

    def write(question: Message) -> Message:
        tokens = question["tokens"]
        engine = engines[tokens is not None]
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

    return write, {"dtype": str(model.dtype).removeprefix("torch."), "version": torch.__version__}


if __name__ == "__main__":
    serve(open_contestant)

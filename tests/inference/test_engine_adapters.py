"""Adapters in the engine: those that cannot be used fail alone, and slots go round."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from app.inference.engine import Engine
from app.inference.guide import Guide, Guides
from app.inference.model import LlamaModel
from app.inference.residency import Speaker
from app.inference.ticket import Ticket
from app.inference.types import EngineError, EngineLoad, RewriteSpec
from tests.inference.voices import WAIT_S, Gate, answer, together, voice


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
        ),
    ],
)
def test_adapters_go_through_one_slot_as_if_each_had_its_own(
    make_engine: Callable[..., Engine], make: Callable[..., Engine], tiny_base: Path, device: str
) -> None:
    """On a GPU by way of pinned memory, beside the processor's texts."""
    model = LlamaModel.load(tiny_base, device=device, dtype=torch.float32)
    written = []
    for engine in (make_engine(tiny_base, model, cache_bytes=1), make()):
        people = [voice(engine, seed) for seed in (1, 2, 3)]
        written.append([answer(engine, adapter_digest=digest, temperature=0).texts for digest in [*people, None] * 2])
    assert written[0] == written[1]
    assert written[0][:4] == written[0][4:]
    assert len(set(map(tuple, written[0]))) == 4


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", ""])
def test_an_unknown_adapter_is_refused(engine: Engine, digest: str) -> None:
    with pytest.raises(EngineError) as caught:
        answer(engine, adapter_digest=digest)
    assert caught.value.code == "unknown-adapter"


def test_a_bad_adapter_is_refused_and_nobody_else(engine: Engine) -> None:
    good, foreign = voice(engine, 1), voice(engine, 2, base="f" * 64)
    damaged, ruined = voice(engine, 3), voice(engine, 4)
    for digest, harm in ((damaged, lambda data: data[:-8] + b"\0" * 8), (ruined, lambda data: data[: len(data) // 2])):
        path = engine.seats.near.storage.folder / f"{digest}.safetensors"
        path.write_bytes(harm(path.read_bytes()))
    for digest in (foreign, damaged, ruined):
        with pytest.raises(EngineError) as caught:
            answer(engine, adapter_digest=digest)
        assert caught.value.code == "invalid-adapter"
    assert answer(engine, adapter_digest=good).texts


@dataclass
class Crowded:
    """An engine whose only slot is taken by `first`, who is being written for until the gate opens; `second` is not."""

    engine: Engine
    first: str
    second: str
    running: Ticket
    gate: Gate


@pytest.fixture
def crowded(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> Crowded:
    engine = make(cache_bytes=1)
    first, second = voice(engine, 1), voice(engine, 2)
    gate = Gate(monkeypatch)
    running = engine.submit(RewriteSpec("It rained all day.", first, max_tokens=6))
    gate.wait()
    return Crowded(engine, first, second, running, gate)


def test_an_adapter_that_spoils_while_it_waits_fails_its_own_request_only(crowded: Crowded) -> None:
    engine, first, second = crowded.engine, crowded.first, crowded.second
    spoiled, fine = (
        engine.submit(RewriteSpec("It rained all day.", digest, max_tokens=4)) for digest in (second, first)
    )
    engine.seats.shelf.forget([first, second])
    (engine.seats.near.storage.folder / f"{second}.safetensors").unlink()
    crowded.gate.open()
    assert crowded.running.answer.result(WAIT_S).texts
    assert fine.answer.result(WAIT_S).texts
    with pytest.raises(EngineError) as caught:
        spoiled.answer.result(WAIT_S)
    assert caught.value.code == "unknown-adapter"


def test_a_request_that_cannot_be_begun_fails_alone_and_pins_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, guide = voice(engine, 1), Guides.of

    def failing(guides: Guides, text: str) -> Guide:
        if "secret" in text:
            raise MemoryError(text)
        return guide(guides, text)

    monkeypatch.setattr(Guides, "of", failing)
    texts = ["It rained all day.", "It is a secret.", "It rained all day.", "It snowed all day."]
    fine, failed, *rest = together(engine, [RewriteSpec(text, digest, n=2, max_tokens=4) for text in texts])
    for ticket in (fine, *rest):
        assert ticket.answer.result(WAIT_S).texts
    with pytest.raises(EngineError, match="MemoryError") as caught:
        failed.answer.result(WAIT_S)
    assert caught.value.code == "unavailable"
    assert "secret" not in str(caught.value)
    assert engine.load == EngineLoad(0, 0)
    assert not engine.seats.residency._users


def test_more_people_than_slots_are_served_in_turn(make: Callable[..., Engine]) -> None:
    engine = make(cache_bytes=1)
    assert engine.seats.bank.slots == 1
    digests = [voice(engine, seed) for seed in range(4)]
    tickets = together(engine, [RewriteSpec("It rained all day.", digest, max_tokens=4) for digest in digests * 2])
    texts = [ticket.answer.result(WAIT_S).texts for ticket in tickets]
    assert texts[:4] == texts[4:]


def test_an_adapter_whose_numbers_explode_fails_alone(engine: Engine) -> None:
    wild, tame = voice(engine, 1, size=1e20), voice(engine, 2)
    alone = answer(engine, adapter_digest=tame, seed=3).texts
    batch = together(
        engine,
        [RewriteSpec("The parcel arrived on Friday.", digest, max_tokens=12, seed=3) for digest in (None, wild, tame)],
    )
    with pytest.raises(EngineError, match="not finite") as caught:
        batch[1].answer.result(WAIT_S)
    assert caught.value.code == "invalid-adapter"
    assert batch[0].answer.result(WAIT_S).texts
    assert batch[2].answer.result(WAIT_S).texts == alone


def test_warming_says_so_when_a_batch_uses_every_slot(crowded: Crowded) -> None:
    with pytest.raises(EngineError) as caught:
        crowded.engine.warm(crowded.second)
    assert caught.value.code == "busy"
    crowded.gate.open()
    crowded.running.answer.result(WAIT_S)
    assert crowded.engine.warm(crowded.second) > 0


def test_what_is_forgotten_leaves_nothing_in_memory(crowded: Crowded) -> None:
    engine, first = crowded.engine, crowded.first
    engine.seats.forget([first, "0" * 64])
    assert engine.seats.residency.resident == [Speaker(first)], "it is being written with"
    crowded.gate.open()
    assert crowded.running.answer.result(WAIT_S).texts
    answer(engine, adapter_digest=crowded.second)
    engine.seats.forget([crowded.second])
    assert not engine.seats.shelf.digests
    assert not engine.seats.residency.resident
    assert not any(tensor.any() for half in (engine.seats.bank.down, engine.seats.bank.up) for tensor in half.values())
    assert answer(engine, adapter_digest=first).texts


def test_warming_loads_once(engine: Engine) -> None:
    digest = voice(engine, 1)
    assert engine.warm(digest) > 0
    assert engine.seats.residency.resident == [Speaker(digest)]
    assert answer(engine, adapter_digest=digest).texts

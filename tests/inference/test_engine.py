from collections.abc import Iterator
from pathlib import Path

import pytest

from app.inference import adapter_file
from app.inference.card import read_card
from app.inference.engine import Engine
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import EngineError, RewriteOutcome, RewriteSpec
from tests.inference.test_bank import adapter

WAIT_S = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def engine(tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, folder: Path) -> Iterator[Engine]:
    engine = Engine(tiny_model, tiny_tokens, read_card(tiny_base), folder, rank=8, max_queue_rows=64)
    engine.start()
    yield engine
    engine.stop()


def stored(engine: Engine, seed: int, *, base_digest: str | None = None) -> str:
    made = adapter(engine.model, 4, seed)
    data = adapter_file.pack(
        adapter_file.Adapter(made.rank, made.alpha, base_digest or engine.card.digest, made.down, made.up)
    )
    digest = adapter_file.digest_of(data)
    (engine.adapters / f"{digest}.safetensors").write_bytes(data)
    return digest


def answer(engine: Engine, **spec: object) -> RewriteOutcome:
    given = {"text": "The parcel arrived on Friday.", "max_tokens": 12} | spec
    return engine.submit(RewriteSpec(**given)).answer.result(WAIT_S)  # type: ignore[arg-type]


def test_the_same_seed_writes_the_same_and_another_one_something_else(engine: Engine) -> None:
    first, again, other = (answer(engine, seed=seed, temperature=1.0) for seed in (1, 1, 2))
    assert first.texts == again.texts
    assert first.texts != other.texts


def test_people_in_one_batch_get_what_they_get_alone(engine: Engine) -> None:
    digests: list[str | None] = [None, stored(engine, 1), stored(engine, 2)]
    alone = [answer(engine, adapter_digest=digest, seed=5).texts for digest in digests]
    tickets = [
        engine.submit(RewriteSpec("The parcel arrived on Friday.", digest, max_tokens=12, seed=5)) for digest in digests
    ]
    assert [ticket.answer.result(WAIT_S).texts for ticket in tickets] == alone
    assert len({tuple(texts) for texts in alone}) == 3


def test_a_long_text_keeps_its_paragraphs(engine: Engine) -> None:
    sentence = "One two three four five six seven eight nine ten. "
    outcome = answer(engine, text=f"{sentence * 6}\n\n{sentence}", n=2, max_tokens=6)
    assert len(outcome.texts) == 2
    for text in outcome.texts:
        assert text.count("\n\n") == 1


def test_what_comes_out_empty_stays_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokens, "text", lambda self, ids: " ")
    outcome = answer(engine)
    assert outcome.texts == ["The parcel arrived on Friday."]
    assert outcome.finish == ["empty"]


def test_a_blank_text_needs_no_model(engine: Engine) -> None:
    assert answer(engine, text=" \n").texts == [" \n"]


def test_the_answer_names_adapter_base_and_time(engine: Engine) -> None:
    digest = stored(engine, 3)
    outcome = answer(engine, adapter_digest=digest)
    assert (outcome.adapter_digest, outcome.base_digest) == (digest, engine.card.digest)
    assert outcome.prompt_tokens > 0
    assert outcome.completion_tokens > 0
    assert {"queue", "load", "generate"} <= set(outcome.timing)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", ""])
def test_an_unknown_adapter_is_refused(engine: Engine, digest: str) -> None:
    with pytest.raises(EngineError) as caught:
        answer(engine, adapter_digest=digest)
    assert caught.value.code == "unknown-adapter"


def test_a_bad_adapter_fails_its_own_request_only(engine: Engine) -> None:
    good, foreign = stored(engine, 1), stored(engine, 2, base_digest="f" * 64)
    damaged = stored(engine, 3)
    path = engine.adapters / f"{damaged}.safetensors"
    path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8)
    tickets = {
        digest: engine.submit(RewriteSpec("It rained.", digest, max_tokens=4)) for digest in (foreign, good, damaged)
    }
    assert tickets[good].answer.result(WAIT_S).texts
    for digest in (foreign, damaged):
        with pytest.raises(EngineError) as caught:
            tickets[digest].answer.result(WAIT_S)
        assert caught.value.code == "invalid-adapter"
    assert answer(engine, adapter_digest=good).texts


def test_more_people_than_slots_are_served_in_turn(
    tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, folder: Path
) -> None:
    engine = Engine(tiny_model, tiny_tokens, read_card(tiny_base), folder, rank=8, cache_bytes=1)
    assert engine.bank.slots == 1
    engine.start()
    digests = [stored(engine, seed) for seed in range(4)]
    tickets = [engine.submit(RewriteSpec("It rained.", digest, max_tokens=4)) for digest in digests * 2]
    texts = [ticket.answer.result(WAIT_S).texts for ticket in tickets]
    assert texts[:4] == texts[4:]
    engine.stop()


def test_a_prompt_beyond_the_context_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError) as caught:
        answer(engine, text="x" * 4000)
    assert caught.value.code == "too-long"


def test_a_full_queue_says_so(tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, folder: Path) -> None:
    engine = Engine(tiny_model, tiny_tokens, read_card(tiny_base), folder, rank=8, max_queue_rows=2)
    engine.submit(RewriteSpec("It rained.", n=2))
    with pytest.raises(EngineError) as caught:
        engine.submit(RewriteSpec("It rained."))
    assert caught.value.code == "busy"
    assert engine.load.waiting == 2


def test_stopping_answers_whoever_still_waits(
    tiny_base: Path, tiny_model: LlamaModel, tiny_tokens: Tokens, folder: Path
) -> None:
    engine = Engine(tiny_model, tiny_tokens, read_card(tiny_base), folder, rank=8)
    ticket = engine.submit(RewriteSpec("It rained.", n=2))
    engine._is_stopping = True
    engine.start()
    with pytest.raises(EngineError, match="shutting down"):
        ticket.answer.result(WAIT_S)
    engine.stop()


def test_warming_loads_once(engine: Engine) -> None:
    digest = stored(engine, 1)
    assert engine.warm(digest) > 0
    assert engine.residency.resident == [digest]
    assert answer(engine, adapter_digest=digest).texts

import random
import threading
import time
from collections.abc import Callable

import pytest

from app.inference.engine import Engine
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import EngineError, EngineLoad, RewriteSpec
from tests.inference.voices import WAIT_S, Gate, answer, together, voice


def test_the_same_seed_writes_the_same_and_another_one_something_else(engine: Engine) -> None:
    first, again, other = (answer(engine, seed=seed, temperature=1.0) for seed in (1, 1, 2))
    assert first.texts == again.texts
    assert first.texts != other.texts


@pytest.mark.parametrize("temperature", [1e-38, 5e-324, 0.00009])
def test_next_to_no_temperature_is_none(engine: Engine, temperature: float) -> None:
    greedy, cold = (answer(engine, temperature=each, candidates=3, wants_logprobs=True) for each in (0.0, temperature))
    assert cold.texts == greedy.texts
    assert cold.logprobs == greedy.logprobs
    assert cold.completion_tokens == greedy.completion_tokens


def test_people_in_one_batch_get_what_they_get_alone(engine: Engine) -> None:
    digests: list[str | None] = [None, voice(engine, 1), voice(engine, 2)]
    alone = [answer(engine, adapter_digest=digest, seed=5).texts for digest in digests]
    tickets = together(
        engine, [RewriteSpec("The parcel arrived on Friday.", digest, max_tokens=12, seed=5) for digest in digests]
    )
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
    digest = voice(engine, 3)
    outcome = answer(engine, adapter_digest=digest)
    assert (outcome.adapter_digest, outcome.base_digest) == (digest, engine.card.digest)
    assert outcome.prompt_tokens > 0
    assert outcome.completion_tokens > 0
    assert {"queue", "load", "generate"} <= set(outcome.timing)


def test_requests_join_while_others_write(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = RewriteSpec("It rained all day.", max_tokens=3, seed=2)
    alone = engine.submit(quick).answer.result(WAIT_S).texts
    gate = Gate(monkeypatch)
    long = engine.submit(RewriteSpec("The parcel arrived on Friday.", max_tokens=400, temperature=0.0))
    gate.wait()
    late = engine.submit(quick)
    gate.open()
    assert late.answer.result(WAIT_S).texts == alone
    assert not long.answer.done()
    long.cancel()


def test_a_prompt_beyond_the_context_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError) as caught:
        answer(engine, text="x" * 4000)
    assert caught.value.code == "too-long"


def test_a_full_queue_says_so(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    engine, gate = make(max_queue_rows=2), Gate(monkeypatch)
    engine.submit(RewriteSpec("It rained all day.", max_tokens=400))
    gate.wait()
    engine.submit(RewriteSpec("It rained all day.", n=2))
    with pytest.raises(EngineError, match="2 rows are waiting") as caught:
        engine.submit(RewriteSpec("It rained all day."))
    assert caught.value.code == "busy"
    assert engine.load == EngineLoad(waiting=2, running=1)
    gate.open()


def test_a_text_of_more_passages_than_the_queue_holds_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError, match="33 passages, each 2 times, are 66 to be written; 64 are taken") as caught:
        answer(engine, text="a\nb\nc\n" * 11, n=2)
    assert caught.value.code == "too-many"
    with pytest.raises(EngineError, match="66 passages") as caught:
        answer(engine, text="a\nb\nc\n" * 22)
    assert caught.value.code == "too-long"


def test_a_long_text_may_take_several_batches(make: Callable[..., Engine]) -> None:
    text = "\n".join(f"Line {i} of many." for i in range(7))
    few, many = (answer(make(max_batch_rows=rows), text=text, n=2, seed=8).texts for rows in (3, 32))
    assert few == many
    assert [text.count("\n") for text in few] == [6, 6]


def test_a_failure_of_the_model_is_told_and_survived(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room for: The parcel arrived on Friday.")

    with monkeypatch.context() as patch:
        patch.setattr(LlamaModel, "run", broken)
        with pytest.raises(EngineError, match="MemoryError") as caught:
            answer(engine)
    assert caught.value.code == "unavailable"
    assert "parcel" not in str(caught.value)
    assert answer(engine).texts


def test_a_batch_that_nobody_waits_for_ends_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    tickets = together(engine, [RewriteSpec("It rained all day.", n=2, max_tokens=400)] * 2)
    gate.wait()
    for ticket in tickets:
        ticket.cancel()
    gate.open()
    assert answer(engine, max_tokens=2).texts
    assert gate.passes <= 3 + 2 + 2
    assert engine.load == EngineLoad(0, 0)


def test_a_cancelled_request_does_not_disturb_the_one_beside_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = RewriteSpec("It rained all day.", max_tokens=8, seed=4)
    alone = engine.submit(spec).answer.result(WAIT_S).texts
    gate = Gate(monkeypatch)
    stays, goes = together(engine, [spec, spec])
    gate.wait()
    goes.cancel()
    gate.open()
    assert stays.answer.result(WAIT_S).texts == alone
    assert goes.answer.cancelled()


def test_stopping_answers_whoever_waits_or_is_written_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    running = engine.submit(RewriteSpec("It rained all day.", max_tokens=400))
    gate.wait()
    waiting = engine.submit(RewriteSpec("It rained all day.", n=2))
    stopper = threading.Thread(target=engine.stop)
    stopper.start()
    while not engine._is_stopping:
        time.sleep(0.001)
    gate.open()
    stopper.join(WAIT_S)
    for ticket in (running, waiting):
        with pytest.raises(EngineError, match="shutting down"):
            ticket.answer.result(0)
    assert gate.passes == 3
    with pytest.raises(EngineError, match="shutting down"):
        engine.submit(RewriteSpec("It rained all day."))
    assert not engine.is_alive


def test_it_says_what_it_is(engine: Engine, tiny_digest: str) -> None:
    assert (engine.info.base_digest, engine.info.context_tokens, engine.info.device) == (tiny_digest, 512, "cpu")
    assert engine.load == EngineLoad(0, 0)
    assert engine.is_alive


def test_log_probabilities_tell_every_token(engine: Engine) -> None:
    outcome = answer(engine, n=2, seed=3, temperature=1.0, wants_logprobs=True)
    assert outcome.logprobs is not None
    assert sum(map(len, outcome.logprobs)) == outcome.completion_tokens
    for text, tokens in zip(outcome.texts, outcome.logprobs, strict=True):
        assert all(value <= 0 for _, value in tokens)
        words = [token.strip() for token, _ in tokens if token.strip().isalnum()]
        assert words
        assert all(word in text for word in words)
    assert answer(engine, seed=3).logprobs is None


def test_writing_stops_at_a_text_that_is_asked_for(engine: Engine) -> None:
    whole = answer(engine, seed=3, temperature=1.0, max_tokens=60)
    word = whole.texts[0].split()[2]
    cut = answer(engine, seed=3, temperature=1.0, max_tokens=60, stop=[word])
    assert cut.texts[0] == whole.texts[0][: whole.texts[0].index(word)].rstrip()
    assert cut.completion_tokens < whole.completion_tokens


@pytest.mark.slow
def test_nobody_hears_anybody_else(engine: Engine) -> None:
    """In float32 a request writes the same tokens alone and among others, whoever they are."""
    chance = random.Random(0)
    digests = [None, *(voice(engine, seed) for seed in range(5))]
    texts = ["It rained all day.", "The parcel arrived on Friday, which surprised us all.", "No.\n\nPerhaps later."]
    spec = RewriteSpec(texts[1], digests[2], n=2, max_tokens=24, seed=11, candidates=2)
    alone = engine.submit(spec).answer.result(WAIT_S).texts
    for _ in range(20):
        others = [
            RewriteSpec(
                chance.choice(texts),
                chance.choice(digests),
                n=chance.randint(1, 2),
                temperature=chance.choice([0.0, 0.7, 1.2]),
                top_p=chance.choice([0.9, 1.0]),
                max_tokens=chance.randint(1, 30),
                seed=chance.randint(0, 99),
                tenant_id=chance.choice("ab"),
                candidates=chance.randint(1, 3),
            )
            for _ in range(chance.randint(1, 8))
        ]
        place = chance.randint(0, len(others))
        tickets = together(engine, [*others[:place], spec, *others[place:]])
        assert tickets[place].answer.result(WAIT_S).texts == alone
        for ticket in tickets:
            ticket.answer.result(WAIT_S)

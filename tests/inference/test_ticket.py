import pytest

from app.inference.passages import split
from app.inference.ticket import Ticket, TicketRow
from app.inference.types import EngineError, RewriteSpec


def ticket(text: str = "One.\n\nTwo.", **spec: object) -> Ticket:
    return Ticket(RewriteSpec(text, **spec), split(text, 40), 10, "b" * 64)  # type: ignore[arg-type]


def test_it_answers_when_the_last_passage_of_the_last_sample_is_there() -> None:
    asked = ticket(n=2)
    for number, (sample, passage) in enumerate([(1, 1), (0, 0), (1, 0), (0, 1)]):
        asked.answer_if_done()
        assert not asked.answer.done(), number
        asked.write(sample, passage, f"Rewritten: {sample}{passage}", 3, is_finished=True)
    asked.answer_if_done()
    outcome = asked.answer.result(0)
    assert outcome.texts == ["00\n\n01", "10\n\n11"]
    assert outcome.finish == ["stop", "stop"]
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (10, 12)


@pytest.mark.parametrize(
    ("completion", "text", "finish"),
    [
        ("Rewritten: Hello  there.\n", "Hello there.", "stop"),
        ("Hello there.", "Hello there.", "stop"),
        ("Hello. Rewritten: no.", "Hello. Rewritten: no.", "stop"),
        ("Rewritten: ", "One.", "empty"),
        ("Rewritten:", "One.", "empty"),
        (" \n", "One.", "empty"),
    ],
)
def test_only_the_prefix_is_taken_off_and_silence_leaves_the_passage(completion: str, text: str, finish: str) -> None:
    asked = ticket("One.")
    asked.write(0, 0, completion, 3, is_finished=True)
    asked.answer_if_done()
    assert asked.answer.result(0).texts == [text]
    assert asked.answer.result(0).finish == [finish]


@pytest.mark.parametrize(
    ("second", "is_finished", "finish"), [("Rewritten: x", False, "length"), ("", True, "empty"), ("x", True, "stop")]
)
def test_the_worst_end_of_its_passages_is_the_end_of_a_text(second: str, is_finished: bool, finish: str) -> None:
    asked = ticket()
    asked.write(0, 0, "Rewritten: fine", 3, is_finished=True)
    asked.write(0, 1, second, 3, is_finished=is_finished)
    asked.answer_if_done()
    assert asked.answer.result(0).finish == [finish]


def test_time_in_several_batches_adds_up() -> None:
    asked = ticket("One.")
    asked.started(asked.queued_at + 1.5)
    asked.started(asked.queued_at + 9)
    for _ in range(2):
        asked.spent({"load": 2.0, "generate": 10.0})
    asked.write(0, 0, "x", 1, is_finished=True)
    asked.answer_if_done()
    assert asked.answer.result(0).timing == {"queue": 1500.0, "load": 4.0, "generate": 20.0}


def test_whoever_cancelled_hears_nothing_more() -> None:
    asked = ticket("One.")
    asked.cancel()
    asked.write(0, 0, "x", 1, is_finished=True)
    asked.answer_if_done()
    asked.fail(EngineError("timeout", "too late"))
    assert asked.answer.cancelled()


def test_every_passage_of_every_sample_has_a_stream_of_chance_of_its_own() -> None:
    asked, again = ticket(seed=7), ticket(seed=7)
    places = [(sample, passage) for sample in range(4) for passage in range(4)]
    seeds = [TicketRow(asked, *place, [1], 1).seed for place in places]
    assert len(set(seeds)) == len(seeds)
    assert seeds == [TicketRow(again, *place, [1], 1).seed for place in places]
    assert seeds[0] == 1917302073

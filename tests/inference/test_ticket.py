import time

import pytest

from app.inference.candidates import Candidate
from app.inference.passages import split
from app.inference.ticket import Ticket, TicketRow, by_prompt, first_stop
from app.inference.types import EngineError, Heard, RewriteSpec

DINNER = "Maria is having a dinner on Friday."
LINES = "This is one of my lines.\n\nThis is another of my lines."
"""Too long to be a greeting or the like, of which little can be made."""


def ticket(text: str = "One.\n\nTwo.", *, candidates: int = 1, **spec: object) -> Ticket:
    return Ticket(RewriteSpec(text, **spec), split(text, 40), 10, "b" * 64, candidates)  # type: ignore[arg-type]


def written(asked: Ticket, texts: dict[int, str]) -> tuple[str, float, list[str]] | None:
    """What is answered once these candidates are there; None if others are waited for."""
    for candidate, text in texts.items():
        asked.write(0, 0, f"Rewritten: {text}", 3, is_finished=True, candidate=candidate)
    asked.answer_if_done()
    if not asked.answer.done():
        return None
    outcome = asked.answer.result(0)
    return outcome.texts[0], outcome.faithfulness[0], outcome.lost[0]


def test_it_answers_when_the_last_passage_of_the_last_sample_is_there() -> None:
    asked = ticket(LINES, n=2)
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
        ("Rewritten: ", DINNER, "empty"),
        ("Rewritten:", DINNER, "empty"),
        (" \n", DINNER, "empty"),
    ],
)
def test_only_the_prefix_is_taken_off_and_silence_leaves_the_passage(completion: str, text: str, finish: str) -> None:
    asked = ticket(DINNER)
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


def test_time_until_the_first_row_is_queueing_and_loading_adds_up() -> None:
    asked = ticket("One.")
    asked.started(asked.queued_at + 1.5, 2.0)
    asked.started(asked.queued_at + 9, 2.0)
    asked.started_at = time.monotonic() - 1
    asked.write(0, 0, "x", 1, is_finished=True)
    asked.answer_if_done()
    timing = asked.answer.result(0).timing
    assert (timing["queue"], timing["load"]) == (1500.0, 4.0)
    assert 996 <= timing["generate"] < 2000


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


def test_the_first_faithful_candidate_is_taken_whichever_is_written_first() -> None:
    loud, plain = "maria has a dinner on friday!!", "Maria is having a dinner on Friday."
    assert written(ticket(DINNER, candidates=3), {0: loud}) == (loud, 1.0, [])
    assert written(ticket(DINNER, candidates=3), {1: plain}) is None
    assert written(ticket(DINNER, candidates=3), {1: plain, 0: loud}) == (loud, 1.0, [])
    assert written(ticket(DINNER, candidates=3), {0: "Mother has a dinner on Friday.", 1: loud}) == (loud, 1.0, [])


def test_a_copy_is_taken_only_if_nothing_else_is_faithful() -> None:
    loud, worse = "maria has a dinner on friday!!", "Mother has a dinner."
    assert written(ticket(DINNER, candidates=3), {0: DINNER}) is None
    assert written(ticket(DINNER, candidates=3), {0: DINNER, 1: worse, 2: loud}) == (loud, 1.0, [])
    assert written(ticket(DINNER, candidates=3), {0: worse, 1: f" {DINNER}", 2: worse}) == (DINNER, 1.0, [])


def test_without_a_faithful_one_the_most_faithful_is_taken_and_says_what_it_lost() -> None:
    worst, bad, as_bad = "Mother has a dinner.", "Mother has a dinner on Friday.", "Marie has dinner on Friday."
    assert written(ticket(DINNER, candidates=3), {0: worst, 1: bad}) is None
    text, score, gone = written(ticket(DINNER, candidates=3), {0: worst, 1: bad, 2: as_bad}) or ("", 1.0, [])
    assert (text, gone) == (bad, ["Maria"])
    assert 0 < score < 1
    assert written(ticket(DINNER, candidates=2), {0: "", 1: worst}) == (worst, 1 / 3, ["Maria", "Friday"])
    assert written(ticket(DINNER, candidates=2), {0: "", 1: " "}) == (DINNER, 0.0, [])


def test_a_text_is_as_faithful_as_its_worst_passage_and_lists_what_all_have_lost() -> None:
    asked = ticket("Please call Maria at home tonight.\n\nThen ask Tom and Maria as well.")
    asked.write(0, 0, "Rewritten: call maria at home tonight", 3, is_finished=True)
    asked.write(0, 1, "Rewritten: then ask the guys too", 3, is_finished=True)
    asked.answer_if_done()
    outcome = asked.answer.result(0)
    assert outcome.faithfulness == [pytest.approx(1 / 3)]
    assert outcome.lost == [["Tom", "Maria"]]


def test_a_candidate_is_due_when_its_forerunners_failed_and_unwanted_when_one_did_not() -> None:
    asked = ticket(DINNER, candidates=3)
    rows = [TicketRow(asked, 0, 0, [1], 1, candidate) for candidate in range(3)]
    assert [row.is_due for row in rows] == [True, False, False]
    rows[0].write("Rewritten: Mother is out.", 5, is_finished=True)
    assert [row.is_due for row in rows] == [True, True, False]
    assert not any(row.is_cancelled for row in rows)
    rows[1].write("Rewritten: " + DINNER.lower(), 5, is_finished=True)
    assert all(row.is_cancelled for row in rows)
    assert asked.completion_tokens == 10


def test_every_candidate_has_a_stream_of_chance_and_the_first_that_of_a_single_one() -> None:
    asked = ticket(seed=7, candidates=4)
    seeds = [TicketRow(asked, 0, 0, [1], 1, candidate).seed for candidate in range(4)]
    assert len(set(seeds)) == 4
    assert seeds[0] == TicketRow(ticket(seed=7), 0, 0, [1], 1).seed


def test_rows_of_a_passage_share_its_prompt() -> None:
    first, second = ticket(n=2, candidates=2), ticket()
    rows = [TicketRow(first, sample, place, [1], 1, c) for c in range(2) for sample in range(2) for place in range(2)]
    groups = by_prompt([*rows, TicketRow(second, 0, 0, [1], 1)])
    assert [{(row.ticket, row.passage) for row in group} for group in groups] == [
        {(first, 0)},
        {(first, 1)},
        {(second, 0)},
    ]
    assert [len(group) for group in groups] == [4, 4, 1]


def test_a_text_ends_before_the_first_stop_and_nothing_follows_it() -> None:
    asked = ticket(f"{LINES}\n\nThree.\n", stop=["END", "ten"])
    for passage, text in enumerate(("one", "two END three", "three")):
        asked.write(0, passage, f"Rewritten: {text}", 3, is_finished=False)
    asked.answer_if_done()
    outcome = asked.answer.result(0)
    assert outcome.texts == ["one\n\ntwo"]
    assert outcome.finish == ["length"]
    assert outcome.logprobs is None


def test_a_stop_ends_a_greeting_too_and_at_once() -> None:
    asked = ticket("Dear parents,\n\nHello.", stop=["END"])
    asked.write(0, 0, "Rewritten: parents END", 3, is_finished=True)
    asked.answer_if_done()
    assert asked.answer.done() is False
    asked.write(0, 1, "Rewritten: hello", 3, is_finished=True)
    asked.answer_if_done()
    assert asked.answer.result(0).texts == ["parents"]

    asked = ticket("Dear parents,", stop=["dear"])
    asked.write(0, 0, "Rewritten: dear parents", 3, is_finished=True)
    asked.answer_if_done()
    assert (asked.answer.result(0).texts, asked.answer.result(0).finish) == ([""], ["stop"])


def test_a_greeting_that_went_wrong_has_no_log_probabilities() -> None:
    asked = ticket("Dear parents,", wants_logprobs=True)
    asked.write(0, 0, "Rewritten: trousers", 1, is_finished=True, logprobs=[("trousers", -1.0)])
    asked.answer_if_done()
    assert (asked.answer.result(0).texts, asked.answer.result(0).logprobs) == (["Dear parents,"], [[]])


def test_the_prefix_is_no_place_to_stop() -> None:
    assert first_stop("Rewritten: it is written", ("ten",)) == len("Rewritten: it is writ")
    assert first_stop("Rewritten: it is", ("Rewritten",)) is None
    assert first_stop("so it is. End", ("End", "is")) == 6
    assert first_stop("Rewritten: rewritten: it", ("ten", ":")) is None


def test_whoever_listens_hears_no_more_than_the_answer_after_a_stop() -> None:
    heard = list[Heard]()
    asked = ticket(LINES, stop=["!"])
    asked.tell = heard.append
    asked.draft(0, 0, "Rewritten: on")
    asked.write(0, 1, "Rewritten: two", 3, is_finished=True)
    asked.write(0, 0, "Rewritten: one!", 3, is_finished=False)
    asked.answer_if_done()
    assert asked.answer.result(0).texts == ["one"]
    assert [news.text for news in heard] == ["on", "e"]


def test_log_probabilities_are_those_of_the_candidate_that_is_taken() -> None:
    asked = ticket(DINNER, candidates=2, wants_logprobs=True)
    asked.write(0, 0, "Rewritten: no", 1, is_finished=True, candidate=0, logprobs=[("no", -1.0)])
    asked.write(0, 0, f"Rewritten: {DINNER.lower()}", 1, is_finished=True, candidate=1, logprobs=[("maria", -0.5)])
    asked.answer_if_done()
    assert asked.answer.result(0).logprobs == [[("maria", -0.5)]]


def test_a_text_that_cannot_be_taken_fails_its_own_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, beside = ticket(DINNER), ticket(DINNER)
    rows = [TicketRow(each, 0, 0, [1], 1) for each in (asked, beside)]
    with monkeypatch.context() as broken:
        broken.setattr(Candidate, "of", 1)
        rows[0].write("Rewritten: x", 1, is_finished=True)
    rows[1].write("Rewritten: " + DINNER.lower(), 1, is_finished=True)
    beside.answer_if_done()
    assert beside.answer.result(0).texts == [DINNER.lower()]
    assert asked.is_cancelled
    with pytest.raises(EngineError, match="TypeError"):
        asked.answer.result(0)

"""What a listener hears always adds up to the text that is taken."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inference.passages import split
from app.inference.telling import Telling
from app.inference.types import Heard

LINE = "This is one of the lines."


def added_up(heard: list[Heard], sample: int = 0) -> str:
    text = ""
    for news in heard:
        if news.sample == sample:
            text = news.text if news.is_replacement else text + news.text
    return text


def test_a_passage_is_heard_as_it_grows_without_its_prefix() -> None:
    telling = Telling(split(LINE, 40))
    assert telling.draft(0, 0, "Rewr") == []
    assert telling.draft(0, 0, "Rewritten:") == []
    assert telling.draft(0, 0, "Rewritten: one") == [Heard(0, "one")]
    assert telling.draft(0, 0, "Rewritten: one  tw") == [Heard(0, " tw")]
    assert telling.draft(0, 0, "Rewritten: one  two \ufffd\ufffd") == [Heard(0, "o")]
    assert telling.settle(0, 0, "one two 🌱") == [Heard(0, " 🌱")]


def test_a_completion_without_the_prefix_is_heard_too() -> None:
    telling = Telling(split(LINE, 40))
    assert telling.draft(0, 0, "Hello") == [Heard(0, "Hello")]


def test_a_mark_that_may_have_to_give_way_is_heard_last() -> None:
    telling = Telling(split(LINE, 40))
    assert telling.draft(0, 0, "Rewritten: parents.") == [Heard(0, "parents")]
    assert telling.settle(0, 0, "parents,") == [Heard(0, ",")]


@pytest.mark.parametrize(
    "completion", ["", "Rewr", "Rewritten", "Rewritten: ", "Rewritten: rewr", "rewritten:", " Rewritten:Rewritten: "]
)
def test_the_prefix_is_not_heard_however_it_is_written(completion: str) -> None:
    assert Telling(split(LINE, 40)).draft(0, 0, completion) == []


def test_of_a_greeting_only_the_end_is_heard() -> None:
    telling = Telling(split(f"Dear parents,\n\n{LINE}", 40))
    assert telling.draft(0, 0, "Rewritten: Dear parents; nonetheless") == []
    assert telling.draft(0, 1, "Rewritten: this") == []
    assert telling.settle(0, 0, "hi parents,") == [Heard(0, "hi parents,\n\nthis")]


def test_another_candidate_takes_the_place_of_what_was_heard() -> None:
    telling = Telling(split(LINE, 40))
    telling.draft(0, 0, "Rewritten: wrong")
    assert telling.settle(0, 0, "right") == [Heard(0, "right", is_replacement=True)]


def test_passages_are_heard_in_order_with_the_white_space_of_the_original() -> None:
    telling = Telling(split(f"  {LINE}\n\n{LINE}\n", 40))
    heard = telling.draft(0, 1, "Rewritten: two") + telling.settle(0, 1, "two!")
    assert heard == []
    heard = telling.draft(0, 0, "Rewritten: on")
    assert heard == [Heard(0, "  on")]
    assert telling.settle(0, 0, "one") == [Heard(0, "e\n\ntwo!\n")]


completions = st.lists(st.text("abR :\n", max_size=3), max_size=6)


@pytest.mark.parametrize("text", [f"{LINE}\n\n{LINE}", LINE, f"Dear all,\n\n{LINE}"])
@settings(deadline=None)
@given(st.data())
def test_what_is_heard_adds_up_to_what_is_taken(text: str, data: st.DataObject) -> None:
    passages = split(text, 40)
    telling, taken, heard = Telling(passages), {}, list[Heard]()
    places = [(sample, passage) for sample in range(2) for passage in range(len(passages.passages))]
    for sample, passage in data.draw(st.permutations(places)):
        written = ""
        for piece in data.draw(completions):
            written += piece
            heard += telling.draft(sample, passage, written)
        taken[sample, passage] = data.draw(st.sampled_from(["a", "ab b", " ".join(written.split()) or "c"]))
        heard += telling.settle(sample, passage, taken[sample, passage])
    for sample in range(2):
        texts = [taken[sample, passage] for passage in range(len(passages.passages))]
        assert added_up(heard, sample) == passages.join(texts)


def test_a_stop_at_the_beginning_of_a_passage_leaves_no_white_space_behind() -> None:
    telling = Telling(split(f"{LINE}\n\n{LINE}", 40))
    heard = telling.settle(0, 0, "One.")
    heard += telling.settle(0, 1, "", is_last=True)
    assert added_up(heard) == "One."

"""What stands in another text, whatever marks either has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.quoting import TELLING_LETTERS, Phrases, bare, letters, sentences
from tests.timing import worked_within

FERRY = "The ferry to Malmö leaves at noon, doesn’t it?"


@pytest.mark.parametrize(
    "text",
    [
        FERRY,
        FERRY.upper(),
        "So the ferry to Malmö leaves at noon; doesn't it",
        "“The ferry\nto Malmo\u0308 leaves — at noon — doesn’t it?” she said",
    ],
)
def test_marks_case_and_spacing_hide_nothing(text: str) -> None:
    assert Phrases([FERRY]).quoted_in(bare(text)) == {letters(FERRY)}


def test_a_text_with_another_word_is_another() -> None:
    assert not Phrases([FERRY]).quoted_in(bare("The ferry to Malmö leaves at one, doesn’t it?"))


def test_a_short_text_stands_only_where_its_words_do() -> None:
    short = Phrases(["So we go!"])
    assert short.quoted_in(bare("And so, we go.")) == {"sowego"}
    assert not short.quoted_in(bare("We also we got it."))
    assert not short.long_in(bare("So we go!"))


def test_sentences_are_those_that_are_long_enough_to_tell() -> None:
    assert sentences(f"Oh no! {FERRY} (It was never, ever late before.) Bye.") == [
        letters(FERRY),
        "itwasnevereverlatebefore",
    ]


@given(st.text("ab ", max_size=80), st.integers(0, 60), st.integers(TELLING_LETTERS, 40))
def test_a_long_text_is_found_wherever_it_stands(text: str, start: int, length: int) -> None:
    said = letters(text)
    phrases = {said[start : start + length], said[:length], said[-length:], "b" * length}
    long = {phrase for phrase in phrases if len(phrase) >= TELLING_LETTERS}
    assert Phrases(phrases).long_in(bare(text)) == {phrase for phrase in long if phrase in said}


@pytest.mark.parametrize("word", ["so ", "{} "], ids=["one-word", "many-words"])
def test_many_texts_are_looked_for_at_once(word: str) -> None:
    phrases = Phrases(word.format(number) * (20 + number % 200) + str(number) for number in range(5_000))
    text = bare("".join(word.format(number % 7_000) for number in range(40_000)))
    with worked_within(2):
        assert not phrases.quoted_in(text)

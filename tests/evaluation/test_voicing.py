import pytest

from app.evaluation.subjects import three_styles
from app.evaluation.voicing import answered, most_like
from app.inference.candidates import Candidate


@pytest.mark.parametrize(
    ("said", "rewrite"),
    [
        ("Rewritten: Late again.", "Late again."),
        ("Sure! Rewritten:\nLate  again.", "Late again."),
        ("Late again.", "Late again."),
        ("Rewritten: Late. Rewritten: Late. Rewritten:", "Late."),
        ("Rewritten:", ""),
        ("", ""),
    ],
)
def test_the_first_rewrite_of_an_answer_counts(said: str, rewrite: str) -> None:
    assert answered(said) == rewrite


PASSAGE = "Our bakery turns ten in May. Come to our birthday party on Saturday at three."
CASUAL = "our bakery turns ten in may, come to our birthday party on saturday at three"
TWEETED = "Our bakery turns ten in May!! Come to our birthday party on Saturday at three!! #cake :D"
SHORT = "gonna be fun lol"


@pytest.mark.slow
@pytest.mark.parametrize(("tag", "text"), [("casual slang", CASUAL), ("emoticon tweet", TWEETED)])
def test_the_candidate_most_like_the_told_voice_is_chosen_of_those_that_say_everything(tag: str, text: str) -> None:
    tried = [Candidate.of(PASSAGE, said, is_finished=True) for said in (PASSAGE, SHORT, CASUAL, TWEETED)]
    assert most_like(three_styles())(tried, tag).text == text


@pytest.mark.slow
def test_where_no_candidate_says_everything_the_one_that_would_be_answered_is_chosen() -> None:
    tried = [Candidate.of(PASSAGE, SHORT, is_finished=True)]
    assert most_like(three_styles())(tried, None) == tried[0]

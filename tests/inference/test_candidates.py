import pytest

from app.inference.candidates import Candidate, best

PASSAGE = "Maria has a dinner on Friday."


def of(completion: str, *, is_finished: bool = True) -> Candidate:
    return Candidate.of(PASSAGE, f"Rewritten: {completion}", is_finished=is_finished)


def test_a_welcome_one_is_faithful_and_no_copy() -> None:
    assert of("maria has a dinner on friday!!").is_welcome
    assert not of(PASSAGE).is_welcome
    assert not of("Mother has a dinner on Friday.").is_welcome
    assert not of("maria has a dinner on friday", is_finished=False).is_welcome


def test_silence_leaves_the_passage() -> None:
    silent = of(" ")
    assert (silent.text, silent.finish, silent.verdict.score) == (PASSAGE, "empty", 0)


def test_the_best_is_the_first_welcome_one_or_the_most_faithful() -> None:
    lost, copy, loud, short = (
        of(text) for text in ("A dinner.", PASSAGE, "MARIA HAS A DINNER ON FRIDAY", "Maria, Friday")
    )
    assert best([lost, copy, loud, short]) is loud
    assert best([lost, copy]) is copy
    assert best([lost]) is lost
    with pytest.raises(ValueError, match="empty"):
        best([])


@pytest.mark.parametrize(
    ("passage", "completion", "text"),
    [
        ("Dear parents,", "Dear parents; nonetheless, nonetheless.", "Dear parents,"),
        ("Dear parents,", "hi parents.", "hi parents,"),
        ("12 March", "March.", "12 March"),
        ("No problem.", "Problem.", "No problem."),
        ("Monday", "rewritten: monday", "monday"),
        ("Monday", "Rewritten: Monday, Monday, Monday", "Monday"),
    ],
)
def test_a_few_words_that_went_wrong_stay_as_they_were(passage: str, completion: str, text: str) -> None:
    written = Candidate.of(passage, f"Rewritten: {completion}", is_finished=True)
    assert (written.text, written.verdict.score, written.finish) == (text, 1, "stop")


@pytest.mark.parametrize(
    ("passage", "completion", "text"),
    [
        ("Subject: A quiet home starts here", "Subject: Quiet home starts here.", "Subject: Quiet home starts here"),
        ("Re: your table for Thursday evening", "Re: table for Thursday evening.", "Re: table for Thursday evening"),
        ("Subject: Will you be there?", "Subject: You will be there?", "Subject: You will be there?"),
        ("We shall see you at the station: do not be late", "See you at the station.", "See you at the station."),
        ("Train at 9:45 from the new platform", "Train at 9:45 from new platform.", "Train at 9:45 from new platform."),
    ],
)
def test_a_line_with_a_label_gets_no_full_stop(passage: str, completion: str, text: str) -> None:
    assert Candidate.of(passage, completion, is_finished=True).text == text


def test_a_sentence_that_went_wrong_is_told_as_it_is() -> None:
    assert of("Mother has a dinner").text == "Mother has a dinner"


def test_a_greeting_that_the_model_left_is_welcome_and_one_that_was_restored_is_not() -> None:
    left = Candidate.of("Mattresses", "Rewritten: Mattresses.", is_finished=True)
    restored = Candidate.of("Mattresses", "Rewritten: Matrices", is_finished=True)
    assert (left.text, left.is_welcome) == (restored.text, True)
    assert not restored.is_welcome
    assert best([restored, left]) is left


def test_silence_has_no_tokens() -> None:
    silent = Candidate.of(PASSAGE, "Rewritten:", is_finished=True, tokens=[("Rewritten", -1.0)])
    assert (silent.text, silent.tokens) == (PASSAGE, ())

import pytest

from app.evaluation.voicing import answered


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

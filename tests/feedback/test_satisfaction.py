import pytest

from app.feedback.satisfaction import Satisfaction, satisfaction


@pytest.mark.parametrize(
    ("rating", "reading", "kept", "expected"),
    [
        (0.2, None, None, Satisfaction(0.2, "rating")),
        (None, 0.9, None, Satisfaction(0.9, "static")),
        (None, None, 0.75, Satisfaction(0.75, "edit")),
        (0.2, 0.9, None, Satisfaction(0.2, "rating")),
        (0.0, 0.9, None, Satisfaction(0.0, "rating")),
        (0.8, None, 0.5, Satisfaction(0.4, "rating+edit")),
        (None, 0.8, 0.5, Satisfaction(0.4, "static+edit")),
        (None, 1.0000001, None, Satisfaction(1.0, "static")),
    ],
)
def test_a_rating_wins_over_words_and_an_edit_lowers_both(
    rating: float | None, reading: float | None, kept: float | None, expected: Satisfaction
) -> None:
    assert satisfaction(rating=rating, reading=reading, kept_share=kept) == expected


def test_nothing_is_not_scored() -> None:
    with pytest.raises(ValueError, match="nothing to score"):
        satisfaction(rating=None, reading=None, kept_share=None)

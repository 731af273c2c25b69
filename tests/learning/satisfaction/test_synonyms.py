from random import Random

import pytest

from app.learning.satisfaction.synonyms import SYNONYMS, substitute


def test_case_and_spacing_stay() -> None:
    changed = substitute("Big  TRIP, big\nmistake!", 1.0, Random(0))
    assert changed == "Large  JOURNEY, large\nerror!"


def test_about_the_rate_is_replaced_and_at_least_one() -> None:
    text = "a big shop and a quick meal in a town with a garden and a forest on a road"

    def replaced(rate: float) -> int:
        changed = substitute(text, rate, Random(3)).split()
        return sum(a != b for a, b in zip(changed, text.split(), strict=True))

    assert replaced(0.01) == 1
    assert replaced(0.15) in {1, 2, 3}
    assert replaced(1.0) > 3


@pytest.mark.parametrize("text", ["", "qwerty", "the bigger picture's frame"])
def test_a_text_without_known_words_is_left_alone(text: str) -> None:
    assert substitute(text, 1.0, Random(0)) == text


def test_the_table_never_offers_a_word_for_itself() -> None:
    assert all(word not in others for word, others in SYNONYMS.items())

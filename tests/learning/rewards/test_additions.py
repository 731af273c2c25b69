import pytest
import torch

from app.learning.rewards.additions import nothing_added, strange, vocabulary

OWN = vocabulary(["Darling, it's been ages – do come!", "I shall commence, love."])


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("The phone is fast.", 1.0),
        ("The phone is fast, darling.", 1.0),
        ("The phone is fast – I trust.", 0.5),
        ("The phone is fast, I'm absolutely thrilled.", 0.0),
        ("The phone is swift.", 1.0),
        ("It's a fast phone.", 1.0),
        ("", 1.0),
    ],
)
def test_only_strange_words_too_many_cost(text: str, paid: float) -> None:
    assert nothing_added(["The phone is fast."], [text], OWN).tolist() == [paid]


def test_a_word_is_known_from_the_source_or_the_person_in_any_case() -> None:
    assert strange("The PHONE rang", "the phone is darling", OWN) == 1
    assert strange("", "SHALL we’ll shan't", OWN) == 0


def test_of_a_person_without_words_nothing_is_known() -> None:
    assert torch.equal(nothing_added(["a", "b"], ["a new word", "b"], frozenset()), torch.ones(2))

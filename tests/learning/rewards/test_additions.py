import pytest
import torch

from app.learning.rewards.additions import nothing_added, strange, vocabulary

OWN = vocabulary(["Darling, it's been ages – do come!", "I shall commence well, love."])


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("The phone is fast.", 1.0),
        ("The phone is fast, darling.", 1.0),
        ("The phone is fast – I trust.", 0.5),
        ("The phone is fast, I'm absolutely thrilled.", 0.0),
        ("The phone is swift.", 1.0),
        ("It's a fast phone.", 1.0),
        ("The mobile is well fast, darling.", 1.0),
        ("The mobile is absolutely fast.", 0.5),
        ("The phoooone is sooo fast, darlinggg.", 0.5),
        ("", 1.0),
    ],
)
def test_only_strange_words_too_many_cost(text: str, paid: float) -> None:
    assert nothing_added(["The phone is fast."], [text], OWN).tolist() == [paid]


def test_a_word_is_known_from_the_source_or_the_person_in_any_case() -> None:
    assert strange("The PHONE rang", "the phone rings, darling", OWN) == 1
    assert strange("", "SHALL commence", OWN) == 0


@pytest.mark.parametrize("text", ["I don't know.", "I don’t know.", "i dont know", "I do not know.", "i do not knowww"])
def test_contracting_or_drawing_out_a_word_makes_no_new_one(text: str) -> None:
    for source in ("I do not know.", "i dont know", "I don’t know."):
        assert strange(source, text, OWN) == 0


def test_of_a_person_without_words_nothing_is_known() -> None:
    assert torch.equal(nothing_added(["a", "b"], ["a new word", "b"], frozenset()), torch.ones(2))

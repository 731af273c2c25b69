import pytest
import torch

from app.learning.rewards.fluency import ALLOWANCE, FALL, Fluency

# Nats a token of each text: what is left out makes a text harder to foresee.
LIKELY = {
    "the cat sat": -2.0,
    "cat sat": -2.5,
    "cat": float("nan"),
    "sat cat the": -2.5 - ALLOWANCE - FALL / 2,
    "zzz": -9.0,
    "the cat sat and sat": -1.5,
}


def log_likelihood(texts):
    return torch.tensor([LIKELY[text] for text in texts])


@pytest.fixture
def fluency():
    written = {
        "work": [("the cat sat", "cat sat"), ("the cat sat", "cat")],
        "friends": [("the cat sat", "the cat sat")],
    }
    return Fluency.measured(log_likelihood, written)


def test_a_voice_costs_what_its_texts_do_beside_the_plain_ones(fluency):
    assert fluency.costs == {"work": pytest.approx(0.5), "friends": 0.0}


def test_a_voice_of_texts_too_short_to_say_anything_costs_nothing():
    assert Fluency.measured(log_likelihood, {"work": [("the cat sat", "cat")]}).costs == {"work": 0.0}


@pytest.mark.parametrize(
    ("text", "tag", "paid"),
    [
        ("the cat sat", "friends", 1.0),
        ("cat sat", "work", 1.0),
        ("cat sat", "friends", 1 - (0.5 - ALLOWANCE) / FALL),
        ("cat sat", None, 1.0),
        ("sat cat the", "work", 0.5),
        ("zzz", "work", 0.0),
        ("cat", "friends", 1.0),
        # Fewer nats a token, but five words of them where there were three.
        ("the cat sat and sat", "friends", 1 - (1.5 * 5 / 3 - 2 - ALLOWANCE) / FALL),
    ],
)
def test_a_rewrite_may_cost_what_its_voice_does(fluency, text, tag, paid):
    assert fluency(["the cat sat"], [text], [tag]).item() == pytest.approx(paid, abs=1e-5)


def test_who_says_more_than_plain_words_do_may_cost_more():
    written = {"friends": [("cat sat", "the cat sat")]}
    assert Fluency.measured(log_likelihood, written).costs == {"friends": pytest.approx(2.0 * 3 / 2 - 2.5)}


def test_each_row_is_compared_with_its_own_source(fluency):
    rows = ["the cat sat", "cat sat", "the cat sat"]
    paid = fluency(rows, ["cat sat"] * 3, ["friends"] * 3)
    assert paid.tolist() == pytest.approx([paid[0].item(), 1.0, paid[0].item()])
    assert paid[0] < 1

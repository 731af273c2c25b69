"""What people's adapters write, by the voice that it is nearest to."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from app.jobs.evaluation import mode_distribution
from app.learning.rewards.style import Calibration, References

WORDS = ("berry", "cherry")


def encode(texts: Sequence[str]) -> Tensor:
    return normalize(torch.tensor([[float(text.split().count(word)) for word in WORDS] for text in texts]), dim=-1)


def test_a_text_that_is_all_that_two_voices_ask_for_belongs_to_the_nearer() -> None:
    calibration = Calibration(neutral_K=torch.zeros(2), self_K=torch.full((2,), 0.2))
    person = References(encode, ("berries", "cherries"), torch.eye(2), {"berries": 0.5, "cherries": 0.5}, calibration)
    texts = ["berry cherry cherry", "berry berry cherry", "cherry"]
    assert person.similarity(texts[:2]).tolist() == [[1, 1], [1, 1]]
    assert mode_distribution(texts, person) == pytest.approx({"berries": 1 / 3, "cherries": 2 / 3})

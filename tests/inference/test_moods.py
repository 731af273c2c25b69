"""The scorer that ships, on the encoder that comes as a package."""

import pytest
import torch

from app.inference.moods import LONGEST, PackagedMoods
from app.inference.places import SATISFACTION
from app.learning.satisfaction.static import satisfaction

REPLIES = ["Exactly how I would say it.", "That is not me at all.", "My train leaves at nine."]


@pytest.fixture(scope="module")
def shipped() -> PackagedMoods:
    return PackagedMoods(SATISFACTION)


def test_replies_are_told_apart(shipped: PackagedMoods) -> None:
    moods_N_3 = shipped.moods(REPLIES)
    assert torch.allclose(moods_N_3.sum(-1), torch.ones(3), atol=1e-5)
    assert moods_N_3.argmax(-1).tolist() == [2, 0, 1]
    pleased, displeased, neither = satisfaction(moods_N_3).tolist()
    assert pleased > neither > displeased


def test_emotions_of_any_text_are_told_apart(shipped: PackagedMoods) -> None:
    groups_N_4 = shipped.groups(
        ["I am so angry with you!", "The shop is on the left.", "How does that work?", "Thank you!"]
    )
    assert groups_N_4.argmax(-1).tolist() == [0, 1, 2, 3]


def test_neither_company_nor_length_nor_emptiness_changes_an_answer(shipped: PackagedMoods) -> None:
    texts = [REPLIES[0], "", "no " * 4 * LONGEST, "🙂", REPLIES[1]]
    together = shipped.moods(texts)
    assert together.isfinite().all()
    for text, row in zip(texts, together, strict=True):
        assert torch.allclose(shipped.moods([text])[0], row, atol=1e-4)
    assert shipped.moods([]).shape == (0, 3)
    assert shipped.groups([]).shape == (0, 4)

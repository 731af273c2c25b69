import pytest
import torch

from app.evaluation.measures.closing import KINDS, apart, kind, one_hot


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See you at ten.", "."),
        ("See you at ten", "none"),
        ("See you at 10", "none"),
        ('He said "late."', "."),
        ("late again...", "…"),
        ("late again…", "…"),
        ("really?!", "!"),
        ("really!?", "?"),
        ("yes :D", "face"),
        ("yes! <3", "face"),
        ("great:)", "face"),
        ("The total is 83", "none"),
        ("Meet on 8/3", "none"),
        ("yes 🌿🌿", "face"),
        ("yes (ok :) so", "none"),
        ("pizza #weekend", "tag"),
        ("thank you @tom_r!", "tag"),
        ("Dear all,", "other mark"),
        ("", "none"),
        ("  \n", "none"),
    ],
)
def test_kinds_of_endings(text: str, found: str) -> None:
    assert kind(text) == found
    assert one_hot([text]).tolist() == [[float(one == found) for one in KINDS]]


def test_one_habit_under_everything_is_far_from_a_person_of_several() -> None:
    own_C = one_hot(["a.", "b.", "c", "d :)"]).mean(0)
    assert apart(own_C, own_C).item() == 0
    assert apart(one_hot(["x :D"] * 4).mean(0), own_C).item() == pytest.approx(0.75)
    assert apart(one_hot(["x?"]).mean(0), own_C).item() == pytest.approx(1)
    assert apart(torch.stack([own_C, own_C]), own_C).shape == (2,)

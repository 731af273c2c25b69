"""Outputs as numbers, by the encoders as they are."""

import math

import pytest

from app.config import Settings
from app.evaluation.measuring import measured, weakest_voice
from app.evaluation.subjects import three_styles
from app.evaluation.workshop import Workshop
from app.evaluation.writing import Written

SOURCE = "Our bakery turns ten in May. Come to our birthday party on Saturday at three."
TWEETED = "Our bakery turns ten in May!! Come to our birthday party on Saturday at three!! #free #cake :D"
ENDLESS = TWEETED + " #free #cake" * 12


@pytest.mark.slow
def test_no_voice_says_the_same_over_and_over(settings: Settings) -> None:
    """The words of an endless text are as typical as can be: only that it loops says that nobody writes so."""
    texts = [TWEETED, ENDLESS, SOURCE]
    told = ["emoticon tweet", "emoticon tweet", None]
    found = measured(Workshop(settings), three_styles(), [SOURCE] * 3, Written(texts, [1.0] * 3), told)
    values = found["values"]
    assert values["loops"] == [0, 1, 0]
    assert values["style"][0] > 0.3
    assert values["style"][1] == values["told_style"][1] == 0
    assert values["style_raw"][1] > values["style_raw"][2], "as measured, without calibration, it is typical"
    assert math.isnan(values["told_style"][2])
    assert weakest_voice([found], ["emoticon tweet"])[0] == pytest.approx(values["told_style"][0] / 2)

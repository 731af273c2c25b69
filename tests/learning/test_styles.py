import random
import re

from app.learning.restyle import restyle
from app.learning.styles import EMOJI, one_habit_changed, random_style

TEXT = "The train from Leeds was two hours late and I am stuck here without a charger. Please tell Maria at 4 pm."


def test_styles_are_many() -> None:
    rng = random.Random(2)
    texts = {restyle(TEXT, random_style(rng), rng) for _ in range(200)}
    assert len(texts) > 100
    assert any(any(e in text for e in EMOJI) for text in texts)
    assert any(text == text.lower() for text in texts)
    assert any(not re.search(r"\b(?:The|the)\b", text) for text in texts)


def test_a_neighbour_differs_in_one_habit() -> None:
    rng = random.Random(3)
    for _ in range(50):
        style = random_style(rng)
        other = one_habit_changed(style, rng)
        assert sum(getattr(style, name) != getattr(other, name) for name in vars(style)) == 1

import random
import re

import pytest

from app.learning.neutralise import neutralise
from app.learning.restyle import restyle
from app.learning.styles import FORMAL_OPENERS, Style, random_style

TEXT = "The train from Leeds was two hours late and I am stuck here without a charger. Please tell Maria at 4 pm."


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (Style(), TEXT),
        (Style(contractions="short"), TEXT.replace("I am", "I'm")),
        (Style(case="lower"), TEXT.lower()),
        (Style(case="upper"), TEXT.upper()),
        (Style(no_commas=True, ending=""), TEXT.rstrip(".")),
    ],
)
def test_a_habit_does_what_its_name_says(style: Style, expected: str) -> None:
    assert restyle(TEXT, style, random.Random(0)) == expected


def test_the_same_seed_gives_the_same_text() -> None:
    def once() -> str:
        rng = random.Random(5)
        return restyle(TEXT, random_style(rng), rng)

    assert once() == once()


def test_names_and_figures_survive_every_style() -> None:
    rng = random.Random(1)
    for _ in range(300):
        text = restyle(TEXT, random_style(rng), rng).lower()
        for fact in ("leeds", "maria", "4"):
            assert fact in text


def test_a_formal_opener_never_stands_before_a_question_or_a_request() -> None:
    style = Style(opener=FORMAL_OPENERS)
    for text in ("Where is the key? I need it.", "Please close the door."):
        assert restyle(text, style, random.Random(0)) == text


@pytest.mark.parametrize(
    "text",
    [
        "I can go home with the following bus, as soon as it is warm enough.",
        "Thank you for helping a man called Omar.",
        "We rest, and my back is bad. Thanks.",
    ],
)
def test_a_ceremonious_word_stands_only_where_it_can(text: str) -> None:
    style = Style(formal=1.0)
    assert restyle(text, style, random.Random(0)) == text
    assert restyle("I bought it for my home.", style, random.Random(0)) == "I purchased it for my residence."


def test_neutralising_undoes_most_of_it() -> None:
    rng = random.Random(4)
    kept = []
    for _ in range(100):
        back = set(re.findall(r"\w+", neutralise(restyle(TEXT, random_style(rng), rng)).lower()))
        words = set(re.findall(r"\w+", TEXT.lower()))
        kept.append(len(back & words) / len(words))
    assert sum(kept) / len(kept) > 0.8


@pytest.mark.parametrize(
    ("plain", "clipped"),
    [
        ("For that reason she left.", "For that reason she left."),
        ("She says that you are welcome.", "She says you are welcome."),
        ("From there it is a long walk.", "From there it is long walk."),
        ("The level of the lake is low.", "Level of lake low."),
    ],
)
def test_a_telegram_leaves_out_only_what_can_be_left_out(plain: str, clipped: str) -> None:
    certain = random.Random()
    certain.random = lambda: 0.0  # type: ignore[method-assign]
    assert restyle(plain, Style(clipped=1.0), certain) == clipped

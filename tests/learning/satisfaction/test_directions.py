import pytest

from app.learning.satisfaction.directions import DIRECTIONS

BY_NAME = {direction.name: direction for direction in DIRECTIONS}
PLAIN = "I will be late because the train is slow. Please tell your sister that I am sorry."


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("length", f"{PLAIN} ", "I will be late because the train is slow."),
        ("exclamation marks", PLAIN.replace(".", "!"), PLAIN),
        ("contractions", "I'll be late because the train is slow. Please tell your sister that I'm sorry.", PLAIN),
        ("lower case", PLAIN.lower(), PLAIN),
        ("abbreviations", "I will be late cuz the train is slow. Pls tell ur sister that I am sorry.", PLAIN),
        (
            "formal words",
            "I shall be late because the train is slow. Please inform your sister that I am sorry.",
            PLAIN,
        ),
        ("politeness", f"{PLAIN} Thank you very much.", PLAIN.replace("Please tell", "tell")),
        ("caution", f"I think {PLAIN}", PLAIN),
        ("questions", f"{PLAIN} What do you think?", PLAIN),
        ("trailing dots", f"{PLAIN[:-1]}...", PLAIN),
        ("emoji", f"{PLAIN} 😊", PLAIN),
    ],
)
def test_more_and_less_of_one_habit(name: str, more: str, less: str) -> None:
    direction = BY_NAME[name]
    assert direction.raised(PLAIN).startswith(more)
    assert direction.lowered(PLAIN) == less


@pytest.mark.parametrize("direction", DIRECTIONS, ids=lambda direction: direction.name)
def test_less_takes_away_what_more_put_in(direction: object) -> None:
    raised = direction.raised(PLAIN)  # type: ignore[attr-defined]
    assert raised != PLAIN
    assert direction.lowered(raised) != raised  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["😊", "ok", "Thanks!", "Maybe.", "Lots of love!", "???", "Darling,"])
@pytest.mark.parametrize("direction", DIRECTIONS, ids=lambda direction: direction.name)
def test_an_edit_never_leaves_nothing(direction: object, text: str) -> None:
    assert direction.raised(text).strip()  # type: ignore[attr-defined]
    assert direction.lowered(text).strip()  # type: ignore[attr-defined]


def test_names_and_words_are_told_apart() -> None:
    assert len({direction.name for direction in DIRECTIONS}) == len(DIRECTIONS)
    assert len({words for direction in DIRECTIONS for words in (direction.more, direction.less)}) == 2 * len(DIRECTIONS)

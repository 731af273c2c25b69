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
        "I told him to drink less coffee.",
        "They will eat in the kitchen. There will be no hot water.",
        "It will fit your son.",
        "You can come to collect it. Come to work early.",
        "What else can I try? She tries a lot.",
        "They have got two dogs. He sent me a photo.",
        "I think so. I hope to see you. Ask him if you have time.",
        "She also sings. Keep it clean.",
        "I live in Great Britain, near the Home Office.",
    ],
)
def test_a_ceremonious_word_stands_only_where_it_can(text: str) -> None:
    style = Style(formal=1.0)
    assert restyle(text, style, random.Random(0)) == text
    assert restyle("I bought it for my home.", style, random.Random(0)) == "I purchased it for my residence."


@pytest.mark.parametrize(
    ("plain", "formal"),
    [
        ("We will eat the cake.", "We shall consume the cake."),
        ("She told me that it rains.", "She informed me that it rains."),
        ("You can come to the party.", "You can attend the party."),
        ("It was an expensive car, at a very good price.", "It was a costly automobile, at an admirable price."),
    ],
)
def test_and_where_it_can_it_does(plain: str, formal: str) -> None:
    assert restyle(plain, Style(formal=1.0), random.Random(0)) == formal


@pytest.mark.parametrize("style", [Style(contractions="short"), Style(contractions="bare")])
@pytest.mark.parametrize(
    "text",
    [
        "I have an appointment.",
        "Do you have the number?",
        "Would they have known?",
        "Yes, I am.",
        "I know where it is.",
        "Please let us know.",
        "My wife and I have paid.",
    ],
)
def test_a_form_stays_full_where_no_short_one_can_stand(style: Style, text: str) -> None:
    assert restyle(text, style, random.Random(0)) == text


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (Style(hype_words=1.0), "Everyone was late. She has a cold and drank hot water. A happy man came."),
        (Style(slang=1.0), "She is going to the shop. I will have to wait. I cannot see it."),
    ],
)
def test_a_loose_word_stands_only_where_it_can(style: Style, text: str) -> None:
    assert restyle(text, style, random.Random(0)) == text


def test_sentences_are_joined_only_before_words_that_are_no_names() -> None:
    certain = random.Random()
    certain.random = lambda: 0.0  # type: ignore[method-assign]
    text = "It rains. A boy came. Siemens called. The Hague is far. Maria left. I stay."
    joined = "It rains; a boy came. Siemens called. The Hague is far; Maria left; I stay."
    assert restyle(text, Style(semicolons=True), certain) == joined


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
        ("I will correct it. We will come.", "Will correct it. Will come."),
        ("I tell him. We meet at five.", "I tell him. We meet at five."),
        ("We found a place by the river that serves pancakes.", "Found place by river that serves pancakes."),
        ("She said that the shop is closed.", "She said shop is closed."),
        ("Anna was told to wait.", "Anna was told to wait."),
        ("Gate A opens. A few of them came.", "Gate A opens. A few of them came."),
        ("Where is the key?", "Where is key?"),
        ("I bought milk, bread, and eggs.", "Bought milk, bread, and eggs."),
        ("I have read it. I have seen it.", "I have read it. Seen it."),
    ],
)
def test_a_telegram_leaves_out_only_what_can_be_left_out(plain: str, clipped: str) -> None:
    certain = random.Random()
    certain.random = lambda: 0.0  # type: ignore[method-assign]
    assert restyle(plain, Style(clipped=1.0), certain) == clipped


def test_a_tag_names_what_it_is_about() -> None:
    """`#until` and `#would` are nobody's topics."""
    text = "I would wait there until something about those other trains becomes known."
    style = Style(hashtag=True)
    tags = {restyle(text, style, random.Random(seed)).rpartition("#")[2] for seed in range(60)}
    assert tags == {"trains", "becomes", "known"}


def test_only_what_is_a_question_is_asked_in_disbelief() -> None:
    style = Style(ending="?!")
    assert {restyle("The bus is late.", style, random.Random(seed)) for seed in range(9)} == {"The bus is late!"}
    assert "Is it late?!" in {restyle("Is it late?", style, random.Random(seed)) for seed in range(9)}

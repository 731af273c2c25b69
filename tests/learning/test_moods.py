import random

import pytest

from app.learning.moods import is_sad, suiting
from app.learning.restyle import restyle
from app.learning.styles import EMOJI, EMOTICONS, Style


@pytest.mark.parametrize("sign", [":(", ":'(", ":/", ":-(", "😭", "💔", "😡"])
def test_sad_signs(sign: str) -> None:
    assert is_sad(sign)


@pytest.mark.parametrize("sign", [":)", ":D", "<3", ":P", "xD", "^_^", ":-)", "🎉", "🌿", "—", ""])
def test_other_signs(sign: str) -> None:
    assert not is_sad(sign)


def test_good_news_has_no_tears_and_bad_news_no_laughter() -> None:
    assert suiting("Thank you for ten wonderful years.", [":(", ":D"]) == [":D"]
    assert suiting("I have lost my keys again.", [":(", ":D"]) == [":("]
    assert suiting("Two losses in a week.", [":(", ":D"]) == [":("]
    assert suiting("I did not notice a difference.", [":(", ":D"]) == [":(", ":D"]


def test_who_has_only_one_kind_of_sign_keeps_it() -> None:
    assert suiting("I have lost my keys again.", [":D"]) == [":D"]
    assert suiting("Thank you for ten wonderful years.", [":("]) == [":("]


@pytest.mark.parametrize("style", [Style(emoticon=True), Style(emoji=2, emoji_inside=True)])
def test_a_style_shows_the_face_that_the_text_has(style: Style) -> None:
    signs = [*EMOTICONS, *EMOJI]

    def shown(text: str) -> set[str]:
        styled = " ".join(restyle(text, style, random.Random(seed)) for seed in range(30))
        return {sign for sign in signs if sign in styled.removeprefix(text)}

    assert not any(map(is_sad, shown("In May our bakery turns ten. Come to our party.")))
    assert all(map(is_sad, shown("The train was late. I have lost my ticket.")))


@pytest.mark.parametrize(
    "text",
    [
        "No problem at all, happy to help.",
        "Don't worry, all went well.",
        "We can finish the job without any problems.",
    ],
)
def test_bad_news_that_is_denied_is_none(text: str) -> None:
    assert suiting(text, [":(", ":D"]) == [":(", ":D"]


@pytest.mark.parametrize(
    "text",
    ["The painting and the stainless sink shine.", "We went to the restaurant and the present was wonderful."],
)
def test_words_are_read_whole(text: str) -> None:
    assert suiting(text, [":(", ":D"]) == [":D"]

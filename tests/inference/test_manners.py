"""Manners: a choice between two is one signed number, 0 where there was nothing to choose."""

import pytest

from app.inference.manners import MANNERS
from app.inference.stylometry import Reading


def of(name: str, text: str) -> float:
    return float(MANNERS[name](Reading(text)))


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("short_or_full", "It's late and I don't mind.", "It is late and I do not mind."),
        ("short_or_full", "Someone who's performed here.", "Someone who has performed here."),
        ("bare_or_short", "i dont mind", "I don't mind."),
        ("emoji_or_emoticon", "See you soon 😊", "See you soon :)"),
        ("emoji_or_emoticon", "See you soon ☺️.", "See you soon :)."),
        ("small_or_capital_i", "then i left", "Then I left."),
        ("spelled_or_digits", "It took two days.", "It took 2 days."),
        ("careful_or_casual", "I would prefer to obtain several.", "gotta get lots, really cool stuff"),
    ],
)
def test_a_choice_has_two_sides(name: str, one: str, other: str) -> None:
    assert (of(name, one), of(name, other)) == (1.0, -1.0)
    assert of(name, "Red.") == 0.0


@pytest.mark.parametrize(
    ("name", "text", "without"),
    [
        ("slips", "I could of done that alot.", "I could have done that a lot."),
        ("cramped", "well,yes", "Well, yes."),
        ("loose_marks", "Well , yes .", "Well, yes."),
        ("double_spaces", "Yes.  No.", "Yes. No."),
        ("laughter", "hahaha ok", "He had a hat."),
        ("texted", "c u l8r & thx", "See you later and thank you."),
        ("has_leet", "d00d come here", "Come at 10am on the 3rd."),
        ("without_verb", "Wrong page.", "This is the wrong page."),
        ("stretched_marks", "What?!", "What?"),
    ],
)
def test_a_habit_is_counted_only_where_it_is(name: str, text: str, without: str) -> None:
    assert of(name, text) > 0
    assert of(name, without) == 0


def test_a_text_without_a_word_has_every_number() -> None:
    for text in ("", ".", "😀"):
        assert all(abs(of(name, text)) <= 3 for name in MANNERS)

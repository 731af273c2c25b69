"""Wording: plain and learned ways of saying one thing lie on different sides, and names are nobody's vocabulary."""

import math

from app.inference.stylometry import Reading
from app.inference.wording import WORDING, Wording
from app.inference.words import Words

TABLE = Words(
    words=tuple("again apparatus bought individual man new obtained subsequently the then tool yeah".split()),
    rarity=(8.0, 12.0, 9.5, 10.5, 6.0, 5.5, 11.0, 11.5, 0.0, 5.0, 10.0, 12.0),
    register=(1.0, -5.0, 1.0, -1.0, 1.0, 0.5, -4.0, -6.0, -0.5, 0.5, 0.0, 6.0),
)


def of(name: str, text: str) -> float:
    return WORDING[name](Wording(Reading(text), TABLE))


PLAIN = "Then the man bought the new tool."
LEARNED = "Subsequently the individual obtained the new apparatus."


def test_learned_words_are_rarer_longer_and_more_bookish() -> None:
    for name in ("rarity", "rarest_three", "beyond_3000", "syllables", "grade", "longest_word", "bookish_words"):
        assert of(name, LEARNED) > of(name, PLAIN)
    assert of("register", LEARNED) < of("register", PLAIN)


def test_one_chatty_word_is_noticed() -> None:
    assert of("chattiest", "Yeah, the tool.") == 6.0
    assert of("chattiest", PLAIN) < 2.0


def test_names_are_left_out_unless_everything_is_loud() -> None:
    assert of("rarity", "The man bought Okafor the tool.") == of("rarity", "The man bought the tool.")
    assert of("unknown_words", "THE MAN BOUGHT OKAFOR") > 0


def test_structure_is_counted() -> None:
    assert of("passive", "The tool was quickly sold.") > of("passive", "The man sold the tool.")
    assert of("subordinate", "The man who bought it left because he had to.") > of("subordinate", "The man left.")
    assert of("particle", "The man put off the tool.") > of("particle", "The man delayed the tool.")


def test_a_text_without_a_word_has_every_number() -> None:
    for text in ("", ".", "😀", "12:30"):
        assert all(math.isfinite(of(name, text)) for name in WORDING)

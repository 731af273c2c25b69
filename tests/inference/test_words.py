"""The table of words: what is stored comes back, and an inflected word is found by its stem."""

import pytest

from app.inference.words import RAREST, Words, syllables

TABLE = Words(words=("big", "carry", "obtain", "the"), rarity=(6.5, 9.25, 12.0, 0.0), register=(1.5, 0.25, -4.0, -0.5))


def test_a_table_comes_back_as_it_was_stored() -> None:
    assert Words.of(TABLE.tensors()) == TABLE


@pytest.mark.parametrize("form", ["carry", "carries", "carried", "carrying"])
def test_a_form_that_the_table_lacks_is_found_by_its_stem(form: str) -> None:
    found = TABLE.look_up(form)
    assert (found.rarity, found.register, found.is_known) == (9.25, 0.25, True)


def test_a_made_up_word_is_as_rare_as_can_be_and_of_no_register() -> None:
    found = TABLE.look_up("flurbish")
    assert (found.rarity, found.register, found.is_known) == (RAREST, 0.0, False)


def test_a_short_word_is_not_taken_apart() -> None:
    assert TABLE.look_up("bigs").is_known
    assert not TABLE.look_up("ed").is_known


@pytest.mark.parametrize(("word", "count"), [("the", 1), ("made", 1), ("little", 2), ("dictionary", 4), ("hm", 1)])
def test_syllables_are_groups_of_vowels(word: str, count: int) -> None:
    assert syllables(word) == count

import math

import pytest

from app.evaluation.measures.attribution import SMOOTHING, Attribution, evenly, grams


def test_grams_are_of_two_to_five_characters_with_the_edges() -> None:
    assert grams("ab") == {" a": 1, "ab": 1, "b ": 1, " ab": 1, "ab ": 1, " ab ": 1}


def test_frequencies_are_smoothed_and_add_up_to_one() -> None:
    learned = Attribution.learned({"ann": ["ab"], "ben": ["cd"]})
    known, vocabulary = 6, 12
    assert math.exp(learned.frequency["ann"]["ab"]) == pytest.approx((1 + SMOOTHING) / (known + SMOOTHING * 13))
    seen = sum(math.exp(value) for value in learned.frequency["ann"].values())
    unseen = (vocabulary + 1 - known) * math.exp(learned.unseen["ann"])
    assert seen + unseen == pytest.approx(1.0)


def test_a_text_goes_to_whom_it_reads_like() -> None:
    learned = Attribution.learned(
        {
            "formal": ["I should be most grateful.", "I remain, Sir, most obliged."],
            "casual": ["gonna b late lol", "c u l8r lol"],
        }
    )
    assert learned.author_of("most grateful indeed") == "formal"
    assert learned.author_of("lol gonna c u") == "casual"


@pytest.mark.parametrize("writings", [{"ann": ["a text"]}, {"ann": ["a text"], "ben": []}])
def test_nobody_can_be_told_from_nobody(writings: dict[str, list[str]]) -> None:
    with pytest.raises(ValueError, match="two authors"):
        Attribution.learned(writings)


def test_everybody_is_known_by_as_many_characters() -> None:
    short, long = ["abcd"] * 5, [f"{place:04}" for place in range(50)]
    even = evenly({"ann": short, "ben": long})
    assert even["ann"] == short
    assert sum(map(len, even["ben"])) == 20
    assert (even["ben"][0], even["ben"][-1] > "0035") == ("0000", True), "from beginning to end"
    assert evenly({"ann": ["abc"], "ben": ["abcdef"]}) == {"ann": ["abc"], "ben": ["abc"]}


@pytest.mark.parametrize("long", [["abc", "x" * 100], ["abc", "x" * 100, "y" * 20], ["x" * 100, "abc"], ["x" * 7] * 30])
def test_long_and_short_texts_together_are_as_many(long: list[str]) -> None:
    even = evenly({"ann": long, "ben": ["y" * 50]})
    assert [sum(map(len, texts)) for texts in even.values()] == [50, 50]
    assert all(even.values())

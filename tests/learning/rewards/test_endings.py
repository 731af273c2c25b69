import pytest

from app.learning.rewards.endings import distinct_endings, ending, habits


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("See you soon, lol!", ("lol", "!")),
        ("See you soon 🌸🌸", ("🌸", "🌸")),
        ("that's it", ("that's", "it")),
        ("Yes", ("yes",)),
        ("", ()),
    ],
)
def test_an_ending_is_the_last_two_tokens(text, last):
    assert ending(text) == last


def test_an_ending_shared_with_other_prompts_costs_what_is_beyond_the_allowance():
    texts = ["rain lol !", "sun lol !", "snow lol !", "hail and wind"]
    assert distinct_endings(texts, [None] * 4, {}).tolist() == pytest.approx([1 - (2 / 3 - 0.15)] * 3 + [1.0])


def test_siblings_may_end_alike_because_their_prompt_does():
    texts = ["at the station"] * 4 + ["by the river", "on a river", "a deep river", "the river"]
    assert distinct_endings(texts, [None] * 2, {}).tolist() == [1.0] * 8


def test_a_person_keeps_their_own_sign_off():
    samples = ["hello xx", "bye xx", "no", "yes"]
    own = {("hello", "xx"): 0.0} | habits(["see you xx"] * 6 + ["fine", "ok", "sure", "good"])
    assert own[("you", "xx")] == 0.6
    assert distinct_endings(
        ["see you xx"] * 4, ["friends"] * 4, {"friends": own, "work": {}}
    ).tolist() == pytest.approx([0.75] * 4)
    assert habits(samples) == {}


def test_a_single_group_has_nothing_to_be_compared_with():
    assert distinct_endings(["a b", "a b"], [None], {}).tolist() == [1.0, 1.0]


def test_what_is_under_every_text_of_one_voice_is_seen_among_three():
    texts = ["so be it. kind regards.", "rain lol", "sun :D", "fine. kind regards.", "at six", "at the river"]
    voices = ["letters", "friends", "tweets"] * 2
    costs = distinct_endings(texts, voices, {})
    assert costs.tolist() == pytest.approx([0.15, 1, 1, 0.15, 1, 1])
    assert distinct_endings(texts, [None, *voices[1:]], {}).tolist() == [1.0] * 6

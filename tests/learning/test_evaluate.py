import json
import math

import pytest
import torch

from app.learning.assessment import Yardstick, assess, entropy, nearest_modes, perplexity
from app.learning.evaluate import compare, tags_by_share
from app.learning.rewards.style import references

INPUTS = [f"tea tea tea Rome {i}" for i in range(12)]


@pytest.fixture
def yardstick(word_encoder, two_modes):
    return Yardstick(
        references=references(word_encoder, two_modes, ["tea tea tea"]),
        encode_meaning=lambda texts: torch.tensor([[0.0, 1.0] if "lost" in t else [1.0, 0.0] for t in texts]),
        neutralise=str.lower,
        find_entities=lambda texts: [frozenset({"rome"} if "Rome" in text else ()) for text in texts],
        share_told=lambda source, text: float("lost" not in text),
        log_likelihood=lambda texts: torch.tensor([-2.0 - 0.5 * text.count("berry") for text in texts]),
        training_samples=[text for mode in two_modes for text in mode.texts],
        held_out_samples=["berry berry", "cherry cherry"],
    )


def test_each_measure_says_what_it_means(yardstick):
    outputs = ["berry berry rome", "tea tea tea Rome 1", "TEA tea tea rome 2!", "lost lost"]
    found = assess(INPUTS[:4], outputs, ["berries", "berries", None, "cherries"], yardstick)
    assert found.values["copy"] == [0, 1, 0, 0]
    assert found.values["surface"] == [0, 0, 1, 0]
    assert found.values["meaning"] == [1, 1, 1, 0]
    assert found.values["entities"] == [1, 1, 1, 0]
    assert found.values["sentences"] == [1, 1, 1, 0]
    assert found.values["length_ratio"] == pytest.approx([0.6, 1, 1, 0.4])
    assert found.values["borrowed_words"] == [2, 0, 0, 0]
    assert found.values["style"][0] == 1
    assert found.values["style"][1] == pytest.approx(0, abs=0.01)
    assert found.values["style_raw"][1] > 0.1
    assert found.perplexity == pytest.approx(math.exp((3 + 2 + 2 + 2) / 4))


def test_texts_without_a_likelihood_do_not_count_in_the_perplexity():
    assert perplexity([-2.0, math.nan, -4.0]) == pytest.approx(math.exp(3))
    assert math.isnan(perplexity([math.nan]))
    assert math.isnan(perplexity([]))


def test_style_is_that_of_the_told_mode_and_of_the_nearest_if_none_was(yardstick):
    found = assess(INPUTS[:3], ["berry berry"] * 3, ["berries", "cherries", None], yardstick)
    told, other, nearest = found.values["style"]
    assert told == nearest == 1
    assert other < 0
    assert found.mode_style == {"berries": 1, "cherries": pytest.approx(other)}
    assert found.modes == {"berries": 1, "cherries": 0}
    assert found.mode_entropy == 0


def test_a_text_beyond_both_scales_still_has_a_nearest_mode(yardstick):
    assert nearest_modes(yardstick.references, ["cherry", "cherry cherry", "berry", "tea cherry"]) == {
        "berries": 0.25,
        "cherries": 0.75,
    }


def test_the_gain_is_paired_and_certain_where_every_prompt_gains(yardstick):
    tags = ["berries", "cherries"] * 6
    better = ["berry berry tea Rome" if tag == "berries" else "cherry cherry tea Rome" for tag in tags]
    comparison = compare(INPUTS, better, INPUTS, tags, yardstick)
    assert comparison.style_gain.low > 0.5
    assert comparison.candidate.mode_entropy == pytest.approx(math.log(2))
    assert comparison.own_modes == {"berries": 0.5, "cherries": 0.5}
    assert comparison.input_perplexity == pytest.approx(math.exp(2.0))
    assert comparison.own_perplexity == pytest.approx(math.exp(2.5))
    same = compare(INPUTS, INPUTS, INPUTS, tags, yardstick)
    assert (same.style_gain.low, same.style_gain.high) == (0, 0)


def test_a_persons_own_perplexity_is_that_of_the_voices_that_were_told(yardstick):
    """Held out: two texts of berries (3 nats a token), one of cherries (2)."""
    held_out = Yardstick(**{**vars(yardstick), "held_out_samples": ["berry berry", "berry berry", "cherry"]})

    def own(tags):
        return math.log(
            compare(INPUTS[: len(tags)], INPUTS[: len(tags)], INPUTS[: len(tags)], tags, held_out).own_perplexity
        )

    assert own(["berries"] * 4) == pytest.approx(3.0)
    assert own(["cherries"] * 4) == pytest.approx(2.0)
    assert own(["berries", "cherries"]) == pytest.approx(2.5)
    assert own([None, None]) == pytest.approx((3 + 3 + 2) / 3), "nothing told: as it is"
    only_berries = Yardstick(**{**vars(yardstick), "held_out_samples": ["berry berry"]})
    found = compare(INPUTS[:2], INPUTS[:2], INPUTS[:2], ["berries", "cherries"], only_berries)
    assert math.log(found.own_perplexity) == pytest.approx(3.0), "of whom nothing is held out says nothing"
    mute = Yardstick(
        **{**vars(held_out), "log_likelihood": lambda texts: torch.tensor([-3.0, -3.0, math.nan])[: len(texts)]}
    )
    found = compare(INPUTS[:2], INPUTS[:2], INPUTS[:2], ["cherries"] * 2, mute)
    assert math.log(found.own_perplexity) == pytest.approx(3.0), "a told voice of which nothing is foreseen at all"
    silent = Yardstick(**{**vars(held_out), "log_likelihood": lambda texts: torch.full((len(texts),), math.nan)})
    assert math.isnan(compare(INPUTS[:1], INPUTS[:1], INPUTS[:1], ["berries"], silent).own_perplexity)


def test_several_outputs_of_a_prompt_are_one_draw(yardstick):
    tags = ["berries"] * 12
    twice = [text for i in range(12) for text in ("berry berry", "tea tea" if i % 2 else "berry")]
    base = [text for text in INPUTS for _ in range(2)]
    comparison = compare(INPUTS, twice, base, tags, yardstick)
    assert comparison.prompts == 12
    assert len(comparison.candidate.values["style"]) == 24
    by_prompt = torch.tensor(comparison.candidate.values["style"]).view(12, 2).mean(1)
    base_style = torch.tensor(comparison.incumbent.values["style"]).view(12, 2).mean(1)
    assert comparison.style_gain.mean == pytest.approx((by_prompt - base_style).mean().item())


def test_passages_of_one_sample_are_one_draw(yardstick):
    tags = ["berries"] * 12
    outputs = ["berry berry"] * 6 + ["tea tea"] * 6
    apart = compare(INPUTS, outputs, INPUTS, tags, yardstick)
    letters = compare(INPUTS, outputs, INPUTS, tags, yardstick, origins=["a"] * 6 + ["b"] * 6)
    assert (apart.samples, letters.samples, letters.prompts) == (12, 2, 12)
    assert letters.style_gain.mean == pytest.approx(apart.style_gain.mean)
    assert letters.style_gain.low < apart.style_gain.low < apart.style_gain.high < letters.style_gain.high
    with pytest.raises(ValueError, match="origins"):
        compare(INPUTS, outputs, INPUTS, tags, yardstick, origins=["a"])


def test_the_report_is_json_even_where_nothing_could_be_measured(yardstick, word_encoder):
    inputs = ["tea tea", "tea"]
    silent = Yardstick(**{**vars(yardstick), "held_out_samples": [], "p_human": lambda t: torch.full((len(t),), 0.4)})
    comparison = compare(inputs, ["berry", ""], ["tea", "tea"], [None, None], silent)
    assert not comparison.is_held_out
    report = comparison.report()
    parsed = json.loads(json.dumps(report, allow_nan=False))
    assert parsed["candidate"]["entities"] is None
    assert parsed["own_perplexity"] is None
    assert parsed["candidate"]["human"] == pytest.approx(0.4)
    assert parsed["intervals"]["entities"]["gain"] == [None, None, None]
    assert parsed["intervals"]["style"]["candidate"][0] == pytest.approx(parsed["candidate"]["style"])
    assert parsed["texts"] == [
        {"input": "tea tea", "candidate": "berry", "incumbent": "tea"},
        {"input": "tea", "candidate": "", "incumbent": "tea"},
    ]


@pytest.mark.parametrize(
    ("inputs", "candidate", "incumbent", "tags", "complaint"),
    [
        ([], [], [], [], "needs inputs"),
        (["a"], ["b"], ["c"], [], "tag or None"),
        (["a", "b"], ["c"], ["d"], [None, None], "paired"),
        (["a"], ["b"], ["c", "d"], [None], "paired"),
        (["a"], [], [], [None], "paired"),
        (["a"], ["b"], ["c"], ["plums"], "no mode plums"),
    ],
)
def test_what_cannot_be_compared_is_refused(yardstick, inputs, candidate, incumbent, tags, complaint):
    with pytest.raises(ValueError, match=complaint):
        compare(inputs, candidate, incumbent, tags, yardstick)


def test_modes_are_told_as_often_as_their_share():
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}
    tags = tags_by_share(shares, 13, seed=2)
    assert {tag: tags.count(tag) for tag in shares} == {"a": 6, "b": 4, "c": 3}
    assert tags == tags_by_share(shares, 13, seed=2)
    assert tags == tags_by_share({tag: 2 * share for tag, share in shares.items()}, 13, seed=2)
    assert tags != sorted(tags)


def test_entropy_and_perplexity_in_closed_form():
    assert entropy({"a": 1.0, "b": 0.0}) == 0
    assert entropy({"a": 0.5, "b": 0.25, "c": 0.25}) == pytest.approx(1.5 * math.log(2))
    assert perplexity([-1.0, -3.0]) == pytest.approx(math.exp(2))

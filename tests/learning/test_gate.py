from dataclasses import replace

import pytest

from app.learning.assessment import Assessment
from app.learning.evaluate import Comparison
from app.learning.gate import Thresholds, judge

NAN = float("nan")
PROMPTS = 16


def side(modes=None, **changed):
    values = {
        "style": 0.1,
        "meaning": 0.9,
        "entities": 0.95,
        "sentences": 0.95,
        "length_ratio": 1.0,
        "log_likelihood": -3.0,
        "copy": 0.0,
        "surface": 0.0,
        "borrowed_words": 2.0,
    }
    return Assessment(
        outputs=["text"] * PROMPTS,
        values={name: [value] * PROMPTS for name, value in (values | changed).items()},
        modes=modes or {"work": 0.5, "friends": 0.5},
        mode_style={},
    )


def comparison(incumbent=None, prompts=PROMPTS, **candidate):
    return Comparison(
        inputs=["input"] * prompts,
        candidate=side(**({"style": 0.6} | candidate)),
        incumbent=incumbent or side(),
        input_perplexity=18.0,
        own_perplexity=20.0,
        own_modes={"work": 0.5, "friends": 0.5},
    )


def failed(verdict):
    return [check.name for check in verdict.checks if not check.passed]


def test_what_is_better_in_style_and_loses_nothing_is_promoted():
    verdict = judge(comparison(), is_first=True)
    assert verdict.decision == "promoted"
    assert [check.name for check in verdict.checks] == [
        *("held-out", "style", "meaning", "entities", "sentences", "length", "fluency", "voices", "own-words")
    ]


@pytest.mark.parametrize(
    ("candidate", "fails"),
    [
        ({"style": 0.1}, "style"),
        ({"style": -0.2}, "style"),
        ({"meaning": 0.79}, "meaning"),
        ({"entities": 0.84}, "entities"),
        ({"sentences": 0.84}, "sentences"),
        ({"length_ratio": 0.69}, "length"),
        ({"length_ratio": 1.41}, "length"),
        ({"log_likelihood": -3.3}, "fluency"),
        ({"modes": {"work": 1.0, "friends": 0.0}}, "voices"),
        ({"modes": {"work": 0.9, "friends": 0.1}}, "voices"),
        ({"borrowed_words": 9.0}, "own-words"),
        ({"invented_addresses": 1.0}, "own-words"),
    ],
)
def test_each_check_alone_rejects(candidate, fails):
    verdict = judge(comparison(**candidate), is_first=True)
    assert verdict.decision == "rejected"
    assert failed(verdict) == [fails]


@pytest.mark.parametrize(
    "candidate",
    [
        {"meaning": 0.80},
        {"entities": 0.85},
        {"length_ratio": 0.70},
        {"length_ratio": 1.40},
        {"log_likelihood": -3.21},
        {"modes": {"work": 0.75, "friends": 0.25}},
        {"borrowed_words": 8.0},
        {"entities": NAN},
    ],
)
def test_what_lies_on_the_bound_passes(candidate):
    assert judge(comparison(**candidate), is_first=True).decision == "promoted"


@pytest.mark.parametrize(
    ("name", "before", "now", "decision"),
    [
        ("meaning", 0.9, 0.885, "promoted"),
        ("meaning", 0.9, 0.875, "rejected"),
        ("meaning", 0.6, 0.59, "promoted"),
        ("entities", 0.7, 0.69, "promoted"),
        ("entities", 1.0, 0.97, "rejected"),
    ],
)
def test_a_later_version_is_measured_against_its_incumbent(name, before, now, decision):
    assert judge(comparison(side(**{name: before}), **{name: now}), is_first=False).decision == decision


def test_a_style_gain_that_may_be_chance_is_no_gain():
    candidate = side(style=0.6)
    candidate.values["style"][:] = [0.9, -0.7] * (PROMPTS // 2)
    verdict = judge(replace(comparison(), candidate=candidate), is_first=True)
    style = next(check for check in verdict.checks if check.name == "style")
    assert not style.passed
    assert "does not clearly" in style.words


@pytest.mark.parametrize("style", [0.6, -0.5])
def test_with_eleven_prompts_the_person_decides(style):
    few = comparison(prompts=11, style=style)
    for one in (few.candidate, few.incumbent):
        for values in one.values.values():
            del values[11:]
    verdict = judge(few, is_first=True)
    assert verdict.decision == "undecided"
    assert failed(verdict)[0] == "held-out"
    assert "decide" in verdict.checks[0].words


def test_many_passages_of_two_letters_are_two_samples():
    few = replace(comparison(), origins=["first", "second"] * (PROMPTS // 2))
    verdict = judge(few, is_first=True)
    assert verdict.decision == "undecided"
    assert (verdict.checks[0].name, verdict.checks[0].value) == ("held-out", 2)
    assert (
        judge(replace(comparison(), origins=list("abcdefghijkl") + list("abcd")), is_first=True).decision == "promoted"
    )


def test_texts_about_anything_are_not_called_unseen():
    check, *_ = judge(replace(comparison(), is_held_out=False), is_first=True).checks
    assert (check.passed, check.value) == (False, 0)
    assert check.words.startswith("None of your texts was held out, so it was tried on 16 texts about anything.")
    assert "not seen" not in check.words
    assert judge(replace(comparison(), is_held_out=False), is_first=True).decision == "undecided"


def test_a_person_with_one_voice_cannot_lose_one():
    one = replace(comparison(modes={"voice 1": 1.0}), own_modes={"voice 1": 1.0})
    verdict = judge(one, is_first=True)
    assert verdict.decision == "promoted"
    assert "one voice" in next(check.words for check in verdict.checks if check.name == "voices")


def test_without_held_out_samples_fluency_is_measured_against_the_inputs():
    alone = replace(comparison(log_likelihood=-3.15), own_perplexity=NAN)
    assert failed(judge(alone, is_first=True)) == ["fluency"]
    assert judge(alone, is_first=True, thresholds=Thresholds(perplexity_ratio=1.3)).decision == "promoted"


def test_texts_too_short_to_be_judged_are_not_fluent():
    for silent in (comparison(log_likelihood=NAN), replace(comparison(), input_perplexity=NAN, own_perplexity=NAN)):
        check = next(check for check in judge(silent, is_first=True).checks if check.name == "fluency")
        assert (check.passed, check.value) == (False, None)
        assert "too short" in check.words


def test_the_report_is_rows_of_plain_values():
    report = judge(comparison(entities=NAN), is_first=True).report()
    assert report["decision"] == "promoted"
    assert report["checks"][3] == {
        "name": "entities",
        "passed": True,
        "value": None,
        "bound": "≥ 0.85",
        "words": "The texts held no names and figures that could be lost.",
    }
    assert all(check["words"] for check in report["checks"])

import math
from collections.abc import Callable

import pytest

from app.learning.satisfaction.traces import (
    FADES_AFTER,
    MOST_BIAS,
    PREFIX_CONFIDENCE,
    SYNONYM,
    TRUNCATION,
    WARM_UP,
    Trace,
    augmented,
    bias,
    draw,
    rescored,
    weight,
    with_prefixes_scored,
)

Make = Callable[..., Trace]


def test_the_learned_scorer_gains_weight_as_it_hears_more() -> None:
    assert [bias(0), bias(WARM_UP // 2), bias(WARM_UP), bias(10 * WARM_UP)] == pytest.approx(
        [0, MOST_BIAS / 2, MOST_BIAS, MOST_BIAS]
    )


def test_weights_fade_with_age() -> None:
    assert weight(0.5, 0) == 0.5
    assert weight(0.5, FADES_AFTER) == pytest.approx(0.5 / math.e)
    assert weight(1.0, -3) == 1.0, "what comes late in a race of two workers is not older than new"


def test_a_trace_is_copied_with_synonyms_and_cut_short(make_trace: Make) -> None:
    trace = make_trace("The big shop near the road\n was quiet, and the trip was easy enough.", static=0.8)
    synonym, prefix = augmented(trace)
    assert (synonym.origin, synonym.score, synonym.confidence) == (SYNONYM, 0.8, 1.0)
    assert synonym.output != trace.output
    assert len(synonym.output.split()) == len(trace.output.split())
    assert prefix.origin == TRUNCATION
    assert prefix.confidence == PREFIX_CONFIDENCE
    assert trace.output.startswith(prefix.output)
    assert 0.4 <= len(prefix.output.split()) / len(trace.output.split()) < 1
    assert len({trace.id, synonym.id, prefix.id}) == 3
    assert augmented(trace) == [synonym, prefix], "the same trace always gives the same copies"


def test_copies_of_a_correction_replace_nothing(make_trace: Make) -> None:
    copies = augmented(make_trace("A big idea, said in a few more words.", rejected="An idea."))
    assert [copy.rejected for copy in copies] == [None, None]


@pytest.mark.parametrize("text", ["", "😊", "ok", "Hm hm hm hm"])
def test_what_is_too_short_to_cut_and_has_no_synonym_is_left_alone(make_trace: Make, text: str) -> None:
    assert augmented(make_trace(text)) == []


def test_only_prefixes_are_biased_and_the_more_the_less_sure_their_reading(make_trace: Make) -> None:
    kinds = [
        make_trace(static=0.8),
        make_trace(static=0.8, origin=TRUNCATION, doubt=1.0),
        make_trace(static=0.8, origin=TRUNCATION, doubt=0.0),
    ]
    scores = [trace.score for trace in with_prefixes_scored(kinds, [0.2, 0.2, 0.2], 0.5)]
    assert scores == pytest.approx([0.8, 0.5, 0.8])


def test_rescoring_starts_from_what_was_said(make_trace: Make) -> None:
    once = rescored([make_trace(static=0.8)], [0.3], 0.4)
    twice = rescored(once, [0.3], 0.4)
    assert [once[0].score, twice[0].score] == pytest.approx([0.6, 0.6])
    assert twice[0].static == 0.8


def test_every_trace_has_a_number_of_its_own() -> None:
    numbers = [draw(f"trace {i}") for i in range(500)]
    assert len(set(numbers)) == 500
    assert all(0 <= number < 1 for number in numbers)
    assert sum(numbers) / 500 == pytest.approx(0.5, abs=0.05)

"""A passage that is written several times."""

from collections.abc import Callable
from typing import Any

import pytest

from app.inference.engine import Engine
from app.inference.tokens import Tokens
from app.inference.types import EngineLoad
from tests.inference.voices import answer


def test_a_single_candidate_is_the_first_of_many(engine: Engine) -> None:
    spec: dict[str, Any] = {
        "text": "It rained all day.\nWe left soon after.",
        "n": 2,
        "temperature": 1.0,
        "max_tokens": 8,
        "seed": 3,
    }
    one, many = answer(engine, **spec), answer(engine, candidates=4, **spec)
    assert one.faithfulness[0] <= many.faithfulness[0]
    assert one.faithfulness[1] <= many.faithfulness[1]
    assert many.completion_tokens > 3 * one.completion_tokens
    assert many.prompt_tokens == one.prompt_tokens
    again = answer(engine, candidates=4, **spec | {"temperature": 0.0})
    assert again.completion_tokens <= one.completion_tokens
    assert again.texts == answer(engine, **spec | {"temperature": 0.0}).texts


def test_candidates_are_the_same_beside_each_other_and_one_by_one(make: Callable[..., Engine]) -> None:
    spec: dict[str, Any] = {
        "text": "Maria left at 3.\nTom left at 4.",
        "n": 2,
        "temperature": 1.0,
        "seed": 3,
        "candidates": 3,
    }
    outcomes = [answer(make(max_batch_rows=rows), **spec) for rows in (32, 5, 1)]
    assert outcomes[0].texts == outcomes[1].texts == outcomes[2].texts
    assert outcomes[0].lost == outcomes[2].lost
    assert set(outcomes[0].lost[0]) <= {"Maria", "3", "Tom", "4"}


def test_after_a_faithful_candidate_no_other_is_written(
    make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tokens, "text", lambda self, ids: "Rewritten: it rained")
    monkeypatch.setattr("app.inference.faithful.UNENDED", 1.0)
    spec: dict[str, Any] = {"text": "It rained all day.", "max_tokens": 6, "candidates": 4}
    beside, after = answer(make(), **spec), answer(make(max_batch_rows=1), **spec)
    assert beside.texts == after.texts == ["it rained"]
    assert (beside.faithfulness, beside.lost) == ([1.0], [[]])
    assert after.completion_tokens <= 6
    assert beside.completion_tokens <= 4 * 6


def test_a_long_text_gets_as_many_candidates_as_the_queue_holds(make: Callable[..., Engine]) -> None:
    spec: dict[str, Any] = {
        "text": "It rained all day.\nWe left soon after.",
        "n": 2,
        "max_tokens": 4,
        "temperature": 1.0,
    }
    few, many = make(max_queue_rows=9), make(max_queue_rows=64)
    assert answer(few, candidates=8, **spec).texts == answer(many, candidates=2, **spec).texts
    assert few.load == EngineLoad(0, 0)

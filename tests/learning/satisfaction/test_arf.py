from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from app.learning.satisfaction.arf import ArfConfig, ArfScorer, believed, hear
from app.learning.satisfaction.features import PairFeatures
from app.learning.satisfaction.replay import Replay
from app.learning.satisfaction.state import UnusableState, packed, unpacked
from app.learning.satisfaction.traces import EDIT, SYNONYM, TRUNCATION, Trace

Make = Callable[..., Trace]

LOUD = [f"Great news about the {thing}! See you at the shop!" for thing in ("boat", "cake", "dog", "hill")]
CALM = [f"There is news about the {thing}. See you at the shop." for thing in ("boat", "cake", "dog", "hill")]
PROMPT = "I will see you soon at the station."


def fresh_scorer(features: PairFeatures) -> ArfScorer:
    return ArfScorer(features(["a"], ["a"]).shape[1])


def likes(scorer: ArfScorer, features: PairFeatures, texts: list[str]) -> float:
    return scorer.satisfaction(features([PROMPT] * len(texts), texts)).mean().item()


def replies(make_trace: Make, loud: float, first: int = 1) -> list[Trace]:
    """One about each text: so pleased with the loud ones, the opposite with the calm."""
    texts = [text for pair in zip(LOUD, CALM, strict=True) for text in pair]
    return [
        make_trace(text, static=loud if "!" in text else 1 - loud, reply=first + place)
        for place, text in enumerate(texts)
    ]


def test_of_somebody_nobody_has_heard_every_score_is_a_half(features: PairFeatures) -> None:
    assert fresh_scorer(features).satisfaction(features(["a b"] * 2, LOUD[:2])).tolist() == [0.5, 0.5]


def test_a_taste_is_learned_and_its_reversal_too(features: PairFeatures, make_trace: Make) -> None:
    scorer, replay, config = fresh_scorer(features), Replay(), ArfConfig()
    for update in range(1, 7):
        hear(scorer, replay, replies(make_trace, 0.95, 8 * update), features, config, update=update)
    assert likes(scorer, features, LOUD) > likes(scorer, features, CALM) + 0.3
    for update in range(7, 19):
        hear(scorer, replay, replies(make_trace, 0.05, 8 * update), features, config, update=update)
    assert likes(scorer, features, CALM) > likes(scorer, features, LOUD) + 0.3


def test_a_correction_alone_teaches_what_is_better(features: PairFeatures, make_trace: Make) -> None:
    scorer, replay = fresh_scorer(features), Replay()
    edits = [
        make_trace(calm, static=0.5, reply=place, origin=EDIT, rejected=loud)
        for place, (loud, calm) in enumerate(zip(LOUD, CALM, strict=True), start=1)
    ]
    for update in range(1, 6):
        hear(scorer, replay, edits, features, ArfConfig(), update=update)
    assert likes(scorer, features, CALM) > likes(scorer, features, LOUD) + 0.2


def test_an_update_tells_what_it_added_and_how_well_it_had_foretold(features: PairFeatures, make_trace: Make) -> None:
    scorer, replay = fresh_scorer(features), Replay()
    first = hear(scorer, replay, replies(make_trace, 0.9), features, ArfConfig(), update=1)
    assert {trace.origin for trace in first.added} == {"reply", SYNONYM, TRUNCATION}
    assert first.metrics["error"] == first.metrics["guess"] == pytest.approx(0.4)
    assert first.relabelled == []
    for update in range(2, 7):
        last = hear(scorer, replay, replies(make_trace, 0.9, 8 * update), features, ArfConfig(), update=update)
    assert last.metrics["error"] < last.metrics["guess"] - 0.1


def test_rescoring_moves_old_labels_towards_the_scorer(features: PairFeatures, make_trace: Make) -> None:
    scorer, replay, config = fresh_scorer(features), Replay(), ArfConfig(rescore_every=2)
    hear(scorer, replay, replies(make_trace, 0.9, 33), features, config, update=1)
    heard = hear(scorer, replay, replies(make_trace, 0.1, 41), features, config, update=2)
    old = {trace.id for trace in replies(make_trace, 0.9, 33)}
    assert old <= {trace.id for trace in heard.relabelled}
    share = 0.4  # 48 replies: past the warm-up
    for trace in heard.relabelled[:5]:
        expected = (1 - share) * trace.static + share * believed(scorer, [trace], features)[0]
        assert trace.score == pytest.approx(expected, abs=1e-6)
    without = replace(config, has_rescoring=False)
    assert hear(scorer, replay, replies(make_trace, 0.5, 49), features, without, update=4).relabelled == []


def test_the_same_traces_give_the_same_scorer(features: PairFeatures, make_trace: Make) -> None:
    def learned() -> bytes:
        scorer = fresh_scorer(features)
        hear(scorer, Replay(), replies(make_trace, 0.9), features, ArfConfig(), update=1, seed=5)
        return packed(scorer)

    assert learned() == learned()


def test_a_scorer_survives_as_bytes(features: PairFeatures, make_trace: Make) -> None:
    scorer, replay = fresh_scorer(features), Replay()
    hear(scorer, replay, replies(make_trace, 0.9), features, ArfConfig(), update=1)
    content = packed(scorer)
    restored = unpacked(content, scorer.hidden.in_features)
    assert likes(restored, features, LOUD) == likes(scorer, features, LOUD)
    hear(scorer, replay, replies(make_trace, 0.2, 9), features, ArfConfig(), update=2)
    hear(restored, Replay(replay.all()[:0]), replies(make_trace, 0.2, 9), features, ArfConfig(), update=2)
    assert torch.isfinite(restored.out.weight).all()


@pytest.mark.parametrize("content", [b"", b"pickle?", b"\x80\x04K\x01."])
def test_bytes_that_are_no_scorer_are_refused(content: bytes) -> None:
    with pytest.raises(UnusableState):
        unpacked(content, 5)


def test_a_scorer_for_other_features_is_refused() -> None:
    with pytest.raises(UnusableState, match="cannot be used"):
        unpacked(packed(ArfScorer(4)), 5)


def test_nothing_new_is_an_error(features: PairFeatures) -> None:
    with pytest.raises(ValueError, match="at least one"):
        hear(fresh_scorer(features), Replay(), [], features, ArfConfig(), update=1)

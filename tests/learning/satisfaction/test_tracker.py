import torch

from app.learning.satisfaction.arf import ArfScorer
from app.learning.satisfaction.features import PairFeatures
from app.learning.satisfaction.tracker import beliefs

PROBES = [("plain", f"We met {name} at the lake. It was a fine day for all of us.") for name in "ABCDEF"]


def scorer_that(features: PairFeatures, **weights: float) -> ArfScorer:
    """Likes what its weights say of the counted habits: exclaiming, smiling, lower, size."""
    scorer = ArfScorer(features(["a"], ["a"]).shape[1])
    places = {"exclaiming": 0, "smiling": 1, "lower": 2, "size": 3}
    with torch.no_grad():
        scorer.hidden.weight.zero_()
        for unit, (name, weight) in enumerate(weights.items()):
            scorer.hidden.weight[unit, places[name]] = weight
            scorer.out.weight[0, unit] = 1.0
    return scorer


def test_what_a_scorer_likes_is_said_in_words_the_strongest_first(features: PairFeatures) -> None:
    found = beliefs(scorer_that(features, exclaiming=-2.0, smiling=0.4), PROBES, features)
    likes = {belief.name: belief.likes for belief in found}
    assert likes["exclamation marks"] == "fewer exclamation marks"
    assert likes["emoji"] == "emoji"
    assert likes["formal words"] == ""
    assert found[0].name == "exclamation marks"
    assert found[0].low <= found[0].effect <= found[0].high < 0


def test_a_scorer_that_knows_nothing_believes_nothing(features: PairFeatures) -> None:
    found = beliefs(ArfScorer(features(["a"], ["a"]).shape[1]), PROBES, features)
    assert {belief.likes for belief in found} == {""}


def test_too_few_texts_are_not_asked(features: PairFeatures) -> None:
    assert beliefs(scorer_that(features, size=1.0), PROBES[:3], features) == []

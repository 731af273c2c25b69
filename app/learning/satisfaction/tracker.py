"""The preference tracker: what a scorer believes its person likes, in words.

A belief is measured, not claimed: the scorer judges the person's own recent outputs with more and with less of one
habit; the mean difference is the effect, and it is believed when the 90 % bootstrap interval over the texts leaves out
zero and the effect is neither tiny nor small beside the strongest. The interval tells how the texts vary, not how well
the scorer knows the person: for that look at how well it foretold replies (`error` against `guess`), and count only
what several versions in a row believe (`beliefs.settled`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.learning.bootstrap import interval
from app.learning.satisfaction.arf import ArfScorer
from app.learning.satisfaction.beliefs import Belief
from app.learning.satisfaction.directions import DIRECTIONS, Direction
from app.learning.satisfaction.features import PairFeatures

LEAST_EFFECT: Final = 0.05
LEAST_SHARE: Final = 0.35
"""Of the strongest effect: habits go together in texts, so a strong liking casts weak shadows on others."""
FEWEST_PROBES: Final = 4


def beliefs(
    scorer: ArfScorer, probes: Sequence[tuple[str, str]], features: PairFeatures, *, seed: int = 0
) -> list[Belief]:
    """One a direction, the strongest first; none with fewer than 4 (prompt, output) probes."""
    if len(probes) < FEWEST_PROBES:
        return []
    found = [_belief(scorer, direction, probes, features, seed) for direction in DIRECTIONS]
    found.sort(key=lambda belief: -abs(belief.effect))
    least = max(LEAST_EFFECT, LEAST_SHARE * abs(found[0].effect))
    return [belief if abs(belief.effect) >= least else replace(belief, likes="") for belief in found]


def _belief(
    scorer: ArfScorer, direction: Direction, probes: Sequence[tuple[str, str]], features: PairFeatures, seed: int
) -> Belief:
    versions = [(prompt, *direction.pair(output)) for prompt, output in probes]
    # A text that an edit cannot change in either way says nothing about it.
    versions = [(prompt, more, less) for prompt, more, less in versions if more != less]
    if len(versions) < FEWEST_PROBES:
        return Belief(direction.name, "", 0.0, 0.0, 0.0)
    prompts = [prompt for prompt, _, _ in versions]
    more_N = scorer.satisfaction(features(prompts, [more for _, more, _ in versions]))
    less_N = scorer.satisfaction(features(prompts, [less for _, _, less in versions]))
    effect = interval((more_N - less_N).tolist(), level=0.9, seed=seed)
    likes = ""
    if effect.low * effect.high > 0:
        likes = direction.more if effect.mean > 0 else direction.less
    return Belief(direction.name, likes, round(effect.mean, 4), round(effect.low, 4), round(effect.high, 4))

"""Does the scorer listen, and which part of it matters? One arm: one simulated person, one way of learning.

The person sees texts one after the other and replies; the replies are read by the given static scorer, become traces
and are heard as in the server. At every checkpoint the scorer's correlation with the person's hidden utility is taken
on texts it never learns from. At half of the replies the person changes their mind, and so does what counts as right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch

from app.learning.satisfaction.arf import ArfConfig, ArfScorer, hear
from app.learning.satisfaction.features import PairFeatures
from app.learning.satisfaction.reading import Moods, Reading, read
from app.learning.satisfaction.replay import Replay
from app.learning.satisfaction.simulated import SimulatedPerson, variants
from app.learning.satisfaction.traces import REPLY, Trace
from app.learning.seeding import generator

REPLIES: Final = 160
HELD_OUT: Final = 120
CHECK_EVERY: Final = 8
NEVER: Final = 1e9


def arms(config: ArfConfig | None = None) -> dict[str, ArfConfig]:
    """Everything, and everything but one part."""
    whole = config or ArfConfig()
    return {
        "everything": whole,
        "no replay": replace(whole, has_replay=False),
        "no rescoring": replace(whole, has_rescoring=False),
        "no augmentation": replace(whole, has_augmentation=False),
        "no age weighting": replace(whole, fades_after=NEVER),
        "neither rescoring nor age weighting": replace(whole, has_rescoring=False, fades_after=NEVER),
    }


@dataclass(frozen=True)
class Point:
    replies: int
    correlation: float
    """Pearson's, of S_arf and the hidden utility of that moment, on held-out texts; 0 while the scorer is constant."""


@dataclass(frozen=True)
class Arm:
    points: list[Point]
    static_correlation: float
    """Pearson's, of what was read from the replies and the hidden utility of the texts they were about."""

    def mean_between(self, first: int, last: int) -> float:
        """Of the points after more than `first` and at most `last` replies."""
        chosen = [point.correlation for point in self.points if first < point.replies <= last]
        return sum(chosen) / len(chosen)

    def replies_to(self, correlation: float, after: int) -> int | None:
        """Replies since `after` until a checkpoint reaches this correlation; None: never."""
        return next(
            (p.replies - after for p in self.points if p.replies > after and p.correlation >= correlation), None
        )


def run_arm(
    config: ArfConfig,
    prompts: Sequence[str],
    features: PairFeatures,
    moods: Moods,
    *,
    seed: int,
    replies: int = REPLIES,
) -> Arm:
    """`prompts`: plain texts; every third is held out for the correlation. Raises ValueError with fewer than six."""
    if len(prompts) < 6:
        raise ValueError(f"{len(prompts)} prompts are too few to hold some out: give at least 6")
    held_out = [prompt for place, prompt in enumerate(prompts) if place % 3 == 0]
    shown = [prompt for place, prompt in enumerate(prompts) if place % 3]
    test = variants(held_out, HELD_OUT, seed + 1)
    person = SimulatedPerson.drawn(seed)
    random = generator(seed, "replies")
    scorer = ArfScorer(features([shown[0]], [shown[0]]).shape[1])
    replay, fresh = Replay(), list[Trace]()
    points, said, felt, updates = list[Point](), list[float](), list[float](), 0
    for number, (prompt, output) in enumerate(variants(shown, replies, seed), start=1):
        if number == replies // 2 + 1:
            person = person.with_mind_changed()
        reading = read(person.reply(prompt, output, random), moods)
        said.append(reading.value)
        felt.append(person.utility(prompt, output))
        if reading.confidence:
            fresh.append(_trace(seed, number, prompt, output, reading))
        if len(fresh) >= config.every:
            updates += 1
            hear(scorer, replay, fresh, features, config, update=updates, seed=seed)
            fresh = []
        if number % CHECK_EVERY == 0:
            points.append(Point(number, _agreement(scorer, person, test, features)))
    return Arm(points, correlation(said, felt))


def correlation(left: Sequence[float], right: Sequence[float]) -> float:
    """Pearson's; 0 where one side is constant."""
    rows_2_N = torch.tensor([list(left), list(right)], dtype=torch.float64)
    if (rows_2_N.std(-1) < 1e-9).any():
        return 0.0
    return torch.corrcoef(rows_2_N)[0, 1].item()


def _trace(seed: int, number: int, prompt: str, output: str, reading: Reading) -> Trace:
    return Trace(
        id=f"{seed}-{number}",
        prompt=prompt,
        output=output,
        static=reading.value,
        doubt=reading.doubt,
        confidence=reading.confidence,
        origin=REPLY,
        reply=number,
        score=reading.value,
    )


def _agreement(
    scorer: ArfScorer, person: SimulatedPerson, test: Sequence[tuple[str, str]], features: PairFeatures
) -> float:
    scores = scorer.satisfaction(features([prompt for prompt, _ in test], [output for _, output in test]))
    return correlation(scores.tolist(), [person.utility(prompt, output) for prompt, output in test])

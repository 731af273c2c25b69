"""Candidate against incumbent: the same prompts, the same modes told, differences with bootstrap intervals.

A score is not quality; the comparison keeps texts side by side to be read. A prompt may have several outputs,
contiguous. What is drawn in every bootstrap are samples: passages of one letter share its topic and its form, so they
are one draw together, and many of them are no more evidence of how the person writes elsewhere.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean
from typing import Any

import torch

from app.learning.assessment import Assessment, Yardstick, assess, finite, nearest, nearest_modes, perplexity
from app.learning.bootstrap import Interval, interval
from app.learning.seeding import generator

GATE_LEVEL = 0.90
REPORT_LEVEL = 0.95
SIDE_BY_SIDE = 10


@dataclass(frozen=True)
class Comparison:
    inputs: list[str]
    candidate: Assessment
    incumbent: Assessment
    input_perplexity: float
    own_perplexity: float
    """Of the person's held-out samples, each voice as often as it was told: telegrams and letters are foreseen very
    differently, whoever writes them. NaN without any."""
    own_modes: dict[str, float]
    """Share of the person's own samples nearest to each mode, by the measure that the outputs are judged by."""
    seed: int = 0
    is_held_out: bool = True
    """Whether the inputs are samples of the person's that were kept from the training; else texts about anything."""
    origins: Sequence[str] = ()
    """Which sample each input is a passage of; empty: each is one by itself."""

    @property
    def prompts(self) -> int:
        return len(self.inputs)

    @property
    def samples(self) -> int:
        return len(set(self.origins)) or self.prompts

    @cached_property
    def style_gain(self) -> Interval:
        """Candidate minus incumbent, paired by prompt, with the gate's 90 % interval."""
        return self.gain("style", GATE_LEVEL)

    def gain(self, name: str, level: float) -> Interval:
        candidate, incumbent = (self._by_prompt(side, name) for side in (self.candidate, self.incumbent))
        return self._interval([c - i for c, i in zip(candidate, incumbent, strict=True)], level)

    def report(self) -> dict[str, Any]:
        """Everything as plain JSON values: both summaries, 95 % intervals of means and gains, texts side by side."""
        sides = {"candidate": self.candidate, "incumbent": self.incumbent}
        per_prompt = len(self.candidate.outputs) // self.prompts
        return {
            "prompts": self.prompts,
            "input_perplexity": finite(self.input_perplexity),
            "own_perplexity": finite(self.own_perplexity),
            "own_modes": self.own_modes,
            **{name: side.summary() for name, side in sides.items()},
            "intervals": {
                measure: {
                    **{
                        name: _ends(self._interval(self._by_prompt(side, measure), REPORT_LEVEL))
                        for name, side in sides.items()
                    },
                    "gain": _ends(self.gain(measure, REPORT_LEVEL)),
                }
                for measure in self.candidate.averaged
            },
            "texts": [
                {"input": text, **{name: side.outputs[i * per_prompt] for name, side in sides.items()}}
                for i, text in enumerate(self.inputs[:SIDE_BY_SIDE])
            ],
        }

    def _interval(self, by_prompt: Sequence[float], level: float) -> Interval:
        """Of the mean over samples; prompts without a value are left out."""
        of_sample: dict[str | int, list[float]] = {}
        for place, value in enumerate(by_prompt):
            if value == value:
                of_sample.setdefault(self.origins[place] if self.origins else place, []).append(value)
        return interval([mean(values) for values in of_sample.values()], level=level, seed=self.seed)

    def _by_prompt(self, side: Assessment, name: str) -> list[float]:
        values = torch.tensor(side.values[name], dtype=torch.float64).view(self.prompts, -1)
        return [float(value) for value in values.nanmean(-1)]


def compare(
    inputs: Sequence[str],
    candidate: Sequence[str],
    incumbent: Sequence[str],
    tags: Sequence[str | None],
    yardstick: Yardstick,
    *,
    seed: int = 0,
    origins: Sequence[str] = (),
) -> Comparison:
    """Measure both sides' outputs for the same neutral inputs and told modes.

    Each side has a whole number of outputs per input, contiguous, and `tags` has the mode told for each input (None:
    none was told). Outputs are rewrites as a user sees them, without the prefix. `origins`: which sample each input is
    a passage of, if they are not all of different ones.
    Raises ValueError for no inputs, sides of unequal or ragged length, unknown tags, and origins of other inputs.
    """
    if not inputs or len(inputs) != len(tags):
        raise ValueError("a comparison needs inputs, and a tag or None for each of them")
    if len(candidate) != len(incumbent) or not candidate or len(candidate) % len(inputs):
        raise ValueError(f"{len(candidate)} and {len(incumbent)} outputs cannot be paired over {len(inputs)} inputs")
    if origins and len(origins) != len(inputs):
        raise ValueError(f"{len(origins)} origins cannot be those of {len(inputs)} inputs")
    if unknown := {tag for tag in tags if tag is not None} - set(yardstick.references.shares):
        raise ValueError(f"the person has no mode {', '.join(sorted(unknown))}")
    own = list(yardstick.held_out_samples)
    return Comparison(
        list(inputs),
        assess(inputs, candidate, tags, yardstick),
        assess(inputs, incumbent, tags, yardstick),
        perplexity(yardstick.log_likelihood(list(inputs)).tolist()),
        _own_perplexity(yardstick, own, tags),
        nearest_modes(yardstick.references, yardstick.training_samples),
        seed,
        is_held_out=bool(own),
        origins=list(origins),
    )


def _own_perplexity(yardstick: Yardstick, own: Sequence[str], tags: Sequence[str | None]) -> float:
    """A voice of which nothing that has a likelihood was held out does not count; where none is told of those that do,
    all texts weigh the same."""
    if not own:
        return math.nan
    likelihood = yardstick.log_likelihood(own).tolist()
    of_voice: dict[str, list[float]] = {}
    for tag, value in zip(nearest(yardstick.references, own), likelihood, strict=True):
        if not math.isnan(value):
            of_voice.setdefault(tag, []).append(value)
    told = Counter(tag for tag in tags if tag in of_voice)
    if not told:
        return perplexity(likelihood)
    return perplexity([mean(of_voice[tag]) for tag in told.elements()])


def tags_by_share(shares: Mapping[str, float], count: int, *, seed: int = 0) -> list[str]:
    """Modes to tell for `count` prompts, each as often as its share says to the nearest whole prompt, shuffled."""
    total = sum(shares.values())
    exact = {tag: share / total * count for tag, share in shares.items()}
    quota = {tag: math.floor(share) for tag, share in exact.items()}
    for tag in sorted(exact, key=lambda tag: quota[tag] - exact[tag])[: count - sum(quota.values())]:
        quota[tag] += 1
    tags = [tag for tag, times in quota.items() for _ in range(times)]
    return generator(seed, "told modes").sample(tags, len(tags))


def _ends(found: Interval) -> list[float | None]:
    return [finite(found.mean), finite(found.low), finite(found.high)]

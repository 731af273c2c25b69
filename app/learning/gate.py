"""May a new version speak for the person? Fixed checks with their numbers, in words that its owner understands.

A candidate is promoted if it passes all of them on at least 12 held-out samples; with fewer nobody can say, so the
person decides. Passages of one sample are prompts of their own, but no evidence of their own.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from app.learning.assessment import entropy
from app.learning.evaluate import Comparison

Decision = Literal["promoted", "rejected", "undecided"]


@dataclass(frozen=True)
class Thresholds:
    fewest_samples: int = 12
    style_gain: float = 0.0
    """The low end of the 90 % interval of the style gain must be above this."""
    first_meaning: float = 0.80
    first_entities: float = 0.85
    first_sentences: float = 0.85
    later_loss: float = 0.02
    """How much less of meaning, entities and sentences than its incumbent a later version may keep."""
    shortest: float = 0.7
    longest: float = 1.4
    perplexity_ratio: float = 1.25
    """Against the larger perplexity of the inputs and of the person's own held-out samples."""
    entropy_ratio: float = 0.8
    """Of the outputs' modes against the samples' own."""
    borrowed_words: int = 8


@dataclass(frozen=True)
class Check:
    name: str
    passed: bool
    value: float | None
    """None where there was nothing to measure."""
    bound: str
    words: str


@dataclass(frozen=True)
class Verdict:
    decision: Decision
    checks: list[Check]

    def report(self) -> dict[str, Any]:
        """`{"decision", "checks": [{"name", "passed", "value", "bound", "words"}, ...]}`."""
        return asdict(self)


def judge(comparison: Comparison, *, is_first: bool, thresholds: Thresholds = Thresholds()) -> Verdict:
    """Run every check. `is_first`: the incumbent is the base, so what must be kept has absolute bounds."""
    checks = [
        _samples(comparison, thresholds),
        _style(comparison, thresholds),
        _kept("meaning", "what you say", comparison, thresholds.first_meaning, is_first, thresholds.later_loss),
        _kept("entities", "names and figures", comparison, thresholds.first_entities, is_first, thresholds.later_loss),
        _kept("sentences", "whole sentences", comparison, thresholds.first_sentences, is_first, thresholds.later_loss),
        _length(comparison, thresholds),
        _fluency(comparison, thresholds),
        _voices(comparison, thresholds),
        _own_words(comparison, thresholds),
    ]
    if _held_out(comparison) < thresholds.fewest_samples:
        return Verdict("undecided", checks)
    return Verdict("promoted" if all(check.passed for check in checks) else "rejected", checks)


def _held_out(comparison: Comparison) -> int:
    return comparison.samples if comparison.is_held_out else 0


def _samples(comparison: Comparison, thresholds: Thresholds) -> Check:
    count, least = _held_out(comparison), thresholds.fewest_samples
    passed = count >= least
    words = f"It was tried on {count} of your texts that it had not seen."
    if not count:
        words = f"None of your texts was held out, so it was tried on {comparison.prompts} texts about anything."
    if not passed:
        words += f" That is too few to be sure ({least} are needed): read its texts and decide, or add samples."
    return Check("held-out", passed, float(count), f"≥ {least}", words)


def _style(comparison: Comparison, thresholds: Thresholds) -> Check:
    gain = comparison.style_gain
    passed = gain.low > thresholds.style_gain
    claim = "It sounds more like you than before" if passed else "It does not clearly sound more like you than before"
    words = f"{claim}: {gain.mean:+.2f} (90 % sure between {gain.low:+.2f} and {gain.high:+.2f})."
    return Check("style", passed, gain.mean, f"interval above {thresholds.style_gain:+.2f}", words)


def _kept(name: str, what: str, comparison: Comparison, first: float, is_first: bool, later_loss: float) -> Check:
    value, before = comparison.candidate.mean(name), comparison.incumbent.mean(name)
    bound = first if is_first or math.isnan(before) else before - later_loss
    if math.isnan(value):
        return Check(name, True, None, f"≥ {bound:.2f}", f"The texts held no {what} that could be lost.")
    passed = value >= bound
    words = f"It keeps {what}: {value:.2f}." if passed else f"It loses too much of {what}: {value:.2f} of 1."
    return Check(name, passed, value, f"≥ {bound:.2f}", words)


def _length(comparison: Comparison, thresholds: Thresholds) -> Check:
    ratio = comparison.candidate.mean("length_ratio")
    passed = thresholds.shortest <= ratio <= thresholds.longest
    words = f"Its texts are {ratio:.2f} times as long as what it was given."
    return Check("length", passed, ratio, f"{thresholds.shortest:.2f} to {thresholds.longest:.2f}", words)


def _fluency(comparison: Comparison, thresholds: Thresholds) -> Check:
    known = [p for p in (comparison.input_perplexity, comparison.own_perplexity) if not math.isnan(p)]
    value, bound = comparison.candidate.perplexity, thresholds.perplexity_ratio * max(known, default=math.nan)
    if math.isnan(value) or math.isnan(bound):
        bounds = f"≤ {thresholds.perplexity_ratio:g} times yours"
        return Check("fluency", False, None, bounds, "The texts are too short to say how fluently they read.")
    passed = value <= bound
    words = "It reads as fluently as you write." if passed else "It reads less fluently than you write."
    return Check("fluency", passed, value, f"≤ {bound:.1f}", words)


def _voices(comparison: Comparison, thresholds: Thresholds) -> Check:
    value, own = comparison.candidate.mode_entropy, entropy(comparison.own_modes)
    bound = thresholds.entropy_ratio * own
    passed = value >= bound
    if len(comparison.own_modes) == 1:
        words = "You have one voice here, so none could be lost."
    else:
        words = "It uses all of your voices." if passed else "It has fallen into fewer voices than you have."
    return Check("voices", passed, value, f"≥ {bound:.2f}", words)


def _own_words(comparison: Comparison, thresholds: Thresholds) -> Check:
    value = max(comparison.candidate.values["borrowed_words"])
    invented = sum(comparison.candidate.values.get("invented_addresses", []))
    passed = value <= thresholds.borrowed_words and not invented
    words = f"At most {value:.0f} words in a row come from one of your samples instead of from the text it was given."
    if invented:
        words += f" But it wrote links or addresses that the text had not, {invented:.0f} in all."
    return Check("own-words", passed, value, f"≤ {thresholds.borrowed_words}", words)

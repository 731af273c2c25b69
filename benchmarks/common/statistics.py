"""Medians and their spread. A ratio is taken turn by turn, so what slows a whole round down slows both its sides."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Summary:
    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Raises ValueError for none."""
        if not values:
            raise ValueError("there is nothing to summarise")
        return cls(statistics.median(values), min(values), max(values), len(values))

    def times(self, factor: float) -> Self:
        return replace(self, median=self.median * factor, low=self.low * factor, high=self.high * factor)

    def report(self) -> dict[str, Any]:
        return {key: rounded(value) if isinstance(value, float) else value for key, value in asdict(self).items()}

    def __str__(self) -> str:
        """Median and, where there are several values, the whole range."""
        if self.count == 1:
            return f"{rounded(self.median):g}"
        return f"{rounded(self.median):g} ({rounded(self.low):g}–{rounded(self.high):g})"


def ratio(above: Sequence[float], below: Sequence[float]) -> Summary:
    """Round by round, over the rounds that both took part in."""
    return Summary.of([a / b for a, b in zip(above, below, strict=False)])


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("there is nothing to rank")
    ranked = sorted(values)
    place = -int(-share * len(ranked) // 1) - 1
    return ranked[min(max(place, 0), len(ranked) - 1)]


def bound(adapters: int, share: float) -> float:
    """Best possible decode speed of a batch with so many distinct adapters, beside its base without any.

    Decoding is bound by memory: a step reads the base once and each adapter once, `share` being the bytes of an
    adapter over those of the base.
    """
    return 1 / (1 + adapters * share)


def rounded(value: float, digits: int = 4) -> float:
    return float(f"{value:.{digits}g}")

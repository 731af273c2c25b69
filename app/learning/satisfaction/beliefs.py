"""What a scorer believes its person likes, and when that changed. Without torch, as the web shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Belief:
    """Of one direction of style."""

    name: str
    likes: str
    """In words, such as `shorter texts`; empty if the scorer has no clear opinion."""
    effect: float
    """Mean of score(more) - score(less), in [-1, 1]."""
    low: float
    high: float
    """Its 90 % interval over the probes."""

    def report(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, report: Mapping[str, Any]) -> Self:
        return cls(**report)


@dataclass(frozen=True)
class Change:
    """Likes of one direction that are other words than the last clear ones; `before` is empty for a first opinion."""

    at: int
    """Index in the history of the beliefs that say so first."""
    name: str
    before: str
    after: str


def changes(history: Sequence[Sequence[Belief]]) -> Iterator[Change]:
    """Oldest first. An opinion that fades and comes back the same has not changed: replies are noisy."""
    last: dict[str, str] = {}
    for at, beliefs in enumerate(history):
        for belief in beliefs:
            before = last.get(belief.name, "")
            if belief.likes and belief.likes != before:
                yield Change(at, belief.name, before, belief.likes)
                last[belief.name] = belief.likes

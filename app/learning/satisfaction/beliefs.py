"""What a scorer believes its person likes, and when that changed. Without torch, as the web shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

STEADY: Final = 3
"""Versions in a row that must agree before an opinion counts."""


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
    """Likes of one direction that are other words than the last settled ones; `before` is empty for a first opinion."""

    at: int
    """Index in the history of the version by which it had settled."""
    name: str
    before: str
    after: str


def settled(history: Sequence[Sequence[Belief]]) -> list[Belief]:
    """Of the newest beliefs those that the versions before held as well: what one update says may be chance."""
    if not history:
        return []
    held = [_held(history, len(history) - 1, belief) for belief in history[-1]]
    return [belief for belief, is_held in zip(history[-1], held, strict=True) if is_held]


def changes(history: Sequence[Sequence[Belief]]) -> Iterator[Change]:
    """Settled opinions other than the last settled one, oldest first: one that fades and returns has not changed."""
    last: dict[str, str] = {}
    for at, beliefs in enumerate(history):
        for belief in beliefs:
            before = last.get(belief.name, "")
            if belief.likes != before and _held(history, at, belief):
                yield Change(at, belief.name, before, belief.likes)
                last[belief.name] = belief.likes


def _held(history: Sequence[Sequence[Belief]], at: int, belief: Belief) -> bool:
    """Whether this clear opinion was that of the STEADY versions up to `at`."""
    lately = history[max(0, at - STEADY + 1) : at + 1]
    likes = [next((b.likes for b in beliefs if b.name == belief.name), "") for beliefs in lately]
    return bool(belief.likes) and len(likes) == STEADY and set(likes) == {belief.likes}

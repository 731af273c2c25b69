"""A passage may be written more than once: what came of each attempt, and which of them is the answer. No torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from app.inference.faithful import Verdict, judge
from app.inference.types import PREFIX
from app.learning.copying import is_copy


def cleaned(completion: str) -> str:
    """What a completion says: without the prefix that all have, on one line."""
    return " ".join(completion.removeprefix(PREFIX.rstrip()).split())


@dataclass(frozen=True)
class Candidate:
    text: str
    finish: str
    verdict: Verdict
    is_copy: bool
    is_cut: bool = False
    """It met a text at which its sender wants the writing to stop."""
    tokens: Sequence[tuple[str, float]] = ()
    """Each with its log-probability, if they were asked for."""

    @classmethod
    def of(cls, passage: str, completion: str, *, is_finished: bool) -> Self:
        """What the model wrote for a passage. One that it left empty stays as it was: silence is no rewrite."""
        text = cleaned(completion)
        finish = ("stop" if is_finished else "length") if text else "empty"
        verdict = judge(passage, text, is_finished=is_finished)
        return cls(text or passage, finish, verdict, is_copy(passage, text))

    @property
    def is_welcome(self) -> bool:
        """Nothing a further candidate could do better."""
        return self.verdict.is_faithful and not self.is_copy


def best(candidates: Iterable[Candidate]) -> Candidate:
    """The first welcome one, or else the first of the most faithful. Raises ValueError for none."""
    known = list(candidates)
    return next((each for each in known if each.is_welcome), None) or max(known, key=lambda each: each.verdict.score)

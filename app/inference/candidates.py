"""A passage may be written more than once: what came of each attempt, and which of them is the answer. No torch."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from app.inference.ends import with_end_of
from app.inference.faithful import Verdict, judge
from app.inference.passages import is_brief, is_labelled
from app.inference.types import PREFIX
from app.learning.copying import is_copy

_PREFIX = re.compile(rf"\s*(?:{PREFIX.rstrip()}\s*)*", re.IGNORECASE)
"""Whoever writes small writes it small and once more."""


def prefix_of(completion: str) -> int:
    """Characters before what a completion says."""
    found = _PREFIX.match(completion)
    return found.end() if found else 0


def cleaned(completion: str) -> str:
    """What a completion says: without the prefix that all have, on one line."""
    return " ".join(completion[prefix_of(completion) :].split())


@dataclass(frozen=True)
class Candidate:
    text: str
    finish: str
    verdict: Verdict
    is_copy: bool
    """It is its passage word for word, and a further attempt may do better: not of a greeting that was left so."""
    is_cut: bool = False
    """It met a text at which its sender wants the writing to stop."""
    tokens: Sequence[tuple[str, float]] = ()
    """Each with its log-probability, if they were asked for."""

    @classmethod
    def of(
        cls,
        passage: str,
        completion: str,
        *,
        is_finished: bool,
        is_cut: bool = False,
        tokens: Sequence[tuple[str, float]] = (),
    ) -> Self:
        """What the model wrote for a passage. One that it left empty stays as it was: silence is no rewrite.

        So does one of a few words of which it made something else: what a greeting says is known.
        """
        text, is_line = cleaned(completion), is_brief(passage)
        if not is_cut:
            text = with_end_of(passage, text, is_line=is_line or is_labelled(passage))
        finish = ("stop" if is_finished else "length") if text or is_cut else "empty"
        verdict = judge(passage, text, is_finished=is_finished)
        is_spoiled = not is_cut and (not text or (is_line and not verdict.is_faithful))
        if not is_spoiled:
            return cls(text, finish, verdict, is_copy(passage, text) and not is_line, is_cut, tokens)
        if text:
            verdict = judge(passage, passage, is_finished=True)
        return cls(passage, finish, verdict, is_copy=True)

    @property
    def is_welcome(self) -> bool:
        """Nothing a further candidate could do better."""
        return self.verdict.is_faithful and not self.is_copy


def best(candidates: Iterable[Candidate]) -> Candidate:
    """The first welcome one, or else the first of the most faithful. Raises ValueError for none."""
    known = list(candidates)
    return next((each for each in known if each.is_welcome), None) or max(known, key=lambda each: each.verdict.score)

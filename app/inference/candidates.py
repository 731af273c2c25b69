"""A passage may be written more than once: what came of each attempt, and which of them is the answer. No torch."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from app.inference.faithful import Verdict, judge
from app.inference.passages import is_brief, with_end_of
from app.inference.types import PREFIX
from app.learning.copying import is_copy

_PREFIX = re.compile(rf"\A\s*(?:{PREFIX.rstrip()}\s*)+", re.IGNORECASE)


def cleaned(completion: str) -> str:
    """What a completion says: without the prefix that all have, on one line."""
    # Whoever writes small writes it small and once more.
    return " ".join(_PREFIX.sub("", completion).split())


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
        text = cleaned(completion)
        if not is_cut:
            text = with_end_of(passage, text, is_line=is_brief(passage))
        finish = ("stop" if is_finished else "length") if text or is_cut else "empty"
        verdict = judge(passage, text, is_finished=is_finished)
        if text and is_brief(passage) and not verdict.is_faithful and not is_cut:
            text, tokens, verdict = passage, (), judge(passage, passage, is_finished=True)
        if not is_cut:
            text = text or passage
        return cls(text, finish, verdict, is_copy(passage, text), is_cut, tokens)

    @property
    def is_welcome(self) -> bool:
        """Nothing a further candidate could do better."""
        return self.verdict.is_faithful and not self.is_copy


def best(candidates: Iterable[Candidate]) -> Candidate:
    """The first welcome one, or else the first of the most faithful. Raises ValueError for none."""
    known = list(candidates)
    return next((each for each in known if each.is_welcome), None) or max(known, key=lambda each: each.verdict.score)

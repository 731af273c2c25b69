"""Did a small model say all of it? Judged by spelling alone, in a millisecond, so that the engine can choose.

Seven parts, each 1 where nothing is amiss; their product is the score:
- `facts`: names, figures and addresses of the passage that the text tells, with one more counted as kept, so that
  losing the only name is bad and losing one of many less so;
- `sentences`: every sentence with enough content leaves a trace of it, counted in the same way;
- `length`: about as many words, neither half the message nor twice as much;
- `loop`: no words said over and over that the passage does not repeat;
- `ending`: the model ended the text itself;
- `echo`: it does not speak of its task;
- `brief`: a greeting, a heading or an answer of a few words is still one, and says yes or no as before.
It says nothing about sense or style: a copy is faithful, and so is a text that turns everything round and keeps the
names. It is no reward either; the rewards have an entity finder and an encoder of meaning.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import nan, prod
from typing import Final

from app.inference.brief import is_near
from app.inference.facts import Piece, folded, lost, pieces
from app.inference.ordinary import COURTESY, GRAMMAR
from app.inference.passages import is_brief
from app.inference.types import PREFIX

SHORTEST: Final = 0.6
LONGEST: Final = 2.0
SLACK_WORDS: Final = 6
"""A text may have twice the words of its passage and some more for an opener."""
LOOPED: Final = 0.25
ECHOED: Final = 0.25
STRAYED: Final = 0.25
UNENDED: Final = 0.5
TASK: Final = PREFIX.rstrip(": ").lower()

STEM: Final = 4
"""Letters by which `cancelled` and `cancellation` are one word."""
CONTENT: Final = 3
"""A sentence with fewer content words may be said without any of them: `Thank you very much`, `cheers`."""
TRACE: Final = 0.25
"""Share of a sentence's content words that shows that it was said."""
NO_CONTENT: Final = GRAMMAR | COURTESY

_IN_A_ROW: Final = re.compile(r"(?<!\S)(?:(\S+ )\1{3,}|((?:\S+ ){2,8}?)\2{2,})")
"""A word four times, or two to eight words three times, one after the other."""
_ANYWHERE: Final = ((3, 3), (6, 2))
"""(words, times) that make a loop wherever they stand."""


@dataclass(frozen=True)
class Verdict:
    """What became of a passage."""

    parts: Mapping[str, float]
    """In (0, 1] each; `written` is 0 if nothing was."""
    lost: Sequence[str] = field(default=())
    """Facts of the passage that the text does not tell, as they were spelled."""

    @cached_property
    def score(self) -> float:
        return prod(self.parts.values())

    @property
    def is_faithful(self) -> bool:
        return self.score == 1


def judge(passage: str, text: str, *, is_finished: bool) -> Verdict:
    """`is_finished`: the model ended the text by itself and did not meet its limit."""
    if not text.strip():
        return Verdict({"written": 0.0})
    asked, written = pieces(passage), pieces(text)
    missing, count = lost(asked, written)
    return Verdict(
        {
            "facts": (count - len(missing) + 1) / (count + 1),
            "sentences": _sentences(asked, written),
            "length": _length(len(asked), len(written)),
            "loop": LOOPED if _loops([piece.lower for piece in asked], [piece.lower for piece in written]) else 1.0,
            "ending": 1.0 if is_finished else UNENDED,
            "echo": ECHOED if TASK in {piece.lower for piece in written} - {piece.lower for piece in asked} else 1.0,
            "brief": STRAYED if is_brief(passage) and not is_near(passage, asked, text, written) else 1.0,
        },
        tuple(missing),
    )


def loops(passage: str, text: str) -> bool:
    """Whether the text says something over and over that the passage does not."""
    asked, written = pieces(passage), pieces(text)
    return _loops([piece.lower for piece in asked], [piece.lower for piece in written])


def share_told(passage: str, text: str) -> float:
    """Of the passage's sentences that have enough content, the share that left a trace in the text; NaN of none."""
    traced, count = _told(pieces(passage), pieces(text))
    return traced / count if count else nan


def _sentences(asked: Sequence[Piece], written: Sequence[Piece]) -> float:
    traced, count = _told(asked, written)
    return (traced + 1) / (count + 1)


def _told(asked: Sequence[Piece], written: Sequence[Piece]) -> tuple[int, int]:
    """How many sentences left a trace, of how many that have enough content."""
    said = _stems(written)
    starts = [place for place, piece in enumerate(asked) if piece.is_first]
    sentences = [_stems(asked[start:end]) for start, end in pairwise([*starts, len(asked)])]
    judged = [stems for stems in sentences if len(stems) >= CONTENT]
    return sum(len(stems & said) >= TRACE * len(stems) for stems in judged), len(judged)


def _length(asked: int, written: int) -> float:
    shortest, longest = int(SHORTEST * asked), LONGEST * asked + SLACK_WORDS
    if shortest <= written <= longest:
        return 1.0
    return max(written, 1) / shortest if written < shortest else longest / written


def _loops(asked: Sequence[str], written: Sequence[str]) -> bool:
    """Whether words repeat themselves, other than those that the passage repeats."""
    passage = " ".join(asked) + " "
    for row in _IN_A_ROW.finditer(" ".join(written) + " "):
        if (row[1] or row[2]) * 2 not in passage:
            return True
    for size, times in _ANYWHERE:
        before = _runs(asked, size)
        if any(count >= times and before[run] < 2 for run, count in _runs(written, size).items()):
            return True
    return False


def _runs(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def _stems(said: Sequence[Piece]) -> set[str]:
    """Beginnings of the content words, names among them."""
    return {
        folded(piece.name)[:STEM]
        for piece in said
        if piece.name not in NO_CONTENT and (len(piece.name) >= STEM or piece.has_capital or piece.kind == "number")
    }

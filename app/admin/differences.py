"""Two texts word by word: what each says that the other does not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

EXACT_UP_TO: Final = 400
"""Words. In longer texts matches begin at rarer words only: all pairs of repeated words would take minutes."""


@dataclass(frozen=True)
class Run:
    """A stretch of a text. The runs of a text joined are the text."""

    text: str
    differs: bool


def compared(left: str, right: str) -> tuple[list[Run], list[Run]]:
    """The runs of both. Words that differ only in the space after them are the same."""
    left_words, right_words = _words(left), _words(right)
    is_long = max(len(left_words), len(right_words)) > EXACT_UP_TO
    matcher = SequenceMatcher(
        None, [word.strip() for word in left_words], [word.strip() for word in right_words], autojunk=is_long
    )
    same_left, same_right = set[int](), set[int]()
    for block in matcher.get_matching_blocks():
        same_left.update(range(block.a, block.a + block.size))
        same_right.update(range(block.b, block.b + block.size))
    return list(_runs(left_words, same_left)), list(_runs(right_words, same_right))


def _words(text: str) -> list[str]:
    """Words and signs, each with the space that follows it."""
    return re.findall(r"^\s+|(?:\w+(?:['’-]\w+)*|[^\w\s]+)\s*", text)


def _runs(words: list[str], same: set[int]) -> Iterator[Run]:
    for differs, indices in groupby(range(len(words)), key=lambda index: index not in same):
        text = "".join(words[index] for index in indices)
        # The space after the last word that differs belongs to nobody: marked, it would look like a word of its own.
        end = len(text.rstrip()) if differs else len(text)
        yield Run(text[:end], differs)
        if text[end:]:
            yield Run(text[end:], False)

"""Texts into passages and back. A small base writes short passages well and long texts badly.

A passage is one line of at most N words, cut at sentence ends; a longer sentence is cut at clause ends, a longer clause
between words. Lines that a mail program wrapped at its width are one. The white space around passages is kept apart, so
that a rewritten text has the paragraphs and lists of the original, and so are the marks of lists and quotations.
Samples, requests and evaluation all go through here. No torch.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.inference.ends import CLOSING, STOPS

_LINE = re.compile(r"[^\r\n]+")
_MARKER = re.compile(
    r"[ \t]*(?:(?:[-*•·◦○▪–—>#+]+|\d{1,3}[.)]|[A-Za-z]\)|\((?:\d{1,3}|[A-Za-z])\)|\[[ xX]\])[ \t\u00a0]+(?=\S))+"
)
"""What a line of a list or of a quotation begins with."""
_ADDRESS = re.compile(r"\S*(?:://|@)|www\.")
_BREAK = re.compile(r"(?<![ \t])[ \t]*(?:\r\n|\r|\n)[ \t]*")
_WIDTHS = range(60, 101)
"""Characters at which lines are wrapped."""
_ALIKE = 0.8
_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s)")
_SHORTENED = re.compile(r"\b(?:Mr|Mrs|Ms|Mx|Dr|Prof|St|vs|e\.g|i\.e|[A-Z])\.$")
"""No end of a sentence."""
_LONGEST_SHORTENED = len(" Prof.")
_CLAUSE_END = re.compile(r"[,;:–—](?=\s)")
_WORD_END = re.compile(r"\S(?=\s)")
_LABEL = re.compile(r"[^\W\d_]{2,12}: *(?=\S)")
_FEW_WORDS = 3
_LINE_WORDS = 5
"""`To whom it may concern,`"""
_WORD_CHARACTERS = 8
"""Some scripts put no spaces between words."""
_CUTS = (_SENTENCE_END, _CLAUSE_END, _WORD_END)


@dataclass(frozen=True)
class Passages:
    passages: list[str]
    gaps: list[str]
    """What is kept apart before, between and after: one more than passages."""

    def join(self, rewritten: Sequence[str]) -> str:
        """The text with these passages in place of its own; join(passages) is the text itself, no longer wrapped."""
        pairs = zip(self.gaps, rewritten, strict=False)
        return "".join(gap + passage for gap, passage in pairs) + self.gaps[-1]


def split(text: str, most_words: int) -> Passages:
    """Cut `text` into passages of at most `most_words` words. What has no letter or digit is kept apart, as space."""
    spans = [
        span
        for start, end in _lines(text)
        for span in _spans(text, start, end, most_words)
        if any(map(str.isalnum, text[slice(*span)]))
    ]
    passages = [_BREAK.sub(" ", text[start:end]) for start, end in spans]
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    gaps = [text[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2)]
    return Passages(passages, gaps)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Where lines begin and end, wrapped ones taken together. Blank ones are left out."""
    lines = [found.span() for found in _LINE.finditer(text) if not found[0].isspace()]
    lengths = sorted((len(text[slice(*line)].rstrip()) for line in lines), reverse=True)
    # One line may be long by itself; two of about the same length were cut there. Of whoever writes no capitals, a
    # small letter says nothing.
    has_capitals = any(text[start] != text[start].lower() for start, _ in lines)
    width = lengths[0] if has_capitals and lengths[1:] and lengths[1] >= _ALIKE * lengths[0] else 0
    start = lines[0][0] if lines else 0
    for line, following in pairwise(lines):
        gap = text[line[1] : following[0]]
        if not _BREAK.fullmatch(gap) or not _is_wrapped(text[slice(*line)], text[slice(*following)], width):
            yield _unmarked(text, start), line[1]
            start = following[0]
    if lines:
        yield _unmarked(text, start), lines[-1][1]


def _unmarked(text: str, start: int) -> int:
    """Where the words of a line begin."""
    marker = _MARKER.match(text, start)
    return marker.end() if marker else start


def _is_wrapped(line: str, following: str, width: int) -> bool:
    """Whether a sentence goes on in the line that follows because its first word had no room in this one."""
    line, first = line.rstrip(), following.split()[0]
    if _MARKER.match(following) or _ADDRESS.match(first):
        return False
    goes_on = first[0].islower() or first.split("'")[0].split("’")[0] == "I"
    return width in _WIDTHS and goes_on and len(line) + 1 + len(first) > width and not line.endswith((*STOPS, ":"))


def is_brief(passage: str) -> bool:
    """Whether it may be no sentence: a greeting, a heading, a label."""
    words = max(len(passage.split()), len(passage) // _WORD_CHARACTERS)
    return words <= (_FEW_WORDS if passage.rstrip(CLOSING).endswith(tuple(STOPS)) else _LINE_WORDS)


def is_labelled(passage: str) -> bool:
    """Whether it begins as `Subject: Your table is waiting` does: however long, that is a heading."""
    return bool(_LABEL.match(passage))


def _spans(text: str, start: int, end: int, most_words: int, level: int = 0) -> Iterator[tuple[int, int]]:
    """Passages within text[start:end], greedily filled with pieces cut at this level's marks."""
    start, end = _trimmed(text, start, end)
    if start == end:
        return
    if len(text[start:end].split()) <= most_words:
        yield start, end
        return
    begin = last = start
    ends = [found.end() for found in _CUTS[level].finditer(text, start, end)]
    if not level:
        ends = [at for at in ends if not _SHORTENED.search(text, max(begin, at - _LONGEST_SHORTENED), at)]
    for cut in [*ends, end]:
        if len(text[begin:cut].split()) > most_words:
            if last > begin:
                yield _trimmed(text, begin, last)
            begin = last
            if len(text[begin:cut].split()) > most_words:
                *full, open_span = _spans(text, begin, cut, most_words, level + 1)
                yield from full
                begin = open_span[0]
        last = cut
    if begin < end:
        yield _trimmed(text, begin, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))

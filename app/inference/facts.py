"""What a rewrite must not lose: the names, figures and addresses of a text, told by spelling alone. No torch, no spaCy.

A capital inside a sentence marks a name. The first word of a sentence has a capital anyway: it is a name if it is a
known one, or if it is no ordinary opener and stands as names stand: before a verb, another name or a comma, or with a
possessive. Where capitals say nothing (all small, or nearly all large) only known names count. A wrong guess costs
little: one word too many is kept.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from app.inference.figures import digits, is_said, spoken
from app.inference.ordinary import DAYS, INTERJECTIONS, OPENERS, SAME, SINGULAR_VERBS, TITLES, VERBS
from app.learning.lexicon import AMBIGUOUS_NAMES, DROPPED, NAMES, SHOUTED

KNOWN: Final = frozenset(NAMES) - AMBIGUOUS_NAMES
ORDINARY: Final = (OPENERS | SHOUTED | frozenset(DROPPED)) - AMBIGUOUS_NAMES
NOBODY: Final = TITLES | INTERJECTIONS | {"i"}
ACRONYM_LETTERS: Final = 5
"""A longer word in large letters is shouted."""
MOSTLY: Final = 0.75
"""A text of which this share of words has a capital is a headline or shouted."""
HEADLINE_WORDS: Final = 5
"""A shorter text is no headline: `Anna met Tom Brown.`"""

_PIECE: Final = re.compile(
    r"(?P<address>(?i:https?://|www\.)[^\s<>]*[^\s<>.,;:!?)]|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<initials>\b(?:[^\W\d_]\.){2,})"
    r"|(?P<number>\d+(?:[.,:]\d+)*)"
    r"|(?P<word>[^\W\d_][^\W_]*(?:['’][^\W\d_]+)*)"
)
_WITHIN: Final = re.compile(r"[ \t,&/+]*[@#]?|-")
"""Between two words of a sentence. Anything else (a stop, a quotation mark, an emoji, a new line) may begin one."""
_ENDING: Final = re.compile(r"['’](?:s|re|ve|ll|d|m)?$")
_ADVERB_OR_VERB: Final = re.compile(r"(?:ly|ing|ed)$")
_PLURAL: Final = re.compile(r"[^aious]s$")
_PAST: Final = re.compile(r"\w{2,}ed$")
_STRETCHED: Final = re.compile(r"(.)\1\1")
_REPEATED: Final = re.compile(r"(.)\1+")


@dataclass(frozen=True)
class Piece:
    """A word, number, address or abbreviation, and how it stands in its text."""

    kind: str
    text: str
    gap: str
    """What stands between it and the piece before."""
    is_first: bool
    """It may begin a sentence."""
    start: int
    """Characters of the text before it."""

    @property
    def has_capital(self) -> bool:
        return self.kind == "word" and self.text[0].isupper()

    @cached_property
    def lower(self) -> str:
        return self.text.lower().replace("’", "'")

    @cached_property
    def name(self) -> str:
        """In small letters, without a possessive s or a verb drawn together with it."""
        return _ENDING.sub("", self.lower)


@dataclass(frozen=True)
class Told:
    """The words and numbers of a text, folded, to look facts up in."""

    words: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, found: Sequence[Piece]) -> "Told":
        words = {piece.lower for piece in found} | {piece.name for piece in found}
        # Whoever writes no apostrophes writes "marias car".
        words |= {word.removesuffix("s") for word in words}
        numbers = {digits(piece.text) for piece in found if piece.kind == "number"}
        numbers |= {number for _, number in spoken([piece.lower for piece in found])}
        return cls(frozenset(words | {folded(word) for word in words}), frozenset(numbers))

    def has(self, piece: Piece, number: str | None) -> bool:
        return folded(piece.name) in self.words if number is None else is_said(number, self.numbers, self.words)


def lost(asked: Sequence[Piece], written: Sequence[Piece]) -> tuple[list[str], int]:
    """The facts of one text that another does not tell, each once and as it was spelled; and how many there were."""
    told, facts, missing = Told.of(written), set[str](), list[str]()
    for piece, number in _facts(asked):
        key = number or folded(piece.name)
        if key not in facts and not told.has(piece, number):
            missing.append(_ENDING.sub("", piece.text))
        facts.add(key)
    return missing, len(facts)


def names(text: str) -> list[str]:
    """Its names and addresses, as they are spelled and as often as they stand, without a possessive s."""
    return [name for name, _ in placed_names(text)]


def placed_names(text: str) -> list[tuple[str, float]]:
    """Its `names`, each with the share of the text's characters that is before it."""
    known = _facts(pieces(text))
    return [(_ENDING.sub("", piece.text), piece.start / len(text)) for piece, number in known if number is None]


def pieces(text: str) -> list[Piece]:
    found: list[Piece] = []
    end = 0
    for match in _PIECE.finditer(text):
        gap, before = text[end : match.start()], found[-1] if found else None
        is_first = before is None or before.kind == "initials" or not _WITHIN.fullmatch(gap)
        if before is not None and gap == ". " and (before.lower in TITLES or len(before.text) == 1):
            is_first = False  # Dr. Patel, J. Patel
        found.append(Piece(str(match.lastgroup), match[0], gap, is_first, match.start()))
        end = match.end()
    return found


def folded(word: str) -> str:
    """Spelled out, without accents, apostrophes and doubled letters: Mariaaa is Maria, thurs is Thursday."""
    word = SAME.get(word, word)
    if not word.isascii():
        word = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return _REPEATED.sub(r"\1", word.replace("'", ""))


def _facts(found: Sequence[Piece]) -> Iterator[tuple[Piece, str | None]]:
    """Numbers with their digits; names and addresses with None."""
    numbers = dict(spoken([piece.lower for piece in found]))
    numbers |= {place: digits(piece.text) for place, piece in enumerate(found) if piece.kind == "number"}
    words = [piece for piece in found if piece.kind == "word" and piece.name != "i"]
    capitals = sum(piece.has_capital for piece in words)
    is_flat = not capitals or (len(words) >= HEADLINE_WORDS and capitals >= MOSTLY * len(words))

    def is_name(place: int) -> bool:
        piece = found[place]
        return piece.name in KNOWN | DAYS if is_flat else _is_name(piece, found[place + 1 : place + 3])

    for place, piece in enumerate(found):
        if place in numbers:
            yield piece, numbers[place]
        elif piece.kind == "address" or (piece.kind == "word" and is_name(place)):
            yield piece, None


def _is_name(piece: Piece, after: Sequence[Piece]) -> bool:
    name, has_inner_capital = piece.name, any(letter.isupper() for letter in piece.text[1:])
    if name in DAYS:
        return True
    if name in NOBODY or name.endswith("n't"):
        return False
    if not piece.has_capital:
        return has_inner_capital  # iPhone
    if name in KNOWN:
        return True
    if name in ORDINARY or _STRETCHED.search(name) or (piece.text.isupper() and len(name) > ACRONYM_LETTERS):
        return False
    return not piece.is_first or has_inner_capital or _stands_as_name(piece, after)


def _stands_as_name(piece: Piece, after: Sequence[Piece]) -> bool:
    """For the first word of a sentence, which is no ordinary opener."""
    if _ENDING.search(piece.text):
        return True
    if not after or after[0].is_first or _ADVERB_OR_VERB.search(piece.name):
        return False
    following = after[0]
    if following.gap.startswith(",") or _may_be_name(following):
        return True
    if following.lower == "and":
        return len(after) > 1 and _may_be_name(after[1])
    if _PLURAL.search(piece.name):
        return following.lower in SINGULAR_VERBS
    return following.lower in VERBS or _PAST.search(following.lower) is not None


def _may_be_name(piece: Piece) -> bool:
    return piece.has_capital and piece.name not in NOBODY | ORDINARY

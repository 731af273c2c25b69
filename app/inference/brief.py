"""A greeting, a heading, a label, an answer of a few words: of these a small base makes all sorts of things.

What is made of them is therefore judged word by word, and by the meaning of ordinary words as far as a list knows it.
Spelling only; no torch.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from app.inference.facts import Piece, folded, lost
from app.inference.figures import digits, spoken
from app.inference.ordinary import NEGATIONS, SELVES, SLIGHT, SOCIAL, TITLES

SLACK: Final = 2
"""It may become longer by so many words."""

_NO_CONTENT: Final = SLIGHT.union(NEGATIONS, TITLES, *SELVES, *SOCIAL.values())
_HALF_OF_DAY: Final = re.compile(r"\d\s*([ap])\.?m\b", re.IGNORECASE)
_SIGNED: Final = re.compile(r"(?<!\w)[-−](?=\d)")


def is_near(passage: str, asked: Sequence[Piece], text: str, written: Sequence[Piece]) -> bool:
    """Whether a few words still say that: the same signs, facts and yes or no; most words known, none said over again.

    `asked` and `written` are the pieces of the passage and of the text.
    """
    before, after = ([piece.name.replace("'", "") for piece in said] for said in (asked, written))
    more = Counter(after) - Counter(before)
    return (
        _signs(passage) == _signs(text)
        and _figures(passage, asked) == _figures(text, written)
        and not lost(written, asked)[0]
        and (("?" in passage) == ("?" in text) or before == after)
        and bool(before) is bool(after)
        and len(after) <= len(before) + SLACK
        and all(after.count(word) == 1 for word in more)
        and NEGATIONS.isdisjoint(before) == NEGATIONS.isdisjoint(after)
        and not any(word in TITLES - NEGATIONS for word in more)
        and not any(own.isdisjoint(before) and not own.isdisjoint(after) for own in SELVES)
        and _is_kept(before, after)
    )


def _is_kept(before: Sequence[str], after: Sequence[str]) -> bool:
    """Most of what it is about is there and in order, a greeting is one still, and what is new is little."""
    content, social, said_social = _content(before), _social(before), _social(after)
    kept = sum(any(_is_akin(word, said) for said in after) for word in content)
    if (content and 2 * kept <= len(content)) or (social and not said_social):
        return False
    # `Cheers` is of two kinds, and one that was asked for is enough.
    if any(not kinds & set[str]().union(*social) for kinds in said_social):
        return False
    common = set(before) & set(after)
    if [word for word in before if word in common] != [word for word in after if word in common]:
        return False
    new = [word for word in _content(after) if not any(_is_akin(word, known) for known in before)]
    has_kept = any(_is_akin(word, said) for word in before for said in after)
    return not new or (has_kept and len(new) <= max(SLACK, len(before) // 2 + 1))


def _social(words: Sequence[str]) -> list[set[str]]:
    """Of each word that is of some kind, its kinds."""
    kinds = ({kind for kind, known in SOCIAL.items() if word in known} for word in words)
    return [found for found in kinds if found]


def _content(words: Sequence[str]) -> list[str]:
    """Without figures, which are facts, and titles, which people drop and spell out."""
    numbers = {place for place, _ in spoken(words)}
    return [
        word for place, word in enumerate(words) if word.isalpha() and word not in _NO_CONTENT and place not in numbers
    ]


def _is_akin(word: str, other: str) -> bool:
    """Forms of one word, as `cancelled` and `cancellation`: they share more than half of the longer one."""
    one, two = folded(word), folded(other)
    half = max(len(one), len(two)) // 2 + 1
    return one[:half] == two[:half]


def _figures(text: str, said: Sequence[Piece]) -> tuple[list[str], list[str], list[str]]:
    """Numbers in order, however they are written, halves of the day, and addresses to the letter."""
    numbers = {place: digits(piece.text) for place, piece in enumerate(said) if piece.kind == "number"}
    numbers |= dict(spoken([piece.lower for piece in said]))
    halves = [half.lower() for half in _HALF_OF_DAY.findall(text)]
    return [numbers[place] for place in sorted(numbers)], halves, [p.text for p in said if p.kind == "address"]


def _signs(text: str) -> tuple[set[str], int]:
    """Currencies, units, marks and the like, and how many numbers are below zero."""
    return {sign for sign in text if sign in "%°+#|*`[]>" or unicodedata.category(sign) == "Sc"}, len(
        _SIGNED.findall(text)
    )

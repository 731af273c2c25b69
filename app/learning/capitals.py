"""Words that are something else in capitals: HR and the US are no hours and not us."""

import re
from typing import Final

from app.learning.neighbours import Where, fits

CAPITALS_ARE_OTHER: Final = frozenset(
    "atm bc sec msg em da dis tn ty min def mon hr cos fam ez sis bf gf rn ppl wat wen ya abt wed thu doc gross w n "
    "y k".split()
)
"""Written in capitals they are names and acronyms: an ATM, the SEC, HR."""
NAMES_TOO: Final = frozenset("da wen dis wat dat em ty til fam cos def luv sis ez tho bout cheers prob".split())
"""With a capital inside a sentence they are names."""


_ACRONYMS: Final = {
    "US": (
        Where.of(before=r"\b(?:the|in|across|non-|eu and|uk and) ", after=r"(?![\w'])"),
        Where.of(
            after=r"-|\b (?:dollars?|citizens?|government|president|market|army|elections?|visa|passport|states?|"
            r"office|senate)\b"
        ),
    ),
    "IT": (
        Where.of(
            before=r"\b(?:the|an|our|your|my|their|local|works? in|working in|worked in|(?:job|career|degree) in) "
        ),
        Where.of(
            after=r" (?:guy|department|team|support|staff|desk|manager|problems?|issues?|systems?|course|job|"
            r"company|security|people|technician|consultant|services?|budget|project|skills|specialist|admin|lead)\b"
        ),
    ),
    "WHO": (
        Where.of(before=r"\b(?:the|at|by|from) "),
        Where.of(after=r" (?:says|said|guidelines?|reports?|official|recommends|data|headquarters|study|figures)\b"),
    ),
}


def fits_acronym(match: re.Match[str]) -> bool:
    """Whether a word in capitals, which people also write to be loud, stands where only the acronym can."""
    return match.group(0) in _ACRONYMS and fits(_ACRONYMS, match.group(0), match)

"""A word and its neighbours: rules see no grammar, only what stands before a word and after it."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, Self

_AROUND = 48
"""Characters before a word that are looked at: however long the text, a word is judged in the same time."""


class Where(NamedTuple):
    """What stands before a word (its end), and after it (its beginning); both begin or end with the space between."""

    before: re.Pattern[str] | None
    after: re.Pattern[str] | None
    not_before: re.Pattern[str] | None

    @classmethod
    def of(cls, before: str = "", after: str = "", not_before: str = "") -> Self:
        def compiled(pattern: str, end: str) -> re.Pattern[str] | None:
            return re.compile(f"(?:{pattern}){end}", re.IGNORECASE) if pattern else None

        return cls(compiled(before, "$"), compiled(after, ""), compiled(not_before, "$"))

    def fits(self, text: str, start: int, end: int) -> bool:
        left = max(0, start - _AROUND)
        return (
            (self.after is None or bool(self.after.match(text, end)))
            and (self.before is None or bool(self.before.search(text, left, start)))
            and not (self.not_before and self.not_before.search(text, left, start))
        )


def fits(senses: Mapping[str, Where | tuple[Where, ...]], word: str, match: re.Match[str]) -> bool:
    """Whether `word`, found as `match`, has there the sense that a table gives it."""
    where = senses.get(word, ())
    places = (where,) if isinstance(where, Where) else where
    return word not in senses or any(place.fits(match.string, *match.span()) for place in places)


DETERMINER: Final = (
    r"(?:an?|the|my|your|ur|our|his|her|their|its|this|that|these|those|some|any|all|both|each|every|no|another|one|"
    r"two|three)\b"
)
PRONOUN: Final = r"(?:i|you|u|he|she|it|we|they|there)\b"
OBJECT: Final = r"(?:me|you|him|her|it|us|them)\b"
BE: Final = r"(?:is|are|was|were|am|be|been|being)"
BEGINS: Final = r"^|[.!?,;:(\"–—-]\s*"
ENDS: Final = r"\s*(?:$|[.!?,;:)\"–—\ue000-]|x+\b)"
NOUN_BEFORE: Final = r"\b(?:an?|the|my|your|our|his|her|their|its|this|that|of|no|any|one|each|every|for|with) "
WEATHER_IS: Final = (
    r"\b(?:it|i|we|here|outside|weather|room|office|day|today|house|flat|bus|train) (?:is|was|am|are|were) "
    r"(?:so |really |absolutely )?"
)
GREETED: Final = r"\b(?:hi|hey|hello|thanks|thank you|morning|sorry|please|night|bye|dear|evening) "

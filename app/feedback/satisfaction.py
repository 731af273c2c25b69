"""From what a person did with a rewrite to how satisfied they were with it, in [0, 1].

An opinion is their rating, or without one what was read from their words. A correction says how much of the rewrite
they kept. Satisfaction is the opinion, or 1 where they gave none, times the kept share: "lovely" beside a
text of which half was replaced is half as good as "lovely" alone, and a silent correction of one word in twenty is .95.
"""

from dataclasses import dataclass
from typing import Final

from app.learning.satisfaction.readable import INJECTION, UNREAD

NOTES: Final = {
    UNREAD: "Nothing was learned from this: only English and emoji can be read. A rating or a correction is "
    "understood in any language.",
    INJECTION: "Nothing was learned from this: it tells the machine what to do or how to score, and says nothing of "
    "the text. What you like or dislike about the text counts; send that by itself.",
}
"""For the person whose words were not counted, by what they were read from."""


@dataclass(frozen=True)
class Satisfaction:
    value: float
    source: str
    """What it was read from: `rating`, or what read the words (`static`, `emoji`), and `edit`, joined by a plus."""


def satisfaction(
    *, rating: float | None, reading: float | None, kept_share: float | None, reader: str = "static"
) -> Satisfaction:
    """All in [0, 1], None for what the person did not give; a rating silences `reading`, the score of their words.

    Raises ValueError when all are None.
    """
    opinions = [(rating, "rating"), (reading, reader)]
    parts = next(([(value, name)] for value, name in opinions if value is not None), [])
    if kept_share is not None:
        parts.append((kept_share, "edit"))
    if not parts:
        raise ValueError("no rating, no words and no edit: there is nothing to score")
    value = 1.0
    for factor, _ in parts:
        value *= factor
    return Satisfaction(min(max(value, 0.0), 1.0), "+".join(name for _, name in parts))

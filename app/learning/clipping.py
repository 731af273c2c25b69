"""A telegram of a plain text: articles, leading pronouns, forms of be and courtesy left out, but nothing that is said.

What can be left out depends on what stands around: without its `I`, `I will correct it` is still a promise if it keeps
its `will`, and `was told` is not `told`.
"""

import random
import re
from collections.abc import Callable
from typing import NamedTuple

from app.learning.neighbours import DETERMINER
from app.learning.plain_senses import PARTICIPLE

_LEFT_IN = frozenset(
    "i you he she it we they who that this there what which where how when why whose here these those and or but "
    "also me him her them us not never so then always now often still only usually if as because than".split()
)
"""What is cannot be left out after them: "you welcome" is no telegram."""
_NOT_AFTER = "".join(
    rf"(?<!\b(?i:{word}) )"
    for word in "for in at on of to with like after before by than do did does done is was see saw not reason".split()
)
"""`For that reason` keeps its word."""
_PAST = rf"(?!(?:read|put|set|cut|let|run|come|become|hit|hurt|shut|cost|feed)\b){PARTICIPLE}"
_TELLS = (
    rf"(?:{_PAST}|(?:was|were|could|would|should|must|may|might|can|cannot|did|will|went|saw|came|took|gave|ate|drove|"
    r"wrote|knew|began|ran|wore|broke|chose|spoke|forgot|fell|flew|grew|rode|woke|threw|"
    r"need|hope|wish|doubt|regret|like|love|want|prefer)\b)"
)
_SUBJECT = re.compile(
    rf"(^|[.?] )(?:(?:I|We) have(?= (?:{_PAST}|(?:an?|the|no|some|two)\b))|"
    rf"I am|We are|There is|There are|It is|It was|It|"
    rf"(?:I|We)(?= {_TELLS})) (?!not\b|to\b)"
)
"""`I will come` without its `I` is still a promise; `I tell him` would be an order, and keeps it."""
_ARTICLE = re.compile(
    r"(?<!\bsuch )(?<!\bwhat )(?<!\bquite )(?<!\bhalf )(?<!\bonce )(?<!\btwice )(?<!\btimes )(?<!\bmany )"
    r"(?<!\bhours )(?<!\bdays )"
    r"(?:\b(?:the|my|our)|(?:(?:^|(?<=[.?] ))(?:The|My|Our|An?)(?! [A-Z]))|\ban?) "
    r"(?=\w)(?!(?:few|little|lot|bit|while|couple|hundred|thousand|million|dozen|same|other|more|most|less|only|one)\b)"
)
_IS = re.compile(
    rf"(\w+ )(?:is|are) (?=\w)(?!(?:{DETERMINER}|\w+ed\b|{PARTICIPLE}|"
    rf"(?:not|now|still|also|already|just) (?:\w+ed\b|{PARTICIPLE})))"
    r"(?![^.?!]{0,200}\?)",
    re.IGNORECASE,
)
_SUBORDINATE = re.compile(
    rf"(?<=\w ){_NOT_AFTER}that (?=(?:i|you|he|she|it|we|they|there|everyone|nobody)\b)|(?:"
    + "|".join(
        rf"(?<=\b{verb} )"
        for verb in "say says said think thinks thought know knows knew hope hopes heard sure me us him her".split()
    )
    + rf")that (?={DETERMINER})",
    re.IGNORECASE,
)
"""Before a bare noun it tells how the sentence is built: `place by river that serves pancakes`."""


class Articles(NamedTuple):
    """Share of the articles that somebody leaves out, where a sentence begins and within it: "Printer on the first
    floor broken" has lost one of two."""

    leading: float
    within: float

    def of(self, text: str) -> "Leaves":
        """Those of one text, always the same: of several telegrams of it the likest is taken, which would be the one
        that has lost most."""
        always_same = random.Random(text)
        return lambda is_leading: always_same.random() < (self.leading if is_leading else self.within)


Leaves = Callable[[bool], bool]
"""Whether the next article is left out, by whether a sentence begins with it."""


def clipped(text: str, share: float, rng: random.Random, leaves: Leaves | None = None) -> str:
    """`text` with each small word left out at this share of the places where it can be; articles as `leaves` says."""

    def drop(match: re.Match[str]) -> str:
        return "" if rng.random() < share else match.group(0)

    def article(match: re.Match[str]) -> str:
        if leaves is None:
            return drop(match)
        is_leading = match.string[: match.start()].rstrip()[-1:] in ("", ".", "?")
        return "" if leaves(is_leading) else match.group(0)

    def first(match: re.Match[str]) -> str:
        return match.group(1) if rng.random() < share else match.group(0)

    def verb(match: re.Match[str]) -> str:
        is_left = match.group(1).strip().lower() in _LEFT_IN or rng.random() >= share * 0.7
        return match.group(0) if is_left else match.group(1)

    text = _SUBJECT.sub(first, text)
    text = _SUBORDINATE.sub(drop, text)
    text = _IS.sub(verb, text)
    text = _ARTICLE.sub(article, text)
    text = re.sub(r"\b(?:please|very|really|just|also|unfortunately),? (?=\w)", drop, text, flags=re.IGNORECASE)
    text = re.sub(
        r", (?:and|but|so|because) (?=(?:I|you|he|she|it|we|they|there)\b)",
        lambda m: ". " if rng.random() < share else m.group(0),
        text,
    )
    return re.sub(r"(^|(?<!\.\w)[.?]\s+)([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)

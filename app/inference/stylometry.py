"""Countable habits of writing: what a style encoder sees. Pure Python, no model, about 4,000 short texts a second.

Rates are per ten words and capped at 3, so that one long burst of a mark cannot outweigh everything else; this also
limits how much a policy can earn by piling up punctuation.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.learning.lexicon import CONTRACTIONS, FORMAL_PHRASES, FORMAL_WORDS, INTENSIFIERS, PLAIN_SWAPS, SLANG
from app.learning.neutralise import EMOJI, EMOTICON

_SLANG_WORDS = set(SLANG) | {"lol", "lmao", "ngl", "tbh", "omg", "smh", "fr", "bruh", "bro", "dude", "yo", "idk", "haha", "af"}  # fmt: skip
_FORMAL_WORDS = set(FORMAL_WORDS) | set(
    "shall upon whom thus moreover nevertheless furthermore hereby herewith obliged grateful sincerely faithfully regret "
    "trust kindly regard esteemed pray indeed whilst hitherto henceforth ought wherein therein notwithstanding".split()
)
_FORMAL_PHRASE = re.compile("|".join(re.escape(m.lower()) for m, _ in FORMAL_PHRASES if " " in m))
_FULL_FORM = re.compile(r"\b(?:" + "|".join(map(re.escape, CONTRACTIONS)) + r")\b")
_SHORT_FORM = re.compile(r"\b\w+n't\b|\b\w+'(?:m|re|ve|ll|d)\b|\b(?:it|that|there|what|he|she|who|here|let)'s\b")
_BARE_FORM = re.compile(
    r"\b(?:dont|cant|im|ive|didnt|doesnt|isnt|wasnt|wont|thats|youre|theyre|whats|lets|aint|couldnt|wouldnt|havent|hasnt)\b",
)
_ELONGATED = re.compile(r"([a-zA-Z])\1{2,}")
_EXCLAIMING = set("lol haha omg wow oh yo hey lmao yay ugh ah aww hooray hurray yes ooh phew gosh goodness".split())
_WARM = set("love darling sweetheart dear hon lovely hug hugs kiss kisses miss angel bless sweetie sunshine".split())
_LATINATE = ("tion", "ment", "ity", "ence", "ance", "ness", "ively", "ally", "ious", "able", "ible")
_SUBJECTS = set("i you he she it we they u this that there who i'm it's i've we're they're the my our his her".split())
_FUNCTION_GROUPS: dict[str, frozenset[str]] = {
    "first_person": frozenset("i me my mine".split()),
    "second_person": frozenset("you your u ur yours".split()),
    "third_person": frozenset("he she they it his her their him them".split()),
    "plural_person": frozenset("we our us".split()),
    "articles": frozenset("the a an".split()),
    "prepositions": frozenset("of in on at by for with from upon to".split()),
    "conjunctions": frozenset("and or but n so".split()),
    "be": frozenset("is are was were be been am".split()),
    "modals": frozenset("would could should may might shall must".split()),
    "relatives": frozenset("that which who whom whose".split()),
    "hedges": frozenset("just like maybe perhaps actually basically honestly literally kinda".split()),
    "intensifiers": frozenset(w for w in INTENSIFIERS if " " not in w),
    "exclaiming": frozenset(_EXCLAIMING),
    "warm": frozenset(_WARM),
    "slang": frozenset(_SLANG_WORDS),
    "formal": frozenset(_FORMAL_WORDS),
    "hype": frozenset(w for w in PLAIN_SWAPS if " " not in w),
    "leet": frozenset("2 4 u r n w".split()),
}


MOST_READ = 2_000
"""Characters of a text."""


@dataclass(frozen=True)
class Reading:
    """One text, tokenised once for all features."""

    text: str

    @classmethod
    def of(cls, text: str) -> "Reading":
        """Of its beginning: habits show in less, and some counts take the square of the length of a run of signs."""
        return cls(text[:MOST_READ])

    @cached_property
    def words(self) -> list[str]:
        return EMOJI.sub(" ", self.text).split()

    @cached_property
    def lower(self) -> list[str]:
        return [w for w in (re.sub(r"[^\w']", "", word).lower() for word in self.words) if w] or [""]

    @cached_property
    def size(self) -> int:
        return max(1, len(self.words))

    @cached_property
    def bare(self) -> str:
        return EMOJI.sub("", self.text).strip()

    @cached_property
    def sentences(self) -> list[str]:
        return [s for s in re.split(r"[.!?\n]+", self.bare) if s.strip()] or [""]

    @cached_property
    def letters(self) -> int:
        return sum(c.isalpha() for c in self.text) or 1

    @cached_property
    def upper_share(self) -> float:
        return sum(c.isupper() for c in self.text) / self.letters

    def rate(self, count: float) -> float:
        return min(3.0, 10 * count / self.size)

    @cached_property
    def lowered(self) -> str:
        return self.text.lower()

    @cached_property
    def _counts(self) -> dict[re.Pattern[str], int]:
        return {}

    def count(self, pattern: re.Pattern[str]) -> int:
        """How often a pattern of small letters occurs, whatever the case; several habits may ask for the same one."""
        if pattern not in self._counts:
            self._counts[pattern] = len(pattern.findall(self.lowered))
        return self._counts[pattern]

    def found(self, pattern: re.Pattern[str]) -> float:
        return self.rate(self.count(pattern))

    def marks(self, characters: str) -> float:
        return self.rate(sum(self.text.count(c) for c in characters))


_Feature = Callable[[Reading], float]


def _group(words: frozenset[str]) -> _Feature:
    return lambda r: r.rate(sum(w in words for w in r.lower))


FEATURES: dict[str, _Feature] = {
    "capitals": lambda r: min(4 * r.upper_share, 3.0),
    "starts_lower": lambda r: float(r.bare[:1].islower()),
    "all_lower": lambda r: float(r.text == r.text.lower()),
    "all_upper": lambda r: float(r.upper_share > 0.6),
    "shouted_words": lambda r: r.rate(sum(len(w) > 2 and w.isupper() for w in r.words)),
    "names_capital": lambda r: r.rate(sum(w[:1].isupper() for w in r.words[1:])),
    "lower_sentence_starts": lambda r: sum(s.strip()[:1].islower() for s in r.sentences) / len(r.sentences),
    "ends_full_stop": lambda r: float(r.bare.endswith(".") and not r.bare.endswith("..")),
    "ends_exclaiming": lambda r: float(r.bare.endswith("!")),
    "ends_asking": lambda r: float(r.bare.endswith("?")),
    "ends_dots": lambda r: float(r.bare.endswith("..")),
    "ends_bare": lambda r: float(r.bare[-1:].isalnum()),
    "exclamations": lambda r: r.marks("!"),
    "double_exclamation": lambda r: float("!!" in r.text),
    "questions": lambda r: r.marks("?"),
    "interrobang": lambda r: float("?!" in r.text or "??" in r.text),
    "full_stops": lambda r: r.marks("."),
    "dots": lambda r: float(".." in r.text),
    "commas": lambda r: r.marks(","),
    "semicolons": lambda r: r.marks(";"),
    "colons": lambda r: r.marks(":"),
    "dashes": lambda r: r.rate(len(re.findall(r"\s[-–—]+\s|—", r.text))),
    "brackets": lambda r: r.marks("("),
    "quotes": lambda r: r.marks('"'),
    "short_forms": lambda r: r.found(_SHORT_FORM),
    "bare_forms": lambda r: r.found(_BARE_FORM),
    "full_forms": lambda r: r.found(_FULL_FORM),
    "formal_phrases": lambda r: r.found(_FORMAL_PHRASE),
    "emoji": lambda r: min(3.0, float(len(EMOJI.findall(r.text)))),
    "has_emoji": lambda r: float(bool(EMOJI.search(r.text))),
    "emoji_inside": lambda r: float(bool(re.search(rf"{EMOJI.pattern}\s*\w", r.text))),
    "emoticons": lambda r: min(2.0, float(len(EMOTICON.findall(r.text)))),
    "hashtags": lambda r: r.marks("#"),
    "mentions": lambda r: r.marks("@"),
    "digits_in_words": lambda r: r.rate(sum(bool(re.search(r"[a-zA-Z]\d|\d[a-zA-Z]", w)) for w in r.words)),
    "numbers": lambda r: r.rate(sum(w.isdigit() for w in r.lower)),
    "word_length": lambda r: sum(map(len, r.lower)) / len(r.lower) - 4,
    "long_words": lambda r: r.rate(sum(len(w) >= 8 for w in r.lower)),
    "short_words": lambda r: r.rate(sum(len(w) <= 3 for w in r.lower)),
    "length": lambda r: min(3.0, math.log(r.size)),
    "sentence_length": lambda r: math.log(max(1.0, r.size / len(r.sentences))),
    "shortest_sentence": lambda r: math.log(max(1, min(len(s.split()) for s in r.sentences))),
    "more_sentences": lambda r: min(3.0, len(r.sentences) - 1.0),
    "elongated": lambda r: r.rate(len(_ELONGATED.findall(r.text))),
    "lower_i": lambda r: float(bool(re.search(r"\bi\b", r.text))),
    "latinate": lambda r: r.rate(sum(w.endswith(_LATINATE) for w in r.lower)),
    "adverbs": lambda r: r.rate(sum(w.endswith("ly") for w in r.lower)),
    "ing_forms": lambda r: r.rate(sum(w.endswith("ing") for w in r.lower)),
    "dropped_g": lambda r: r.rate(sum(w.endswith("in'") or w in ("gonna", "wanna", "gotta", "kinda") for w in r.lower)),
    "sentences_without_subject": lambda r: (
        sum(not set(s.lower().split()) & _SUBJECTS for s in r.sentences) / len(r.sentences)
    ),
} | {name: _group(words) for name, words in _FUNCTION_GROUPS.items()}


def features(texts: Sequence[str]) -> list[list[float]]:
    """A row of len(FEATURES) numbers for each text, in the order of FEATURES."""
    readings = [Reading.of(text) for text in texts]
    return [[float(feature(reading)) for feature in FEATURES.values()] for reading in readings]

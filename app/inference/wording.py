"""Choice of words: rare or common, bookish or chatty, long or short, in plain or in nested sentences.

Register and simplicity live here. Names are left out (a word with a capital that does not begin a sentence), because
who is spoken of is content. Shares are of the text's words; sums over very short texts are drawn towards the usual.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from app.inference.stylometry import Reading
from app.inference.words import Word, Words

_SPLIT = re.compile(r"[^a-z']+")
_ENDS = (".", "!", "?", ":", '."', '!"')
_SUBORDINATE = re.compile(
    r"\b(?:which|who|whom|whose|while|whilst|although|though|because|since|unless|until|whereas|whether|after|before|"
    r"despite|if|when|where)\b",
)
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?(?:\w{2,}ed|made|known|found|given|taken|seen|held|built|born|"
    r"written|shown|told|sent|left|set|led|won|lost|put|kept|brought|thought|chosen|drawn|driven|sold|paid|met)\b",
)
_PARTICIPLE = re.compile(r",\s+\w+(?:ing|ed)\b")
_PARTICLE = re.compile(
    r"\b(?:go|get|come|put|take|give|set|look|find|pick|turn|bring|make|run|keep|cut|break|work|hang|show|end|start|"
    r"figure|went|got|came|took|gave|found|made|ran|kept|broke|throw|threw)\w{0,4}\s+(?:up|out|off|down|away|over|back|on)\b",
)
_TYPICAL_RARITY, _TYPICAL_SYLLABLES, _TYPICAL_LETTERS = 7.0, 1.4, 4.2
_COMMON = 7.5
"""log2 of the place up to which words are grammar rather than vocabulary."""


@dataclass(frozen=True)
class Wording:
    """A reading with its words looked up."""

    reading: Reading
    table: Words

    @cached_property
    def plain(self) -> list[str]:
        """The words in lower case, without names."""
        is_shouted, starts = self.reading.upper_share > 0.6, True
        kept: list[str] = []
        for raw in self.reading.words:
            if starts or is_shouted or not raw[0].isupper() or raw == "I":
                kept += [word for word in _SPLIT.split(raw.lower()) if word and word != "'"]
            starts = raw.endswith(_ENDS)
        return kept

    @cached_property
    def known(self) -> list[Word]:
        return [self.table.look_up(word) for word in self.plain if "'" not in word]

    @cached_property
    def rare(self) -> list[float]:
        return sorted((word.rarity for word in self.known), reverse=True)

    @cached_property
    def contents(self) -> list[Word]:
        return [word for word in self.known if word.rarity > _COMMON]

    def mean(self, values: list[float], usual: float, weight: int = 2) -> float:
        """Drawn towards `usual` as by `weight` words of it."""
        return (sum(values) + weight * usual) / (len(values) + weight) - usual

    def beyond(self, places: float) -> float:
        return sum(rarity > places for rarity in self.rare) / (len(self.rare) + 2)

    @cached_property
    def syllables(self) -> float:
        return self.mean([float(word.syllables) for word in self.known], _TYPICAL_SYLLABLES)


WORDING: dict[str, Callable[[Wording], float]] = {
    "rarity": lambda w: w.mean(w.rare, _TYPICAL_RARITY),
    "rarity_of_contents": lambda w: w.mean([word.rarity for word in w.contents], 10.5),
    "rarest_three": lambda w: w.mean(w.rare[:3], 11.0, 1),
    "beyond_1000": lambda w: w.beyond(10.0),
    "beyond_3000": lambda w: w.beyond(11.6),
    "beyond_10000": lambda w: w.beyond(13.3),
    "unknown_words": lambda w: sum(not word.is_known for word in w.known) / (len(w.known) + 2),
    "register": lambda w: w.mean([word.register for word in w.known], 0.0),
    "register_of_contents": lambda w: w.mean([word.register for word in w.contents], 0.0),
    "chattiest": lambda w: max((word.register for word in w.known), default=0.0),
    "most_bookish": lambda w: min((word.register for word in w.known), default=0.0),
    "bookish_words": lambda w: sum(word.register < -2.0 for word in w.known) / (len(w.known) + 2),
    "chatty_words": lambda w: sum(word.register > 2.0 for word in w.known) / (len(w.known) + 2),
    "syllables": lambda w: w.syllables,
    "many_syllables": lambda w: sum(word.syllables >= 3 for word in w.known) / (len(w.known) + 2),
    "letters": lambda w: w.mean([float(len(word)) for word in w.plain], _TYPICAL_LETTERS),
    "longest_word": lambda w: max(map(len, w.plain), default=0) / 4,
    # Flesch-Kincaid's grade without its constants, over four so that it is of the size of the others.
    "grade": lambda w: 0.1 * min(40.0, w.reading.size / len(w.reading.sentences)) + 3 * w.syllables,
    "subordinate": lambda w: w.reading.found(_SUBORDINATE),
    "passive": lambda w: w.reading.found(_PASSIVE),
    "participle": lambda w: w.reading.found(_PARTICIPLE),
    "particle": lambda w: w.reading.found(_PARTICLE),
    "varied": lambda w: len(set(w.plain)) / (len(w.plain) + 1),
}

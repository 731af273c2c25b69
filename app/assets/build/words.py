"""The style encoder's table of words: places in written English against places where people chat.

Written: the order of all-MiniLM-L6-v2's vocabulary, which was learned from books and an encyclopaedia, most frequent
words first. Chatted: counts over the comments and tweets of `corpora`. Abusive words are left out.
"""

import math
import re
from collections import Counter
from pathlib import Path

from app.assets.build.corpora import goemotions, is_clean, rated, tidy
from app.inference.places import MEANING, package_folder
from app.inference.words import RAREST, Words

MOST_WORDS = 16_000
FEWEST_CHATTED = 4
"""Times a word that no book has must have been chatted to be a word at all."""
MOST_APART = 8.0
_WORD = re.compile(r"[a-z]+")


def words(data: Path) -> Words:
    written = {word: place for place, word in enumerate(_written(), start=1)}
    chatted = Counter(
        word
        for text in [row.text for row in goemotions(data, "train")] + [text for text, _ in rated(data)["tweets"]]
        for word in re.findall(r"(?<!')\b[a-z]+\b(?!')", tidy(text).lower())
    )
    order = sorted(chatted, key=lambda word: (-chatted[word], word))
    places = {word: place for place, word in enumerate(order, start=1)}
    only_chatted = [word for word in order if word not in written and chatted[word] >= FEWEST_CHATTED]
    kept = sorted(word for word in list(written)[:MOST_WORDS] + only_chatted if is_clean(word))
    never_chatted = math.log2(len(order))
    rarity = {word: math.log2(written[word]) if word in written else RAREST for word in kept}
    register = {word: rarity[word] - (math.log2(places[word]) if word in places else never_chatted) for word in kept}
    return Words(
        tuple(kept),
        tuple(rarity[word] for word in kept),
        tuple(max(-MOST_APART, min(MOST_APART, register[word])) for word in kept),
    )


def _written() -> list[str]:
    lines = (package_folder(MEANING) / "model" / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if _WORD.fullmatch(line) and (len(line) > 1 or line in "ai")]

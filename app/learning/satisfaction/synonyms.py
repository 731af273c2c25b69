"""Everyday words that can stand for each other without making a text warmer, shorter or more formal.

Copies of a trace with synonyms carry the same score, so a group may only hold words of one register: `begin` beside
`start`, but never `commence`. Written for this project; English.
"""

import random
import re

GROUPS = (
    "big large", "little small", "quick fast", "happy glad", "sad unhappy", "nice pleasant", "gift present",
    "trip journey", "begin start", "begins starts", "began started", "finish complete", "finished completed",
    "photo picture", "photos pictures", "movie film", "movies films", "error mistake", "errors mistakes",
    "choose pick", "chose picked", "perhaps maybe", "entire whole", "simple easy", "difficult hard", "silent quiet",
    "chilly cold", "often frequently", "almost nearly", "repair fix", "repaired fixed", "broken damaged",
    "odd strange", "beautiful lovely", "meal dinner", "price cost", "prices costs", "path trail", "couch sofa",
    "dish plate", "coat jacket", "bag sack", "idea thought", "ideas thoughts", "incorrect wrong", "certain sure",
    "calm peaceful", "tidy clean", "talked chatted", "tired sleepy", "children kids", "shop store", "shops stores",
    "street road", "garden yard", "forest woods", "important major", "town city", "quickly fast", "carefully gently",
    "angry cross", "famous known", "huge enormous", "tiny minute", "terrible awful", "wonderful marvellous",
    "funny amusing", "clever smart", "ill unwell", "rich wealthy",
)  # fmt: skip

SYNONYMS: dict[str, list[str]] = {}
for _group in GROUPS:
    _words = _group.split()
    for _word in _words:
        SYNONYMS.setdefault(_word, []).extend(other for other in _words if other != _word)

_WORD = re.compile(r"(?<![\w'])[A-Za-z]+(?![\w'])")


def substitute(text: str, rate: float, rng: random.Random) -> str:
    """`text` with about `rate` of its words, as far as the table knows them, replaced; case and spacing stay.

    At least one known word is replaced; a text without any comes back as it is.
    """
    known = [match for match in _WORD.finditer(text) if match.group(0).lower() in SYNONYMS]
    wanted = min(len(known), max(1, round(rate * len(text.split()))))
    for match in sorted(rng.sample(known, wanted), key=lambda match: -match.start()):
        other = rng.choice(SYNONYMS[match.group(0).lower()])
        text = text[: match.start()] + _cased(other, match.group(0)) + text[match.end() :]
    return text


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word

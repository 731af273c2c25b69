"""Turn somebody's sentence into the plain sentence that says the same: the prompt from which their voice is learned.

Training pairs are (neutralise(sample) -> sample), so two properties matter more than completeness. The result must be
English, because its mistakes become the model's input for ever; and every fact of the sample must survive, because a fact
that is missing from the prompt teaches the model to invent. Rules only (about 5,000 texts a second); what the rules do
not recognise stays as it was.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

from app.learning.lexicon import (
    AMBIGUOUS_NAMES,
    BARE_CONTRACTIONS,
    CONTRACTIONS,
    DROPPED,
    EMPHASISED,
    FORMAL_PHRASES,
    FORMAL_WORDS,
    INTENSIFIERS,
    KEEP_DOUBLE,
    NAMES,
    PLAIN_SWAPS,
    SHOUTED,
    SLANG,
    WARM_PHRASES,
)

EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\ufe0f\u200d\u20e3\U000e0020-\U000e007f]+"
)
EMOTICON = re.compile(
    r"(?:(?<=\s)|^)(?:[:;=]['\-^]?[)(DPp/\\|oO\]*]+|:['\-^]?3+|[8xX]['\-^][)(DPp]+|<3+|\^_\^|:'\(|[xX]D+|\(:|\):|-_-)(?=\s|$|[.!?,])"
)
_PUNCTUATION = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "\u00a0": " "})
_WORD_EDGE = (r"(?<![\w'])", r"(?![\w'])")


def _table(words: Mapping[str, str]) -> Callable[[str], str]:
    """A function that replaces each key, as a whole word and whatever its case, keeping a capital first letter."""
    keys = sorted(words, key=len, reverse=True)
    pattern = re.compile(_WORD_EDGE[0] + "(" + "|".join(map(re.escape, keys)) + ")" + _WORD_EDGE[1], re.IGNORECASE)

    def swap(match: re.Match[str]) -> str:
        found, plain = match.group(0), words[match.group(0).lower()]
        return plain[:1].upper() + plain[1:] if found[:1].isupper() and not found.isupper() else plain

    return lambda text: pattern.sub(swap, text)


_expand_contractions = _table({marked.lower(): plain for plain, marked in CONTRACTIONS.items()})
_expand_bare = _table(BARE_CONTRACTIONS)
_expand_slang = _table(SLANG)
_plain_phrases = _table(dict(FORMAL_PHRASES) | dict(WARM_PHRASES))
_plain_words = _table(FORMAL_WORDS | PLAIN_SWAPS)
_put = {plain.split()[0].lower() for plain in (FORMAL_WORDS | PLAIN_SWAPS).values()} | {"good"}
_AN_BEFORE_CONSONANT = re.compile(rf"\b(a)n (?=(?:{'|'.join(sorted(w for w in _put if w[0] not in 'aeiou'))})\b)", re.IGNORECASE)  # fmt: skip
_A_BEFORE_VOWEL = re.compile(r"\b(a) (?=(?:expensive|ill)\b)", re.IGNORECASE)
_apart = "|".join(sorted(map(re.escape, DROPPED), key=len, reverse=True))
_INTERJECTION_FIRST = re.compile(rf"(?:(?<=^)|(?<=[.!?,;:—–-] ))(?:{_apart})\b(?:[\s,!.—–-]+|$)", re.IGNORECASE)
# These begin sentences too ("You know that café ..."), so only a comma or a dash after them shows that they stand apart.
_ASIDE = re.compile(r"(?:(?<=^)|(?<=[.!?,;:—–-] ))(?:you know|i mean|guess what)\s*[,!.—–-]+\s*", re.IGNORECASE)
_INTERJECTION_LAST = re.compile(rf"(?<![\s,;—–-])[\s,;—–-]+(?:{_apart})(?=\s*(?:[.!?,]|$))", re.IGNORECASE)
_EMPHASIS = re.compile(rf"\b(?:{'|'.join(sorted(INTENSIFIERS, key=len, reverse=True))})\s+(?=(?:{'|'.join(EMPHASISED)})\b)", re.IGNORECASE)  # fmt: skip
_IS_S = re.compile(r"\b(it|that|there|what|where|who|he|she|here|how|everything|everyone)'s\b", re.IGNORECASE)
_HAS_AFTER_S = re.compile(r"\b(it|that|there|he|she|who|what)'s (been|got|had|gone|taken|become|made|come|done)\b", re.IGNORECASE)  # fmt: skip
_HAD_AFTER_D = re.compile(
    r"\b(i|you|he|she|we|they)'d (better|been|had|gone|seen|done|forgotten|left)\b", re.IGNORECASE
)
_NEGATION = re.compile(r"\b(\w+)n't\b", re.IGNORECASE)
_UR_IS_YOU_ARE = re.compile(r"\bur (?=(?:a|an|the|so|too|not|my|going|gonna|coming|late|early|welcome|right|wrong|in|at|on)\b)", re.IGNORECASE)  # fmt: skip


_OF_LINK = '[^\\s<>"“”‘’…\U0001f000-\U0001faff\u2600-\u27bf]'
ADDRESS = re.compile(
    rf"(?i:https?://|www\.){_OF_LINK}*(?<![.,;:!?)'*_])|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<![\w@])@(?=[^\W\d_]\w)\w+"
)
"""A link, an e-mail address or a handle: facts, of which nothing can be made plainer."""
_HIDDEN = "\ue000"


def neutralise(text: str) -> str:
    """The same message in plain standard English. Never empty: a text that is all ornament comes back trimmed."""
    plain = unicodedata.normalize("NFC", text).translate(_PUNCTUATION).replace(_HIDDEN, " ")
    addresses = ADDRESS.findall(plain)
    plain = ADDRESS.sub(_HIDDEN, plain)
    plain = re.sub(r"#(\w+)", r"\1", plain)
    plain = re.sub(rf"(?<=\w)\s*{EMOJI.pattern}\s*(?=[A-Z])", ". ", plain)
    plain = EMOTICON.sub(" ", EMOJI.sub(" ", plain))
    plain = re.sub(r"[*~_]{1,}|\(\s*\)", " ", plain)
    plain = re.sub(r"\s+", " ", plain).strip()
    plain = re.sub(r"\b\w*?([A-Za-z])\1{2,}\w*", _shorten, plain)
    plain = _quieten(plain)
    plain = _contractions(plain)
    plain = _expand_slang(_UR_IS_YOU_ARE.sub("you are ", plain))
    plain = _plain_words(_plain_phrases(plain))
    plain = _without_interjections(plain)
    plain = _articles(_EMPHASIS.sub("", plain))
    plain = _punctuation(plain)
    plain = _capitals(plain, is_lower_case=text == text.lower())
    hidden = iter(addresses)
    return re.sub(_HIDDEN, lambda _: next(hidden, ""), plain) or text.strip()


def _shorten(match: re.Match[str]) -> str:
    """Undo an elongation: `soooo` -> `so`, `goooood` -> `good`."""
    double = re.sub(r"([A-Za-z])\1{2,}", r"\1\1", match.group(0))
    single = re.sub(r"([A-Za-z])\1{2,}", r"\1", match.group(0))
    return double if double.lower() in KEEP_DOUBLE else single


def _quieten(text: str) -> str:
    """Shouted words become ordinary ones; short acronyms stay unless the whole text shouts."""
    letters = [c for c in text if c.isalpha()]
    if len(letters) > 8 and sum(c.isupper() for c in letters) > 0.7 * len(letters):
        return text.lower()
    return re.sub(
        r"\b[A-Z]{2,}(?:'[A-Z]+)?\b",
        lambda m: m.group(0) if _is_acronym(m.group(0)) else m.group(0).lower(),
        text,
    )


def _is_acronym(word: str) -> bool:
    return len(word) <= 4 and word.lower() not in SHOUTED


def _contractions(text: str) -> str:
    text = re.sub(r"\b(\w+)'s gotta\b", r"\1 has to", text)
    text = re.sub(r"\b(\w+)'ve gotta\b", r"\1 have to", text)
    text = _HAS_AFTER_S.sub(r"\1 has \2", text)
    text = _HAD_AFTER_D.sub(r"\1 had \2", text)
    text = _expand_bare(_expand_contractions(text))
    text = _IS_S.sub(r"\1 is", text)
    text = re.sub(r"\b(\w+)'ve\b", r"\1 have", text)
    text = re.sub(r"\b(\w+)'re\b", r"\1 are", text)
    text = re.sub(r"\b(\w+)'ll\b", r"\1 will", text)
    text = re.sub(r"\b(i|you|he|she|we|they)'d\b", r"\1 would", text, flags=re.IGNORECASE)
    return _NEGATION.sub(r"\1 not", text)


def _articles(text: str) -> str:
    """As the word after them wants it, if that is one which was put there: an excellent -> a very good."""
    return _AN_BEFORE_CONSONANT.sub(r"\1 ", _A_BEFORE_VOWEL.sub(r"\1n ", text))


def _without_interjections(text: str) -> str:
    """Repeated, because one interjection often hides behind another (`omg lol`)."""
    for _ in range(3):
        shorter = _INTERJECTION_LAST.sub("", _INTERJECTION_FIRST.sub("", _ASIDE.sub("", text)))
        if shorter == text:
            break
        text = shorter
    return text


def _punctuation(text: str) -> str:
    text = re.sub(r"\s*[;—–]+\s*|\s+-+\s+|\s*--+\s*", ", ", text)
    text = re.sub(r"\.{2,}", ".", text)
    text = re.sub(r"(?<!!)!*\?[!?]*", "?", text)
    text = re.sub(r"!+", ".", text)
    text = re.sub(r"\s+([.,?:])", r"\1", text)
    text = re.sub(r"([.,?:])[.,]+", r"\1", text)
    text = re.sub(r"(^|[.?] )[,.\s]+", r"\1", text)
    text = re.sub(r"([.,?])(?=[A-Za-z]{2})(?<!\w\.\w\.)", r"\1 ", text)
    text = re.sub(r"\s+", " ", text).strip(" ,-:")
    return text if not text or text[-1] in '.?"' else text + "."


def _capitals(text: str, *, is_lower_case: bool) -> str:
    def name(match: re.Match[str]) -> str:
        word = match.group(0)
        known = word.lower() in NAMES and (word.lower() not in AMBIGUOUS_NAMES)
        return word[:1].upper() + word[1:] if known else word

    if is_lower_case:
        text = re.sub(r"\b[a-z]+\b", name, text)
    text = re.sub(r"\bi\b(?!\.e)", "I", text)
    text = re.sub(r"\bplease,? please\b", "please", text, flags=re.IGNORECASE)
    return re.sub(r"(^|[.?]\s+)([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)

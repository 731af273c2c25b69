"""What the texts of a voice do that plain text does not: its manners, by which an imitation of it is judged.

Likeness alone lets a solicitor be imitated with faces and in telegrams, since whatever departs from plain English is a
little like every voice that does. So what a voice never does costs an imitation more than likeness can make up for.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Self

from app.learning.clipping import Articles
from app.learning.lexicon import BARE_CONTRACTIONS, CONTRACTIONS, SLANG
from app.learning.neutralise import ADDRESS, EMOTICON, neutralise
from app.learning.rewards.additions import strange, vocabulary

PRICE_PER_WORD, PRICE_PER_WORD_AROUND = 0.02, 0.08
"""Of similarity, for each word more than the plain text has. Courtesy takes words ("I should be grateful if you
would"); an opener or a closer must earn itself, or every line gets one."""
PRICE_PER_STRANGE_WORD, PRICE_PER_STRANGE_WORD_AROUND = 0.15, 0.5
"""For each word put into a mouth that has never said it: a kiss at the end is not everybody's."""
PRICE_PER_DEVICE = 1.0
"""For each device that the voice does not use: no likeness makes up for a face under a solicitor's letter."""
PRICE_PER_HABIT = 0.3
"""For each device that is missing though the voice seldom goes without, by the share of texts that have it."""
SELDOM, USUAL = 0.1, 0.5
"""Share of a voice's texts that do something, below which it is not theirs, and from which it is expected of them."""
TERSE = 0.7
"""Share of the small words that plain texts have for their words, below which somebody leaves them out."""
ENGLISH = 0.5
"""The same of prepositions and conjunctions, which are left out by nobody."""
FEW_BREAKS = 0.4
"""The same of commas and what may stand for them."""
WHOLE_WORDS = 6
"""Texts of fewer words may be greetings and headings, which have no small words to leave out."""


def _one_of(words: Collection[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_SIGN = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|"
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff]\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*)"
)
_PICTURE = f"{_SIGN}(?:\u200d{_SIGN})*"
ONE_EMOJI: Final = re.compile(rf"(?<![^\n])[ \t]*[\u2600-\u27bf\u2b00-\u2bff]\ufe0f?(?=[ \t]*\w)|(?P<sign>{_PICTURE})")
"""Several signs that are joined are one picture, as are the two letters of a flag. A tick or a telephone that a line
begins with is the mark of a list and has no `sign`."""
_TIME = _one_of(
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday jan feb mar "
    "apr jun jul aug sep sept oct nov dec january february march april may june july august september october november "
    "december".split()
)
DASH: Final = re.compile(
    rf"\d(?:[^\S\n]?(?i:[ap]\.?m\b)\.?)?[^\S\n]?[-–—]+[^\S\n]?[$£€]?\d|(?i:\b(?:{_TIME})[^\S\n][-–—]+[^\S\n](?=(?:{_TIME})\b))"
    r"|(?P<sign>[^\S\n][-–—]+[^\S\n]|—)"
)
"""Between figures, days or months it means `to`, and has no `sign`."""

_ACCEPTED = frozenset(
    "ok okay asap fyi info till til mon tues tue wed thurs thu fri min mins hr hrs sec wk wks yr eta cheers yeah "
    "dinnertime cos em txt def bc da".split()
)
"""Short forms that careful people use too."""
_LETTERS = frozenset(word for word in SLANG if len(word) == 1)
_TEXTED = (SLANG.keys() - _ACCEPTED - _LETTERS) | set("lol lmao rofl omg ngl tbh smh bruh".split())
_BARE = {word for word in BARE_CONTRACTIONS if word.isalpha()} - {"lets", "hows", "shes", "hes"}


_PRONOUN = "(?:i|you|he|she|it|we|they|this|that|there|what)"
DEVICES: Final = {
    "emoji": ONE_EMOJI,
    "tag": re.compile(r"(?<!\w)#[A-Za-z]"),
    "wave": re.compile(r"~(?!\s?[$£€]?\d)"),
    "shouting": re.compile(r"^[^a-zA-Z]*[A-Z](?:[^a-z#]|#\w*+)*+$"),
    "large letters": re.compile(r"\b[A-Z]{4,}\b"),
    "small beginning": re.compile(r"^[a-z]"),
    "no end": re.compile(r"\w$"),
    "exclamation": re.compile("!"),
    "marks on marks": re.compile("[!?]{2}"),
    "disbelief": re.compile(r"\?!|!\?"),
    "trailing off": re.compile(r"\.\.|…"),
    "drawing out": re.compile(r"([A-Za-z])\1\1"),
    "dash": DASH,
    "semicolon": re.compile(";"),
    "contraction": re.compile(r"(?i)\b(?:\w+n['’]t|\w+['’](?:m|re|ve|ll|d)|(?:it|that|there|he|she|what)['’]s)\b"),
    "bare contraction": re.compile(rf"(?i)(?<![\w'’])(?:{_one_of(_BARE)})(?![\w'’])"),
    "texting": re.compile(
        rf"(?<![\w'’])(?:(?i:{_one_of(_TEXTED)})|u|U|{_one_of(_LETTERS - {'y', 'k'})})(?![\w'’]|\.\w)"
    ),
    "splice": re.compile(rf",\s+{_PRONOUN}\b", re.IGNORECASE),
}
"""What a style may do that plain text does not."""
_ONLY_WITH: Final = {"splice": frozenset({"small beginning", "no end", "bare contraction", "texting"})}
"""Before a pronoun the careful put commas too, behind a clause of another kind: it is a splice with one of these."""
_SPELLED: Final = {short.lower(): long.lower().split() for long, short in CONTRACTIONS.items()} | {
    short: long.lower().split() for short, long in (BARE_CONTRACTIONS | SLANG).items() if " " not in short
}
_SMALL_WORDS: Final = frozenset(
    "the a an i you he she it we they am is are was were be been has have had will shall would do does did my your our "
    "his her their this that".split()
)
_ARTICLES: Final = frozenset("the a an my our".split())
_GLUE: Final = frozenset(
    "to of on at and for with from by not but or if before until when because out up off about into after".split()
)
"""What telegrams keep, and other languages do not have."""
_SENTENCE_END = re.compile(r"[.?!]+(?!\w)|\n")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


class Variant(NamedTuple):
    plain: str
    styled: str
    frames: Sequence[str] = ()
    """Phrases of which one or two may stand before or behind what was said."""


class Price(NamedTuple):
    amiss: float
    """For what the voice does not do."""
    missing: float
    """For what it does: not every text can show all of it, so this ranks and refuses nothing."""


@dataclass(frozen=True)
class Manners:
    """What the texts of a voice do; an imitation of it pays, in likeness, for whatever else it does."""

    words: frozenset[str]
    said: str
    """All texts, folded: the phrases they have."""
    rates: Mapping[str, float]
    """Its devices, with the share of texts that have them."""
    articles: Articles | None
    """Left out, of those that plain text has; None unless the voice is terse."""
    has_few_breaks: bool

    @property
    def is_terse(self) -> bool:
        return self.articles is not None

    @classmethod
    def of(cls, texts: Sequence[str], plain: Sequence[str]) -> Self:
        """Of whole texts: one that was cut begins with a small letter for no reason of its writer's."""
        known = {word for text in (*texts, *plain) for word in re.findall(r"\b[a-z]+\b", text)}
        found = [devices(_without_names(text, known)) for text in texts]
        # A greeting or a signature has no stop, whoever writes it.
        found = [has - {"no end"} if _is_signature(text) else has for text, has in zip(texts, found, strict=True)]
        counted = Counter(device for has in found for device in has)
        own = frozenset(device for device, count in counted.items() if count >= SELDOM * len(texts))
        own -= {device for device, company in _ONLY_WITH.items() if not company & own}
        has_few_breaks = _rate(texts, _breaks) < FEW_BREAKS * _rate(plain, _breaks)
        rates = {device: counted[device] / len(texts) for device in sorted(own)}
        articles = _articles_left_out(texts, plain)
        return cls(vocabulary(texts), _folded("\n".join(texts)), rates, articles, has_few_breaks)

    def price(self, variant: Variant) -> Price:
        plain, styled, frames = variant
        does = devices(styled)
        before, after = (_folded(plain), _folded(styled)) if frames else ("", "")
        framed = [phrase for phrase in map(_folded_phrase, frames) if phrase in after and phrase not in before]
        added = max(0, len(styled.split()) - len(plain.split()))
        # What changed nothing would teach to copy.
        foreign = len(does - devices(plain) - self.rates.keys()) + (styled == plain)
        foreign += not self.is_terse and is_clipped(plain, styled)
        foreign += not self.has_few_breaks and len(_breaks(styled)) < len(_breaks(plain))
        # "Kind regards", by somebody who once wrote of a kind word and of her warmest regards.
        foreign += sum(phrase not in self.said for phrase in framed)
        per_word = PRICE_PER_WORD_AROUND if framed else PRICE_PER_WORD
        per_strange = PRICE_PER_STRANGE_WORD_AROUND if framed else PRICE_PER_STRANGE_WORD
        return Price(
            added * per_word + strange(plain, styled, self.words) * per_strange + foreign * PRICE_PER_DEVICE,
            PRICE_PER_HABIT * sum(rate for device, rate in self.rates.items() if rate >= USUAL and device not in does),
        )


def devices(text: str) -> set[str]:
    """What the text does; links and addresses do nothing, they are written as they are."""
    bare = ADDRESS.sub("0", text).strip()
    faceless = EMOTICON.sub(" ", bare).strip()
    found = {name for name, sign in DEVICES.items() if any(map(_is_sign, sign.finditer(faceless)))}
    return found | ({"face"} if faceless != bare else set())


def signs(sign: re.Pattern[str], texts: Sequence[str]) -> list[str]:
    """The emoji, dashes or faces of all texts, as often as they stand there."""
    return [
        found["sign"] if "sign" in sign.groupindex else found[0]
        for text in texts
        for line in text.splitlines()
        for found in sign.finditer(line)
        if _is_sign(found)
    ]


def with_signs(sign: re.Pattern[str], text: str, draw: Callable[[], str]) -> str:
    """The text with others in place of its emoji, dashes or faces."""
    return sign.sub(lambda found: draw() if _is_sign(found) else found[0], text)


def _is_signature(text: str) -> bool:
    """A few words that end with a name."""
    words = text.split()
    return 0 < len(words) < WHOLE_WORDS and words[-1][0].isupper()


def is_clipped(plain: str, styled: str) -> bool:
    """More small words were left out than the one that may go with a phrase; `I'm` and `im` have theirs."""
    if len(styled.split()) >= len(plain.split()):
        return False
    return (Counter(_small_words(plain)) - Counter(_small_words(styled))).total() > 1


def _is_sign(found: re.Match[str]) -> bool:
    return "sign" not in found.re.groupindex or found["sign"] is not None


def _without_names(text: str, known: Collection[str]) -> str:
    """Without what is written in capitals anyway: JSON is no shouting. A shout may name things."""
    is_shout = not re.search("[a-z]", text) and any(word.lower() in known for word in re.findall("[A-Z]{3,}", text))
    if is_shout:
        return text
    return re.sub(r"\b[A-Z]{2,}\b", lambda word: word[0] if word[0].lower() in known else word[0].title(), text)


def _is_terse(texts: Sequence[str], plain: Sequence[str]) -> bool:
    """Where no sentences of English are known, nothing says that their writer leaves words out."""
    whole = [text for text in texts if len(text.split()) >= WHOLE_WORDS]
    own = [neutralise(text) for text in whole or texts]
    is_english = _rate(own, _glue) >= ENGLISH * _rate(plain, _glue)
    return is_english and _rate(own, _small_words) < TERSE * _rate(plain, _small_words)


def _articles_left_out(texts: Sequence[str], plain: Sequence[str]) -> Articles | None:
    """Of those that plain texts have; None where small words are not left out as in telegrams."""
    if not _is_terse(texts, plain):
        return None
    (leading, within), (plain_leading, plain_within) = map(_article_rates, (texts, plain))
    return Articles(
        min(1.0, max(0.0, 1 - leading / plain_leading)) if plain_leading else 1.0,
        min(1.0, max(0.0, 1 - within / plain_within)) if plain_within else 1.0,
    )


def _article_rates(texts: Sequence[str]) -> tuple[float, float]:
    """For each sentence how many it begins with; for each preposition or conjunction, which nobody leaves out, how many
    are within."""
    sentences = [words for text in texts for part in _SENTENCE_END.split(text) if (words := _words(part))]
    begun = sum(words[0] in _ARTICLES for words in sentences)
    within = sum(word in _ARTICLES for words in sentences for word in words[1:])
    return begun / max(1, len(sentences)), within / max(1, sum(word in _GLUE for words in sentences for word in words))


def _rate(texts: Sequence[str], counted: Callable[[str], Collection[str]]) -> float:
    """How many there are for each word."""
    return sum(len(counted(text)) for text in texts) / max(1, sum(len(_words(text)) for text in texts))


@lru_cache(maxsize=1024)
def _folded_phrase(phrase: str) -> str:
    """Remembered, as there are few and none is a person's."""
    return _folded(phrase)


def _folded(text: str) -> str:
    """Its words alone, in small letters, with a space on both sides."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    return f" {' '.join(words)} "


def _breaks(text: str) -> list[str]:
    return re.findall(r"[,;–—]|\s-+\s", text)


def _glue(text: str) -> list[str]:
    return [word for word in _words(text) if word in _GLUE]


def _small_words(text: str) -> list[str]:
    return [word for word in _words(text) if word in _SMALL_WORDS]


def _words(text: str) -> list[str]:
    """Lower case, with contractions and slang in full."""
    found = _WORD.findall(text.lower().replace("’", "'"))
    return [word for short in found for word in _SPELLED.get(short, [short])]

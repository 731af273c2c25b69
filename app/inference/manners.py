"""Manners in which people choose between two: short or full forms, emoji or emoticon, `I` or `i`, slips or none.

A choice is one signed number: +1 always the one, -1 always the other, 0 where the text had no occasion to choose. So a
text that says the same in the other manner lies on the other side, however much else the two share.
"""

import re
from collections.abc import Callable

from app.inference.stylometry import Reading
from app.learning.lexicon import BARE_CONTRACTIONS, CONTRACTIONS
from app.learning.neutralise import EMOJI, EMOTICON

_SHORT = re.compile(
    r"\b(?:\w+n['’]t|(?:i|you|we|they|he|she|it|who|that|there|what|would|could|should)['’](?:m|re|ve|ll|d)|"
    r"(?:it|that|there|what|he|she|who|here|how|where)['’]s|let['’]s)\b",
)
_FULL = re.compile(
    r"\b(?:"
    + "|".join(map(re.escape, CONTRACTIONS))
    + r"|can not|(?:it|who|that|he|she|there) has been|(?:who|it|which) has(?= \w+ed\b)|"
    r"they had|(?:it|that|who|there) would|(?:would|could|should|might) have)\b",
)  # fmt: skip
_BARE = re.compile(r"\b(?:" + "|".join(map(re.escape, BARE_CONTRACTIONS)) + r")\b")
_FACE = re.compile("[\U0001f600-\U0001f64f\U0001f910-\U0001f92f\U0001f970-\U0001f97a\u263a\u2639]")
_HEART = re.compile("[\u2764\u2665\U0001f493-\U0001f49f\U0001f5a4\U0001f90d\U0001f90e\U0001f9e1]|<3")
_SMALL_I = re.compile(r"\bi\b(?!\.)")
_CAPITAL_I = re.compile(r"\bI\b")
_NOSE = re.compile(r"[:;=][-^'][()dp/|]")
_SIGN = re.compile(r"(?<!\w)(?:[:;=8x]['\-^]?[()dp/\\|o3*\]]+|<+3+|\^_*\^|-_+-|o_o|:'\()(?![a-z])")
_SLIP = re.compile(
    r"\b(?:alot|allot of|definately|definatly|recieve|wierd|seperate|untill|thier|could of|should of|would of|"
    r"everytime|aswell|infact|noone|tommorow|tomorow|begining|beleive|freind|realy|finaly|probly|probaly|becuase|becasue|thru|"
    r"nite|alright|your welcome|your right|to much|loose it|suppose to|use to|cuz|coz|til)\b",
)
_CRAMPED = re.compile(r"[a-z](?:[,!?;][a-z]|\.[a-z]{2})")
_LOOSE_MARK = re.compile(r"\w\s+[,.!?;](?=\s|$)")
_STRETCHED = re.compile(r"[!?]{2,}|\.{2,}")
_LAUGHTER = re.compile(r"\b(?:l+o+l+z*|(?:a?ha){2,}h?|l+mf?ao+|rofl|(?:he){2,})\b")
_TEXTED = re.compile(
    r"\b(?:u|ur|r|n|y|b4|gr8|l8r|m8|h8r?|w8|2day|2nite|4ever|any1|some1|every1|no1|ppl|plz|pls|thx|ty|bc|rn|tho|gf|bf|"
    r"msg|txt|k|ya|wut|wat|dat|da|cya|jk|omw|btw|imo|imho|idk|tbh|ngl)\b|\bw/|&",
)
_LEET = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])(?!\d+(?:st|nd|rd|th|s|am|pm|k|m|km|mm|cm|kg|mph|h|d|x)\b)\w+")
_OPENS_LOOSELY = re.compile(
    r"\W*(?:well|oh|yes|yeah|yep|yup|no|nope|nah|hey|hi|so|um+|uh+|h+mm*|ok|okay|man|dude|wow|lol|omg|and|but|or|cause|"
    r"because|just|please|sorry|thanks|got|go|try)\b",
)
_OPENS_FIRMLY = re.compile(
    r"\W*(?:i (?:would|believe|am|do|have|think|suggest|recommend)|it is|there (?:is|are)|this is|"
    r"you (?:should|may|must)|if|in|when|although|while|however|the)\b",
)
_LINKS = re.compile(
    r"\b(?:however|therefore|furthermore|moreover|additionally|although|nevertheless|consequently|whereas|regarding|"
    r"concerning|in addition|as well as|such as|due to|in order|rather than|prior to)\b",
)
_CASUAL = re.compile(
    r"\b(?:stuff|things?|guys?|lots?|awesome|cool|crazy|pretty|really|just|like|kids?|gets?|got|getting|big|ok|okay|yeah|"
    r"mom|dad|tv|hot|cute|dumb|stupid|sucks?|hate|totally|super|damn|hell|crap|cheap|bunch|hang|hook|whatever|anyway|sure|"
    r"gonna|wanna|gotta|kinda|sorta|dunno|gimme|lemme|ain't|y'all|dude|bro|buddy|folks|weird|freak\w*|mess)\b",
)
_CAREFUL = re.compile(
    r"\b(?:individuals?|children|obtain\w*|receiv\w+|purchas\w+|inquir\w+|appropriate|sufficient|prefer\w*|recommend\w*|"
    r"wish|desir\w+|very|quite|extremely|certainly|must|should|would|may|might|regard\w*|appreciat\w+|assist\w*|"
    r"require\w*|provid\w+|attempt\w*|believe|enjoy\w*|perhaps|intend\w*|consider\w*|one's|oneself|person|women|woman|man|"
    r"mother|father|television|attractive|unfortunately|relationship|several|numerous|many|much)\b",
)
_VERB = re.compile(
    r"\b(?:am|is|are|was|were|be|been|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must|\w+n't|"
    r"\w+'(?:m|re|s|ve|ll|d)|\w{2,}ed|think|want|know|like|love|need|said|went|got|made|see|saw|get|go|feel|hope|keep)\b",
)
_SPELLED = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|hundred)\b")
_DIGITS = re.compile(r"(?<![\w.,:-])\d{1,2}(?![\w:,-]|\.\d)")


def _balance(ones: int, others: int) -> float:
    return (ones - others) / (ones + others) if ones + others else 0.0


def _choice(one: re.Pattern[str], other: re.Pattern[str]) -> Callable[[Reading], float]:
    def signed(reading: Reading) -> float:
        return _balance(reading.count(one), reading.count(other))

    return signed


def _signs(reading: Reading) -> tuple[int, int]:
    """Emoji and emoticons."""
    emoticons = max(reading.count(_SIGN), len(EMOTICON.findall(reading.text)))
    return len(EMOJI.findall(reading.text)), emoticons


def _pictures(reading: Reading) -> float:
    return _balance(*_signs(reading))


def _small_or_capital_i(reading: Reading) -> float:
    return _balance(len(_SMALL_I.findall(reading.text)), len(_CAPITAL_I.findall(reading.text)))


def _share_without(pattern: re.Pattern[str]) -> Callable[[Reading], float]:
    return lambda r: sum(not pattern.search(sentence.lower()) for sentence in r.sentences) / len(r.sentences)


def _has(pattern: re.Pattern[str]) -> Callable[[Reading], float]:
    return lambda r: float(r.count(pattern) > 0)


def _rate(pattern: re.Pattern[str]) -> Callable[[Reading], float]:
    return lambda r: r.found(pattern)


MANNERS: dict[str, Callable[[Reading], float]] = {
    "short_or_full": _choice(_SHORT, _FULL),
    "bare_or_short": _choice(_BARE, _SHORT),
    "emoji_or_emoticon": _pictures,
    "has_emoticon": lambda r: float(_signs(r)[1] > 0),
    "faces": lambda r: min(2.0, float(r.count(_FACE))),
    "hearts": lambda r: min(2.0, float(r.count(_HEART))),
    "noses": _has(_NOSE),
    "small_or_capital_i": _small_or_capital_i,
    "spelled_or_digits": _choice(_SPELLED, _DIGITS),
    "slips": _rate(_SLIP),
    "cramped": _rate(_CRAMPED),
    "loose_marks": _rate(_LOOSE_MARK),
    "double_spaces": lambda r: r.rate(r.text.strip().count("  ")),
    "laughter": _has(_LAUGHTER),
    "texted": _rate(_TEXTED),
    "has_leet": _has(_LEET),
    "leet_words": _rate(_LEET),
    "opens_loosely": lambda r: float(_OPENS_LOOSELY.match(r.bare.lower()) is not None),
    "opens_firmly": lambda r: float(_OPENS_FIRMLY.match(r.bare.lower()) is not None),
    "links": _rate(_LINKS),
    "casual": _rate(_CASUAL),
    "careful": _rate(_CAREFUL),
    "careful_or_casual": _choice(_CAREFUL, _CASUAL),
    "without_verb": _share_without(_VERB),
    "stretched_marks": lambda r: min(3.0, float(r.count(_STRETCHED))),
    "sentence_length_spread": lambda r: (
        min(2.0, (max(map(len, r.sentences)) - min(map(len, r.sentences))) / 60.0)
    ),
}  # fmt: skip

"""Named directions of style, each as two edits of a text: more of it and less of it.

Nobody can read a scorer's weights. But its score of the same text with and without exclamation marks can be compared,
and the difference can be said in words. Each edit changes one habit and keeps what the text says as far as rules can.
An edit that adds words also makes the text longer, so it is compared with one that adds plain ones (`counterpart`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.learning.lexicon import CONTRACTIONS
from app.learning.neutralise import EMOJI, EMOTICON

Edit = Callable[[str], str]


@dataclass(frozen=True)
class Direction:
    name: str
    more: str
    """What somebody likes whose score rises in this direction: `they like ...`."""
    less: str
    """And of one whose score falls."""
    raised: Edit
    lowered: Edit
    counterpart: Edit | None = None
    """What `raised` is compared with, where `lowered` would also be shorter; None: with `lowered`."""

    def pair(self, text: str) -> tuple[str, str]:
        """The text with more and with less of this and as little else changed as possible."""
        return self.raised(text), (self.counterpart or self.lowered)(text)


_FILLERS = ("I wanted to let you know about this in good time.", "There is a little more to say, but it can wait.")
_WARM_CLOSERS = (" Thinking of you, take care.", " Lots of love.", " Hope you are well.")
_WARM = re.compile(
    r"\s*\b(?:thinking of you|take care|lots of love|big hugs?|hope you(?:'re| are) well|miss you|bless you|"
    r"talk soon, love)[^.!?]*[.!?]*|\b(?:my dear|dear|darling|sweetheart|lovely)\b,?\s*",
    re.IGNORECASE,
)
_FORMAL: Final = {
    "get": "obtain", "got": "obtained", "buy": "purchase", "bought": "purchased", "help": "assist", "need": "require",
    "needs": "requires", "needed": "required", "ask": "enquire", "asked": "enquired", "start": "commence",
    "starts": "commences", "about": "regarding", "enough": "sufficient", "many": "numerous", "more": "additional",
    "tell": "inform", "told": "informed", "send": "forward", "sent": "forwarded", "so": "therefore",
    "also": "furthermore", "try": "endeavour", "keep": "retain", "show": "demonstrate", "leave": "depart",
    "live": "reside", "will": "shall", "but": "however", "fix": "rectify", "phone": "telephone", "think": "believe",
}  # fmt: skip
_SLANG: Final = {
    "you": "u", "your": "ur", "are": "r", "tomorrow": "tmrw", "please": "pls", "thanks": "thx", "because": "cuz",
    "really": "rly", "about": "abt", "to": "2", "people": "ppl", "message": "msg", "going to": "gonna",
    "want to": "wanna", "okay": "ok", "tonight": "2nite", "see": "c", "for": "4", "before": "b4",
}  # fmt: skip
_POLITE = re.compile(
    r"\s*\b(?:many )?(?:thank you|thanks)(?: (?:very|so) much| in advance| for your \w+)?[.!,]*|\bplease,?\s*|"
    r"\bif you (?:do not|don't) mind,?\s*",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:i think|i guess|i believe|i suppose|maybe|perhaps|kind of|sort of|probably|possibly|it seems that),?\s*",
    re.IGNORECASE,
)


def _table(words: dict[str, str]) -> Edit:
    pattern = re.compile(
        r"(?<![\w'])(" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + r")(?![\w'])", re.IGNORECASE
    )

    def swap(match: re.Match[str]) -> str:
        found, other = match.group(0), words[match.group(0).lower()]
        return other[:1].upper() + other[1:] if found[:1].isupper() else other

    return lambda text: pattern.sub(swap, text)


def _inverse(words: dict[str, str]) -> dict[str, str]:
    return {other.lower(): word for word, other in words.items()}


_contract, _expand = _table(CONTRACTIONS), _table(_inverse(CONTRACTIONS))
_formalise, _plainly = _table(_FORMAL), _table(_inverse(_FORMAL))
_abbreviate, _spell_out = _table(_SLANG), _table(_inverse(_SLANG))


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?…])\s+", text.strip()) if sentence]


def _lengthened(text: str) -> str:
    return f"{text} {_FILLERS[len(text) % len(_FILLERS)]}"


def _shortened(text: str) -> str:
    """The first half of its sentences; of a single one the part before its last clause, or three quarters of it."""
    sentences = _sentences(text)
    if len(sentences) > 1:
        return " ".join(sentences[: (len(sentences) + 1) // 2])
    clause = re.match(r"(.{12,}?)(?:,|;| because| so that| which| when| and| but) ", text)
    if clause:
        return clause.group(1) + _end_of(text)
    words = text.split()
    return " ".join(words[: max(2, round(0.75 * len(words)))]).rstrip(".,!?") + _end_of(text)


def _end_of(text: str) -> str:
    last = text.rstrip()[-1:]
    return last if last in ".!?" else ""


def _softened(text: str) -> str:
    """Without exclaiming."""
    return re.sub(r"!+", ".", text)


def _exclaimed(text: str) -> str:
    return re.sub(r"\.(?=\s|$)", "!", text) if re.search(r"\.(?=\s|$)", text) else f"{text.rstrip('?! ')}!"


def _warmed(text: str) -> str:
    return text.rstrip() + _WARM_CLOSERS[len(text) % len(_WARM_CLOSERS)]


def _tidied(edit: Callable[[str], str]) -> Edit:
    """The edit, unless it leaves nothing of the text; spaces mended and the first letter a capital if it was one."""

    def tidy(text: str) -> str:
        left = re.sub(r"\s+([.,!?])", r"\1", re.sub(r"\s{2,}", " ", edit(text))).strip(" ,")
        if not re.search(r"\w", left):
            return text
        return left[:1].upper() + left[1:] if text[:1].isupper() else left

    return tidy


def _without(pattern: re.Pattern[str]) -> Edit:
    return _tidied(lambda text: pattern.sub(" ", text))


def _followed_by(less: Edit, words: str) -> Edit:
    return lambda text: f"{less(text).rstrip()} {words}"


def _capitalised(text: str) -> str:
    sentences = re.sub(r"(^|[.!?]\s+)([a-z])", lambda match: match.group(1) + match.group(2).upper(), text)
    return re.sub(r"\bi\b(?=$|[\s',])", "I", sentences)


def _lower_first(text: str) -> str:
    return text if re.match(r"I\b|[A-Z]{2}", text) else text[:1].lower() + text[1:]


def _asked(text: str) -> str:
    return f"{text.rstrip()} What do you think?"


def _not_asked(text: str) -> str:
    """Without its last sentence, if that is a question and not all there is."""
    sentences = _sentences(text)
    return " ".join(sentences[:-1]) if len(sentences) > 1 and sentences[-1].endswith("?") else text


DIRECTIONS: Final = (
    Direction("length", "longer texts", "shorter texts", _lengthened, _shortened),
    Direction("exclamation marks", "exclamation marks", "fewer exclamation marks", _exclaimed, _softened),
    Direction(
        "warmth",
        "a warmer tone",
        "a cooler tone",
        _warmed,
        _without(_WARM),
        _followed_by(_without(_WARM), "That is all."),
    ),
    Direction("formal words", "more formal words", "plainer words", _formalise, _plainly),
    Direction("contractions", "contractions", "words written out", _contract, _expand),
    Direction(
        "emoji",
        "emoji",
        "no emoji",
        lambda text: f"{text.rstrip()} 😊",
        _tidied(lambda text: EMOTICON.sub(" ", EMOJI.sub(" ", text))),
    ),
    Direction("lower case", "everything in lower case", "capitals as usual", str.lower, _capitalised),
    Direction("abbreviations", "chat abbreviations", "no chat abbreviations", _abbreviate, _spell_out),
    Direction(
        "politeness",
        "more please and thank you",
        "less please and thank you",
        lambda text: f"{text.rstrip()} Thank you very much.",
        _without(_POLITE),
        _followed_by(_without(_POLITE), "That would be all."),
    ),
    Direction(
        "caution",
        "a more cautious tone",
        "a more direct tone",
        lambda text: f"I think {_lower_first(text)}",
        _without(_HEDGE),
        lambda text: f"I know {_lower_first(_without(_HEDGE)(text))}",
    ),
    Direction(
        "questions",
        "being asked back",
        "not being asked back",
        _asked,
        _not_asked,
        _followed_by(_not_asked, "This is what I think."),
    ),
    Direction(
        "trailing dots",
        "trailing dots",
        "no trailing dots",
        lambda text: re.sub(r"[.!]+$", "", text.rstrip()) + "...",
        lambda text: re.sub(r"\.{2,}|…", ".", text),
    ),
)  # fmt: skip

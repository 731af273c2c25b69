"""Give a plain text a surface style, by rules: the raw material of the shipped warm-up rewriter and style encoder."""

import random
import re

from app.learning.lexicon import (
    BARE_CONTRACTIONS,
    CONTRACTIONS,
    EMPHASISED,
    FORMAL_PHRASES,
    FORMAL_WORDS,
    NAMES,
    PLAIN_SWAPS,
    SLANG,
)
from app.learning.styles import EMOJI, EMOTICONS, FORMAL_OPENERS, Style


def _inverse(table: dict[str, str]) -> dict[str, list[str]]:
    back: dict[str, list[str]] = {}
    for marked, plain in table.items():
        if plain:
            back.setdefault(plain.lower(), []).append(marked)
    return back


_RISKY = {"nope", "nah", "r", "y", "n", "k", "kk", "em", "'em", "da", "min", "sec", "hr", "mon", "wed", "sick", "till", "wk", "eta", "cheers", "urs", "dat", "dis", "wen", "wat", "wats", "tn", "tues", "tue", "thurs", "thu", "fri"}  # fmt: skip
_TO_SLANG = _inverse({m: p for m, p in SLANG.items() if m not in _RISKY})
_TO_FORMAL = _inverse({m: p for m, p in FORMAL_PHRASES if m not in {"upon", "kindly"}} | {m: p for m, p in FORMAL_WORDS.items() if m != p})  # fmt: skip
_TO_HYPE = _inverse(
    {
        m: p
        for m, p in PLAIN_SWAPS.items()
        if m not in {"sick", "rubbish", "vet", "yummy", "scrumptious", "quid", "bucks", "crash", "crashed"}
    }
)
_TO_BARE = _inverse({m: p for m, p in BARE_CONTRACTIONS.items() if " " not in m and m not in {"its", "shes", "hes"}})
_TO_SHORT = {plain: [marked] for plain, marked in CONTRACTIONS.items()}
for _unsafe in (
    "so", "whole", "more", "move", "to", "around", "all right", "let", "maybe", "very", "on", "if", "about", "later",
    "work", "has", "end", "had to", "have to", "has to", "please", "some", "left", "leave", "leaves", "drink", "drinks",
    "before", "after", "ask", "asked", "now", "show", "following", "i have to", "called", "live", "lives", "thanks",
    "enough", "soon", "bad", "rest", "man",
):  # fmt: skip
    _TO_FORMAL.pop(_unsafe, None)
for _unsafe in ("like", "get", "got"):
    _TO_HYPE.pop(_unsafe, None)
_PATTERNS: dict[int, re.Pattern[str]] = {}
_DRAWN_OUT = set(EMPHASISED) | set(
    "so no yes please really love very too way all never finally miss much what why hey".split()
)
_UNFIT = re.compile(
    r"\bgot? (?!(?:a|an|the|my|your|our|his|her|their|some|two|three) )|\bget (?!(?:a|an|the|my|your|our|his|her|their|some|two|"
    r"three) )|\bas many\b|\b(?:a|the|little|long) while\b|\bneeds? to\b|\bneeded to\b|\babout (?=\d|to\b|two\b|three\b|ten\b)"
    r"|\bhelp with\b|\btr(?:y|ied) (?!to\b)|\b(?:the|your|my|a|no|any) (?:help|try|start|show|car|use)\b|\bup about\b|\bin front\b"
    r"|(?<!\bmy )(?<!\byour )(?<!\bour )(?<!\bhis )(?<!\bher )(?<!\btheir )\bhome\b|\bhome(?= (?:town|cooked|made|office|game|page))"
    r"|\bthank you for (?=\w+ing\b)",
    re.IGNORECASE,
)
"""Where a ceremonious word for one of these would be wrong, such as `obtain off` for `get off`."""
_STOP = r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bMrs)(?<!\bSt)\."
_ASKED = re.compile(
    r"(?:^|(?<=[.?] ))(?:could|can|would|will) you (?:please )?((?!(?:not|mind)\b)[^.?]+)\?", re.IGNORECASE
)
_PLEASE = re.compile(r"(?:^|(?<=[.?] ))please (?!do not)([^.?]+)\.", re.IGNORECASE)
_REQUESTS = (
    "I should be most grateful if you would {}.", "I should be much obliged if you would {}.", "Would you be so kind as to {}?",
    "Might I trouble you to {}?", "Kindly {}.", "You are kindly requested to {}.", "I would be grateful if you could {}.",
    "May I ask you to {}?",
)  # fmt: skip


_PRONOUNS = frozenset("i you he she it we they who that this there what which".split())
"""What is cannot be left out after them: "you welcome" is no telegram."""
_NOT_AFTER = "".join(rf"(?<!\b(?i:{word}) )" for word in "for in at on of to with like after before by than".split())
"""`For that reason` keeps its word."""


def _swap(text: str, table: dict[str, list[str]], share: float, rng: random.Random) -> str:
    pattern = _PATTERNS.get(id(table))
    if pattern is None:
        keys = sorted(table, key=len, reverse=True)
        pattern = re.compile(
            r"(?<![\w'])(" + "|".join(map(re.escape, keys)) + r")(?![\w'])(?!(?<=have) to\b)", re.IGNORECASE
        )
        _PATTERNS[id(table)] = pattern
    unfit = [place.span() for place in _UNFIT.finditer(text)] if table is _TO_FORMAL else []

    def choose(match: re.Match[str]) -> str:
        if rng.random() > share or any(start <= match.start() < end for start, end in unfit):
            return match.group(0)
        word = rng.choice(table[match.group(0).lower()])
        starts_sentence = match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".?!"
        return word[:1].upper() + word[1:] if starts_sentence and match.group(0)[:1].isupper() else word

    return pattern.sub(choose, text)


def restyle(text: str, style: Style, rng: random.Random) -> str:
    """`text` (plain English, as from `neutralise`) with the habits of `style`; facts and names stay."""
    if style.formal:
        text = _swap(_requested(text, style.formal, rng), _TO_FORMAL, style.formal, rng)
    if style.links:
        text = _linked(text, rng)
    if style.hype_words:
        text = _swap(text, _TO_HYPE, style.hype_words, rng)
    text = re.sub(r"\bi\b", "I", text)
    if style.emphasis:
        text = re.sub(
            rf"\b(is|am|was|are) (?=(?:{'|'.join(EMPHASISED)})\b)",
            lambda m: f"{m.group(1)} {rng.choice(style.emphasis)} ",
            text,
        )
    if style.clipped:
        text = _clip(text, style.clipped, rng)
    if style.slang:
        text = _swap(text, _TO_SLANG, style.slang, rng)
    if style.contractions == "bare":
        text = _swap(text, _TO_BARE, 0.9, rng)
    if style.contractions != "full":
        text = _swap(text, _TO_SHORT, 0.95, rng)
    text = _closed(_repunctuated(_opened(text, style, rng), style, rng), style, rng)
    text = _loudened(text, style, rng)
    if style.case == "lower":
        text = text.lower()
    elif style.case == "upper":
        text = text.upper()
    return re.sub(r"\s+", " ", _decorated(text, style, rng)).strip()


def _requested(text: str, share: float, rng: random.Random) -> str:
    """Requests and requests put as questions, with courtesy."""

    def ask(match: re.Match[str]) -> str:
        return rng.choice(_REQUESTS).format(match.group(1)) if rng.random() < share else match.group(0)

    return _PLEASE.sub(ask, _ASKED.sub(ask, text))


def _linked(text: str, rng: random.Random) -> str:
    text = re.sub(
        r",? but ", lambda m: rng.choice(("; however, ", ", yet ", "; nevertheless, ", m.group(0))), text, count=1
    )
    text = re.sub(r", so (?!that\b)", lambda _: rng.choice(("; accordingly, ", "; therefore, ", ", and so ")), text)
    return re.sub(
        r",? because (?!of\b)", lambda m: rng.choice((", for ", ", as ", "; this is because ", m.group(0))), text
    )


def _clip(text: str, share: float, rng: random.Random) -> str:
    drop = lambda m: "" if rng.random() < share else m.group(0)
    text = re.sub(r"(^|[.?] )(?:I have(?! to\b)|I am|I will|We have(?! to\b)|We are|We will|There is|There are|It is|It was|I(?! have to\b)|We(?! have to\b)|It) (?!not\b|to\b)", lambda m: m.group(1) if rng.random() < share else m.group(0), text)  # fmt: skip
    text = re.sub(r"\b(?:the|a|an|my|our) (?=\w)", drop, text, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:please|very|really|just|also|unfortunately),? (?=\w)", drop, text, flags=re.IGNORECASE)
    text = re.sub(rf"(?<=\w ){_NOT_AFTER}that (?=\w)", drop, text)
    text = re.sub(r"(\w+ )(?:is|are|was|were|will be|has been|have been) (?=\w)", lambda m: m.group(1) if m.group(1).strip().lower() not in _PRONOUNS and rng.random() < share * 0.7 else m.group(0), text)  # fmt: skip
    text = re.sub(r", (?:and|but|so|because) ", lambda m: ". " if rng.random() < share else m.group(0), text)
    return re.sub(r"(^|[.?]\s+)([a-z])", lambda m: m.group(1) + m.group(2).upper(), text)


def _lower_first(text: str) -> str:
    first = text.split(maxsplit=1)[0].strip(",.!?'") if text.split() else ""
    keep = first.startswith("I'") or first == "I" or first.lower() in NAMES or first.isupper()
    return text if keep else text[:1].lower() + text[1:]


def _opened(text: str, style: Style, rng: random.Random) -> str:
    opens_plainly = not re.match(r"[^.!?]*\?|(?:please|thank|kindly|might|may|i should)\b", text, re.IGNORECASE)
    if style.opener and (opens_plainly or style.opener is not FORMAL_OPENERS):
        return f"{rng.choice(style.opener)} {_lower_first(text)}"
    return text


def _closed(text: str, style: Style, rng: random.Random) -> str:
    if not style.closer:
        return text
    closer = rng.choice(style.closer)
    return f"{text} {closer}" if closer[:1].isupper() else f"{text.rstrip('.')} {closer}"


def _repunctuated(text: str, style: Style, rng: random.Random) -> str:
    if style.semicolons:
        text = re.sub(
            rf"{_STOP} ([A-Z][\w']*)",
            lambda m: f"; {_lower_first(m.group(1))}" if rng.random() < 0.5 else m.group(0),
            text,
        )
    if style.dashes:
        dash = rng.choice((" – ", " - ", " — "))
        text = re.sub(
            rf", (?=\w)|{_STOP} ([A-Z]\w*)", lambda m: _dashed(m, dash) if rng.random() < 0.5 else m.group(0), text
        )
    if style.comma_splice:
        text = re.sub(
            rf"{_STOP} (\w+)", lambda m: f", {_lower_first(m.group(1))}" if rng.random() < 0.6 else m.group(0), text
        )
    if style.no_commas:
        text = text.replace(",", "")
    if style.ending != "." and not text.endswith("?"):
        text = text.rstrip(".") + style.ending
        mark = style.ending.strip()
        if mark and rng.random() < 0.7:
            text = re.sub(rf"{_STOP}(?=\s)", lambda _: mark if mark[0] in "!." else ".", text)
    if "!" in style.ending and text.endswith("?") and rng.random() < 0.5:
        text += rng.choice("?!")
    return text


def _dashed(match: re.Match[str], dash: str) -> str:
    return dash + (_lower_first(match.group(1)) if match.group(1) else "")


def _loudened(text: str, style: Style, rng: random.Random) -> str:
    words = text.split(" ")
    for i, word in enumerate(words):
        if (
            style.elongate
            and len(word) > 2
            and word.isalpha()
            and word.lower() in _DRAWN_OUT
            and rng.random() < style.elongate * 2
        ):
            words[i] = re.sub(r"([aeiouy])(?=[^aeiouy]*$)", lambda m: m.group(1) * rng.randint(3, 5), word, count=1)
        elif style.shout and len(word) > 3 and word.islower() and word.isalpha() and rng.random() < style.shout:
            words[i] = word.upper()
    return " ".join(words)


def _decorated(text: str, style: Style, rng: random.Random) -> str:
    if style.hashtag:
        long_words = [w.strip(".,!?") for w in text.split() if len(w) > 4 and w.strip(".,!?").isalpha()]
        if long_words:
            text += " #" + rng.choice(long_words).lower()
    if style.emoji:
        palette = rng.sample(EMOJI, 2)
        text += " " + "".join(rng.choice(palette) for _ in range(style.emoji))
        breaks = [m.end() for m in re.finditer(rf"(?:{_STOP}|[!?,]) ", text[:-2])]
        if style.emoji_inside and breaks:
            at = rng.choice(breaks)
            text = f"{text[:at]}{rng.choice(palette)} {text[at:]}"
    if style.emoticon and not style.emoji:
        text += " " + rng.choice(EMOTICONS)
    return text

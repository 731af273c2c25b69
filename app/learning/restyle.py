"""Give a plain text a surface style, by rules: the raw material of the shipped warm-up rewriter and style encoder."""

import random
import re
from collections.abc import Mapping

from app.learning.clipping import Leaves, clipped
from app.learning.lexicon import (
    AMBIGUOUS_NAMES,
    BARE_CONTRACTIONS,
    CONTRACTIONS,
    EMPHASISED,
    FORMAL_PHRASES,
    FORMAL_WORDS,
    NAMES,
    OPENERS,
    PLAIN_SWAPS,
    SLANG,
)
from app.learning.moods import suiting
from app.learning.neighbours import Where, fits
from app.learning.plain_senses import FORMAL_SENSES, HYPE_SENSES, SHORT_SENSES, SLANG_SENSES
from app.learning.styles import EMOJI, EMOTICONS, FORMAL_OPENERS, Style


def _inverse(table: dict[str, str]) -> dict[str, list[str]]:
    back: dict[str, list[str]] = {}
    for marked, plain in table.items():
        if plain:
            back.setdefault(plain.lower(), []).append(marked)
    return back


_RISKY = {"nope", "nah", "r", "y", "n", "k", "kk", "em", "'em", "da", "min", "sec", "hr", "mon", "wed", "sick", "till", "wk", "eta", "cheers", "urs", "dat", "dis", "wen", "wat", "wats", "tn", "tues", "tue", "thurs", "thu", "fri"}  # fmt: skip
_TO_SLANG = _inverse({m: p for m, p in SLANG.items() if m not in _RISKY})
_TO_FORMAL = _inverse({m: p for m, p in FORMAL_PHRASES if m not in {"upon", "kindly"}} | {m: p for m, p in FORMAL_WORDS.items() if m not in {p, "assistance"}})  # fmt: skip
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
    "enough", "soon", "bad", "rest", "man", "will", "if it is",
):  # fmt: skip
    _TO_FORMAL.pop(_unsafe, None)
for _unsafe in ("like", "get", "got"):
    _TO_HYPE.pop(_unsafe, None)
_put_first = {marked.split()[0] for table in (_TO_FORMAL, _TO_HYPE) for those in table.values() for marked in those}
_A_BEFORE = re.compile(
    rf"\b(a) (?=(?:{'|'.join(sorted(w for w in _put_first if w[0] in 'aeio' or w[:2] == 'un'))})\b)", re.IGNORECASE
)
_AN_BEFORE = re.compile(
    rf"\b(a)n (?=(?:{'|'.join(sorted(w for w in _put_first if w[0] not in 'aeiou'))})\b)", re.IGNORECASE
)
_PATTERNS: dict[int, re.Pattern[str]] = {}
_DRAWN_OUT = set(EMPHASISED) | set(
    "so no yes please really love very too way all never finally miss much what why hey".split()
)
_UNFIT = re.compile(
    r"\bgot? (?!(?:a|an|the|my|your|our|his|her|their|some|two|three) )|\bget (?!(?:a|an|the|my|your|our|his|her|their|some|two|"
    r"three) )|\bas many\b|\b(?:a|the|little|long) while\b|\bneeds? to\b|\bneeded to\b|\babout (?=\d|to\b|two\b|three\b|ten\b)"
    r"|\bhelp with\b|\btr(?:y|ied)\b(?! to\b)|\b(?:the|your|my|a|no|any) (?:help|try|start|show|car|use)\b|\bup about\b|\bin front\b"
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


def _swap(text: str, table: dict[str, list[str]], share: float, rng: random.Random, senses: Mapping[str, Where]) -> str:
    pattern = _PATTERNS.get(id(table))
    if pattern is None:
        keys = sorted(table, key=len, reverse=True)
        pattern = re.compile(
            r"(?<![\w'])(" + "|".join(map(re.escape, keys)) + r")(?![\w'])(?!(?<=have) to\b)", re.IGNORECASE
        )
        _PATTERNS[id(table)] = pattern
    unfit = [place.span() for place in _UNFIT.finditer(text)] if table is _TO_FORMAL else []

    def choose(match: re.Match[str]) -> str:
        found, is_capital = match.group(0), match.group(0)[:1].isupper()
        starts_sentence = match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".?!"
        is_name = is_capital and not starts_sentence and found.split()[0] != "I"
        if is_name or rng.random() > share or any(start <= match.start() < end for start, end in unfit):
            return found
        if not fits(senses, found.lower(), match):
            return found
        word = rng.choice(table[found.lower()])
        return word[:1].upper() + word[1:] if starts_sentence and is_capital else word

    return _AN_BEFORE.sub(r"\1 ", _A_BEFORE.sub(r"\1n ", pattern.sub(choose, text)))


def restyle(text: str, style: Style, rng: random.Random, leaves: Leaves | None = None) -> str:
    """`text` (plain English, as from `neutralise`) with the habits of `style`; facts and names stay. `leaves`:
    which articles a telegram leaves out, where that is known better than by the style."""
    if style.formal:
        text = _swap(_requested(text, style.formal, rng), _TO_FORMAL, style.formal, rng, FORMAL_SENSES)
    if style.links:
        text = _linked(text, rng)
    if style.hype_words:
        text = _swap(text, _TO_HYPE, style.hype_words, rng, HYPE_SENSES)
    text = re.sub(r"\bi\b", "I", text)
    if style.emphasis:
        text = re.sub(
            rf"\b(is|am|was|are) (?=(?:{'|'.join(EMPHASISED)})\b)",
            lambda m: f"{m.group(1)} {rng.choice(style.emphasis)} ",
            text,
        )
    if style.clipped:
        text = clipped(text, style.clipped, rng, leaves)
    if style.slang:
        text = _swap(text, _TO_SLANG, style.slang, rng, SLANG_SENSES)
    if style.contractions == "bare":
        text = _swap(text, _TO_BARE, 0.9, rng, SHORT_SENSES)
    if style.contractions != "full":
        text = _swap(text, _TO_SHORT, 0.95, rng, SHORT_SENSES)
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


def _begins(word: str, following: str) -> str | None:
    """`word`, which begins a sentence, inside one. None if nobody can tell without knowing all names."""
    if word == "I" or word.startswith("I'") or (word.lower() in NAMES and word.lower() not in AMBIGUOUS_NAMES):
        return word
    is_common = word.lower().removesuffix("'s") in OPENERS or not word[:1].isalpha()
    if word in ("The", "A") and re.match(r" [A-Z]", following):
        return None
    return word[:1].lower() + word[1:] if is_common else None


def _opened(text: str, style: Style, rng: random.Random) -> str:
    opens_plainly = not re.match(r"[^.!?]*\?|(?:please|thank|kindly|might|may|i should)\b", text, re.IGNORECASE)
    word = re.match(r"[\w']*", text)
    first = _begins(word.group(0), text[word.end() :]) if word else None
    if style.opener and ((opens_plainly and first is not None) or style.opener is not FORMAL_OPENERS):
        return f"{rng.choice(style.opener)} {text if word is None or first is None else first + text[word.end() :]}"
    return text


def _closed(text: str, style: Style, rng: random.Random) -> str:
    if not style.closer:
        return text
    closer = rng.choice(style.closer)
    return f"{text} {closer}" if closer[:1].isupper() else f"{text.rstrip('.')} {closer}"


def _repunctuated(text: str, style: Style, rng: random.Random) -> str:
    def joined(match: re.Match[str], mark: str, share: float) -> str:
        word = match.group(1) or ""
        inside = word.lower() if style.case != "standard" else _begins(word, text[match.end() : match.end() + 2])
        return match.group(0) if inside is None or rng.random() >= share else mark + inside

    if style.semicolons:
        text = re.sub(rf"{_STOP} ([A-Z][\w']*)", lambda m: joined(m, "; ", 0.5), text)
    if style.dashes:
        dash = rng.choice((" – ", " - ", " — "))
        text = re.sub(rf", (?=\w)|{_STOP} ([A-Z][\w']*)", lambda m: joined(m, dash, 0.5), text)
    if style.comma_splice:
        text = re.sub(rf"{_STOP} (\w[\w']*)", lambda m: joined(m, ", ", 0.6), text)
    if style.no_commas:
        text = text.replace(",", "")
    ending = style.ending.replace("?", "")  # nothing was asked
    if ending != "." and not text.endswith("?"):
        text = text.rstrip(".") + ending
        mark = ending.strip()
        if mark and rng.random() < 0.7:
            text = re.sub(rf"{_STOP}(?=\s)", lambda _: mark if mark[0] in "!." else ".", text)
    if "!" in style.ending and text.endswith("?") and rng.random() < 0.5:
        text += rng.choice("?!")
    return text


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
        words = [word.strip(".,!?").lower() for word in text.split()]
        if topics := [word for word in words if len(word) > 4 and word.isalpha() and word not in OPENERS]:
            text += " #" + rng.choice(topics)
    if style.emoji:
        palette = rng.sample(suiting(text, EMOJI), 2)
        text += " " + "".join(rng.choice(palette) for _ in range(style.emoji))
        breaks = [m.end() for m in re.finditer(rf"(?:{_STOP}|[!?,]) ", text[:-2])]
        if style.emoji_inside and breaks:
            at = rng.choice(breaks)
            text = f"{text[:at]}{rng.choice(palette)} {text[at:]}"
    if style.emoticon and not style.emoji:
        text += " " + rng.choice(suiting(text, EMOTICONS))
    return text

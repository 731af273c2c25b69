"""Give a plain sentence a random surface style: the raw material of the shipped warm-up rewriter and style encoder.

Reinforcement can only strengthen what a policy already samples, so the warm-up shows the base model *many* ways of writing
the same thing. A `Style` is a bundle of habits; `random_style` draws one, `restyle` applies it. Nothing here names a person.
"""

import random
import re
from dataclasses import dataclass, fields, replace

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

EMOJI = "😀😁😂🤣😍🥰😎😭😡🔥💯✨🎉🙏💖👍👏😅🤔🙄😱🤩😴💪🚀🌟😊🥳💀🌸🌿🍅🌻🍓🎂☕🐶🐱🌧🌞🏡📚🚗🎶🍕🥐💛💚🙈🤗"
EMOTICONS = (":)", ":(", ":D", ";)", "<3", ":P", "xD", "^_^", ":-)", ":'(", ":/")
FORMAL_OPENERS = (
    "I would like to note that", "I am writing to say that", "Please be advised that", "It is my view that",
    "I wish to mention that", "Kindly note that", "I must say that", "I am obliged to report that", "I should add that",
    "May I say that", "I trust you will understand that", "It appears that", "Allow me to observe that",
)  # fmt: skip
FORMAL_CLOSERS = (
    "I thank you.",
    "Kind regards.",
    "I remain grateful.",
    "With my compliments.",
    "I trust this is in order.",
)
LOOSE_OPENERS = (
    "yo",
    "omg",
    "ngl",
    "tbh",
    "ok so",
    "wait",
    "honestly",
    "lol",
    "dude",
    "so",
    "hey",
    "btw",
    "idk but",
    "man",
)
LOOSE_CLOSERS = ("lol", "tbh", "ngl", "haha", "lmao", "smh", "tho", "rn", "fr", "i guess", "or whatever")
WARM_OPENERS = (
    "Honestly,", "Oh,", "You know,", "Hey you,", "Listen,", "Right,", "Guess what,", "My dear,", "Hello lovely,", "Darling,",
    "I have to tell you,", "So,", "Well,", "Sweetheart,", "Just so you know,",
)  # fmt: skip
WARM_CLOSERS = (
    "Big hug!", "Lots of love!", "Can't wait to tell you more!", "Thinking of you!", "Miss you!", "Hope you're well!",
    "You'll see what I mean!", "Bless you!", "Talk soon, love.", "Give everyone a kiss from me.",
)  # fmt: skip
GLAD_OPENERS = (
    "OMG",
    "Oh my goodness,",
    "Yay,",
    "Wow,",
    "Guess what,",
    "Oh my,",
    "Hooray,",
    "Look,",
    "Yesss,",
    "Ahh,",
    "Ooh,",
)


@dataclass(frozen=True)
class Style:
    """Each field is one habit; the defaults leave plain text as it is. Probabilities are per place where it could apply."""

    contractions: str = "full"
    """`full` (do not), `short` (don't) or `bare` (dont)."""
    slang: float = 0.0
    formal: float = 0.0
    hype_words: float = 0.0
    case: str = "standard"
    """`standard`, `lower` or `upper`."""
    ending: str = "."
    comma_splice: bool = False
    semicolons: bool = False
    links: bool = False
    """Ceremonious conjunctions: `; however,` for `, but`, `for` for `because`."""
    dashes: bool = False
    no_commas: bool = False
    emoji: int = 0
    emoji_inside: bool = False
    emoticon: bool = False
    elongate: float = 0.0
    shout: float = 0.0
    hashtag: bool = False
    opener: tuple[str, ...] = ()
    closer: tuple[str, ...] = ()
    clipped: float = 0.0
    """Telegraphic: articles, leading pronouns, forms of be and courtesy are left out."""
    emphasis: tuple[str, ...] = ()
    """Adverbs put before emotional adjectives."""


_ENDINGS = {
    "loose": ("", "", "", "...", "..", "!"), "glad": ("!", "!!", "!!!", "!!", "! "), "warm": (".", "!", ".", " x"),
    "mixed": ("", ".", "!", "!!!", "...", ".", "?!", " ~"),
}  # fmt: skip


def random_style(rng: random.Random) -> Style:
    """Half the time a recognisable bundle (formal, loose, glad, warm, clipped, plain), else independent habits."""

    def chance(share: float) -> bool:
        return rng.random() < share

    kind = rng.choice(("formal", "loose", "glad", "warm", "clipped", "mixed", "mixed", "mixed", "plain"))
    if kind == "formal":
        return Style(
            formal=rng.choice((0.5, 1.0)),
            opener=FORMAL_OPENERS if chance(0.2) else (),
            closer=FORMAL_CLOSERS if chance(0.05) else (),
            semicolons=chance(0.7),
            links=chance(0.6),
            emphasis=("most", "exceedingly", "rather", "truly") if chance(0.4) else (),
        )
    if kind == "loose":
        return Style(
            contractions=rng.choice(("short", "bare", "bare")),
            slang=rng.choice((0.4, 0.8, 1.0)),
            case="lower" if chance(0.8) else "standard",
            ending=rng.choice(_ENDINGS["loose"]),
            comma_splice=chance(0.6),
            no_commas=chance(0.4),
            opener=LOOSE_OPENERS if chance(0.35) else (),
            closer=LOOSE_CLOSERS if chance(0.15) else (),
            elongate=0.2 if chance(0.15) else 0.0,
            emoji=1 if chance(0.12) else 0,
        )
    if kind == "glad":
        return Style(
            contractions=rng.choice(("short", "full")),
            hype_words=rng.choice((0.0, 0.7, 1.0)),
            ending=rng.choice(_ENDINGS["glad"]),
            emoji=rng.choice((0, 1, 1, 2, 3)),
            emoji_inside=chance(0.4),
            elongate=0.25 if chance(0.4) else 0.0,
            shout=0.12 if chance(0.5) else 0.0,
            opener=GLAD_OPENERS if chance(0.35) else (),
            hashtag=chance(0.1),
            emphasis=("so", "sooo", "absolutely", "SO", "just so") if chance(0.6) else (),
        )
    if kind == "warm":
        return Style(
            contractions="short",
            ending=rng.choice(_ENDINGS["warm"]),
            dashes=chance(0.7),
            opener=WARM_OPENERS if chance(0.4) else (),
            closer=WARM_CLOSERS if chance(0.15) else (),
            hype_words=rng.choice((0.0, 0.5)),
            emphasis=("so", "really", "ever so") if chance(0.6) else (),
        )
    if kind == "clipped":
        return Style(
            clipped=rng.choice((0.7, 0.9, 1.0)), contractions=rng.choice(("full", "short")), no_commas=chance(0.2)
        )
    if kind == "plain":
        return Style(contractions=rng.choice(("full", "short")), ending=rng.choice((".", ".", "!")))
    return Style(
        contractions=rng.choice(("full", "short", "bare")),
        slang=rng.choice((0.0, 0.0, 0.3, 0.8)),
        formal=rng.choice((0.0, 0.0, 0.0, 0.7)),
        hype_words=rng.choice((0.0, 0.0, 0.7)),
        case=rng.choice(("standard", "standard", "standard", "lower", "lower", "upper")) if chance(0.7) else "standard",
        ending=rng.choice(_ENDINGS["mixed"]),
        comma_splice=chance(0.15),
        semicolons=chance(0.15),
        dashes=chance(0.2),
        no_commas=chance(0.2),
        emoji=rng.choice((1, 2)) if chance(0.25) else 0,
        emoticon=chance(0.12),
        elongate=0.2 if chance(0.1) else 0.0,
        shout=0.12 if chance(0.1) else 0.0,
        hashtag=chance(0.06),
        opener=rng.choice((LOOSE_OPENERS, WARM_OPENERS, GLAD_OPENERS, FORMAL_OPENERS)) if chance(0.15) else (),
        closer=rng.choice((LOOSE_CLOSERS, WARM_CLOSERS)) if chance(0.1) else (),
        clipped=0.6 if chance(0.12) else 0.0,
    )


def one_habit_changed(style: Style, rng: random.Random) -> Style:
    """A near neighbour, for contrastive pairs that differ in a single habit."""
    while True:
        other = random_style(rng)
        name = rng.choice([f.name for f in fields(Style)])
        if getattr(other, name) != getattr(style, name):
            return replace(style, **{name: getattr(other, name)})


def _inverse(table: dict[str, str]) -> dict[str, list[str]]:
    back: dict[str, list[str]] = {}
    for marked, plain in table.items():
        if plain:
            back.setdefault(plain.lower(), []).append(marked)
    return back


_RISKY = {"r", "y", "n", "k", "kk", "em", "'em", "da", "min", "sec", "hr", "mon", "wed", "sick", "till", "wk", "eta", "cheers", "urs", "dat", "dis", "wen", "wat", "wats", "tn", "tues", "tue", "thurs", "thu", "fri"}  # fmt: skip
_TO_SLANG = _inverse({m: p for m, p in SLANG.items() if m not in _RISKY})
_TO_FORMAL = _inverse({m: p for m, p in FORMAL_PHRASES if m not in {"upon", "kindly"}} | {m: p for m, p in FORMAL_WORDS.items() if m != p})  # fmt: skip
_TO_HYPE = _inverse({m: p for m, p in PLAIN_SWAPS.items() if m not in {"sick", "rubbish", "vet"}})
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
    text = re.sub(r"\b(?:please|that|very|really|just|also|unfortunately),? (?=\w)", drop, text, flags=re.IGNORECASE)
    text = re.sub(r"(?<=\w )(?:is|are|was|were|will be|has been|have been) (?=\w)", lambda m: "" if rng.random() < share * 0.7 else m.group(0), text)  # fmt: skip
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
        breaks = [m.end() for m in re.finditer(r"[.!?,] ", text[:-2])]
        if style.emoji_inside and breaks:
            at = rng.choice(breaks)
            text = f"{text[:at]}{rng.choice(palette)} {text[at:]}"
    if style.emoticon and not style.emoji:
        text += " " + rng.choice(EMOTICONS)
    return text

"""One thing said in two manners: what is left of a sentence if all is equal but one habit.

Each maker takes a text as somebody wrote it and returns it (one manner, the other), or None where it has no occasion
for the habit. Which manner is called the one is by chance; the recipe draws that.
"""

import random
import re
from collections.abc import Callable

from app.assets.build.swaps import complicated, simplified
from app.learning.lexicon import CONTRACTIONS
from app.learning.neutralise import EMOJI, EMOTICON, neutralise
from app.learning.restyle import restyle
from app.learning.styles import Style, random_style

Two = tuple[str, str]
Maker = Callable[[str, random.Random], Two | None]

_FACES = "😀 😃 😄 😁 😆 😅 😂 🤣 🙂 😊 😍 😘 😉 😎 😢 😭 😞 ☹️ 🙁 😔 😛 😜 🤔 😏 😡 😱 🥰 ❤️ 💕 👍 🎉".split()
_SIGNS = ":) :) :) :-) :D :D ;) ;-) =) :( :-( :'( :P :p xD <3 ^_^ :/ :] =D (: c:".split()
_SHORT_OF = {full: short.lower() for full, short in CONTRACTIONS.items()} | {
    "it has": "it's", "who has": "who's", "who had": "who'd", "that has": "that's", "he has": "he's",
    "she has": "she's", "they had": "they'd", "could have": "could've", "would have": "would've",
    "should have": "should've", "there has": "there's", "it would": "it'd", "who is": "who's", "how is": "how's",
}  # fmt: skip
_MEANS_TWO_THINGS = {"it has", "who has", "who had", "that has", "he has", "she has", "there has", "they had"}
_FULL_OF = {short: full for full, short in _SHORT_OF.items() if full not in _MEANS_TWO_THINGS}
_NUMBERED = {
    "for": "4", "to": "2", "too": "2", "great": "gr8", "later": "l8r", "late": "l8", "before": "b4", "mate": "m8",
    "hate": "h8", "wait": "w8", "straight": "str8", "tonight": "2nite", "today": "2day", "tomorrow": "2moro",
    "forever": "4ever", "anyone": "any1", "someone": "some1", "everyone": "every1", "one": "1", "hater": "h8r",
}  # fmt: skip
_LEET = str.maketrans("eoiats", "301475")


def _swapper(table: dict[str, str]) -> Callable[[str], str]:
    keys = sorted(table, key=lambda key: (-len(key), key))
    pattern = re.compile(r"(?<![\w'])(?:" + "|".join(map(re.escape, keys)) + r")(?![\w'])", re.IGNORECASE)

    def swap(match: re.Match[str]) -> str:
        found, other = match.group(0), table[match.group(0).lower()]
        return other[:1].upper() + other[1:] if found[:1].isupper() else other

    return lambda text: pattern.sub(swap, text)


_expanded, _contracted, _numbered = _swapper(_FULL_OF), _swapper(_SHORT_OF), _swapper(_NUMBERED)


def contracted(text: str, rng: random.Random) -> Two | None:
    full = _expanded(text)
    short = _contracted(full)
    if short == full:
        return None
    return full, short.replace("'", "") if rng.random() < 0.1 else short


def pictured(text: str, rng: random.Random) -> Two | None:
    """An emoji or an emoticon in the same place; rarely a picture or none."""
    if EMOJI.search(text) or EMOTICON.search(text):
        return None
    times = rng.choice((1, 1, 1, 2))
    emoji, sign = rng.choice(_FACES) * times, rng.choice(_SIGNS)
    if rng.random() < 0.3:
        breaks = [found.end() for found in re.finditer(r"[.!?,] ", text)] or [len(text)]
        at = rng.choice(breaks)
        return f"{text[:at].rstrip()} {emoji} {text[at:]}".strip(), f"{text[:at].rstrip()} {sign} {text[at:]}".strip()
    gap = " " if rng.random() < 0.8 else ""
    return f"{text}{gap}{emoji}", f"{text} {sign}"


def numbered(text: str, rng: random.Random) -> Two | None:
    """Words with figures for letters: by sound (`gr8`), or by looks (`d00d`), in one word or in all."""
    if rng.random() < 0.5:
        other = _numbered(text)
        return (text, other) if other != text else None
    words = text.split(" ")
    fit = [place for place, word in enumerate(words) if len(word) > 2 and word.isalpha() and word.islower()]
    if not fit:
        return None
    chosen = fit if rng.random() < 0.3 else rng.sample(fit, min(len(fit), rng.choice((1, 1, 2))))
    for place in chosen:
        words[place] = words[place].translate(_LEET)
    other = " ".join(words)
    return (text, other) if other != text else None


def simple(text: str, rng: random.Random) -> Two | None:
    share = rng.choice((0.5, 0.8, 1.0))
    plain, learned = simplified(text, share, rng), complicated(text, share, rng)
    if rng.random() < 0.4:
        plain, learned = (plain, text) if plain != text else (text, learned)
    return (plain, learned) if plain != learned else None


def tidied(text: str, rng: random.Random) -> Two | None:
    """As somebody typed it, and the plain sentence."""
    plain = neutralise(text)
    changed = set(text.split()) ^ set(plain.split())
    if len(changed) < 4 or EMOJI.search(text):
        return None
    return plain, text


def formal(text: str, rng: random.Random) -> Two | None:
    """In a careful and in a loose manner; seldom with the ceremony that only letters have."""
    plain = neutralise(text)
    ceremony = rng.choice((0.0, 0.0, 0.6))
    careful = restyle(plain, Style(formal=ceremony, links=rng.random() < 0.3), rng)
    if rng.random() < 0.4:
        careful = complicated(careful, 0.5, rng)
    return careful, roughened(restyle(simplified(plain, 0.5, rng), _loose(rng), rng), rng)


def _loose(rng: random.Random) -> Style:
    while True:
        style = random_style(rng)
        if style.contractions != "full" and not style.formal and not style.emoji and style.case != "upper":
            return style


def roughened(text: str, rng: random.Random) -> str:
    """Some of the slips of quick typing."""

    def chance(share: float) -> bool:
        return rng.random() < share

    if chance(0.3):
        text = text[:1].lower() + text[1:]
    if chance(0.2):
        text = re.sub(r"\bI\b", "i", text)
    if chance(0.15):
        text = re.sub(r", (?=\w)", ",", text)
    if chance(0.2):
        text = re.sub(r"\. (?=\w)", rng.choice(("...", "  ", ", ", ".. ")), text)
    if chance(0.15):
        text = text.replace(" and ", " & ")
    if chance(0.3):
        text = text.rstrip(".") + rng.choice(("", "", "!", "!!!", "...", "  lol", " :)", " ."))
    if chance(0.1):
        text = text.replace("'", "")
    if chance(0.12):
        text = rng.choice(("well ", "yeah ", "um... ", "ok ", "oh ", "no ", "I dunno, ", "hey ")) + text
    if chance(0.15):
        words = text.split(" ")
        place = rng.randrange(len(words))
        if len(words[place]) > 4 and words[place].isalpha():
            at = rng.randrange(1, len(words[place]) - 1)
            word = words[place]
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            text = " ".join(words)
    return text


MAKERS: dict[Maker, float] = {
    contracted: 0.21, pictured: 0.15, numbered: 0.08, simple: 0.22, tidied: 0.11, formal: 0.23,
}  # fmt: skip
"""Each with its share of the pairs."""

"""Numbers in words and digits, so that `seven` is found in `at 7` and `1,500` in `1500`. English only; no torch."""

import re
from collections.abc import Iterator, Sequence, Set
from typing import Final

UNITS: Final = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen".split()
    )
}
TENS: Final = {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
HUNDRED: Final = 100
SCALES: Final = {"hundred": HUNDRED, "thousand": 1000, "million": 1_000_000}

ALSO: Final = {
    "a": 1, "an": 1, "first": 1, "once": 1, "single": 1, "second": 2, "twice": 2, "both": 2, "couple": 2, "pair": 2,
    "fortnight": 2, "third": 3, "thrice": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "dozen": 12,
}  # fmt: skip
"""Words that a number may become, but that are no figures of their own."""

CLOCK: Final = re.compile(r"(\d{1,2})[.:](\d\d)")


def digits(written: str) -> str:
    """One spelling for what is written in digits: `1,500` 1500, `07:30` 7.30, `3:00` 3, `2,5` 2.5."""
    plain = re.sub(r",(?=\d{3}(?!\d))", "", written).replace(":", ".").replace(",", ".")
    return plain.removesuffix(".00").lstrip("0") or "0"


def spoken(words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """(place of its first word, digits) of every number in lower-case words. A lone `one` is mostly none."""
    place = 0
    while place < len(words):
        start, total, part = place, 0, 0
        while place < len(words) and (value := _value(words[place], part)) is not None:
            if value == HUNDRED:
                part = max(1, part) * value
            elif words[place] in SCALES:
                total, part = total + max(1, part) * value, 0
            else:
                part += value
            place += 1
        if place > start and words[start:place] != ["one"]:
            yield start, str(total + part)
        place = max(place, start + 1)


def is_said(number: str, numbers: Set[str], words: Set[str]) -> bool:
    """Whether a number (as `digits` spells it) is among those of a text, given also the text's lower-case words."""
    if number in numbers or any(str(value) == number for word, value in ALSO.items() if word in words):
        return True
    clock = CLOCK.fullmatch(number)
    if not clock:
        return False
    hour, minute = clock.groups()
    after, before = hour in numbers, str(int(hour) % 12 + 1) in numbers
    if minute == "30":
        return after and bool({"30", "half"} & (numbers | words))
    if minute in ("15", "45"):
        return (after and minute in numbers) or ("quarter" in words and (after if minute == "15" else before))
    return after and minute.lstrip("0") in numbers


def _value(word: str, part: int) -> int | None:
    """Of a word that can go on a number of which `part` is already said since its last thousand."""
    if word in SCALES:
        return SCALES[word]
    if word in TENS:
        return TENS[word] if part % 100 == 0 else None
    if word in UNITS:
        value = UNITS[word]
        fits = part % 100 == 0 or (part % 100 >= 20 and part % 10 == 0 and 0 < value < 10)
        return value if fits else None
    return None

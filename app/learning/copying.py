"""Was it rewritten at all, and in whose words? Copies of the input, and runs of words lifted from training samples."""

import re
from collections.abc import Sequence

from app.learning.neutralise import ADDRESS

_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?")
_AROUND = ".,;:!?()[]'\"*-–—<>"
_WORD = re.compile(r"\w+(?:['’]\w+)*")


def is_copy(source: str, text: str) -> bool:
    """Identical after folding white space."""
    return source.split() == text.split()


def is_surface(source: str, text: str) -> bool:
    """The same letters and digits, but no copy: only case, punctuation, spacing or emoji were changed."""
    return not is_copy(source, text) and _letters(source) == _letters(text)


def longest_borrowed_run(text: str, source: str, samples: Sequence[str]) -> int:
    """Words in the longest run of `text` that stands in one of the samples and does not stand in `source`."""
    words, own = _words(text), f" {' '.join(_words(source))} "
    longest = 0
    for sample in samples:
        for end, length in _common_runs(words, _words(sample)):
            if length > longest and f" {' '.join(words[end - length : end])} " not in own:
                longest = length
    return longest


def invented_addresses(text: str, source: str) -> int:
    """Links, e-mail addresses and handles that `source` has not: a model can only have them from somebody's texts.

    Who writes `@home` for `at home` calls nobody, and a link is the same with and without its `https`.
    """
    known = {_bare(found) for found in (*ADDRESS.findall(source), *source.split())}
    known |= {f"@{word.removesuffix(ending)}" for word in _words(source) for ending in ("", "'s")}
    return sum(_bare(found) not in known for found in ADDRESS.findall(text))


def _bare(address: str) -> str:
    """What two ways of writing an address share; its ends may be the signs of the sentence around it."""
    return _SCHEME.sub("", address.casefold().strip(_AROUND)).rstrip("/").rstrip(_AROUND)


def _common_runs(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """(end in left, length) of every run that both share and that grows no further to its left."""
    runs: list[tuple[int, int]] = []
    previous: dict[int, int] = {}
    for end, word in enumerate(left, start=1):
        lengths = {j: previous.get(j - 1, 0) + 1 for j, other in enumerate(right) if other == word}
        runs += [(end, length) for length in lengths.values()]
        previous = lengths
    return runs


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in _WORD.findall(text)]


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())

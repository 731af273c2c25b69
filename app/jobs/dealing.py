"""Which of a person's new samples are held out, by what they say: a text that is learned from elsewhere tests nothing.

As `held_out.deal`, which only counts. What is written twice, a mark apart, gets one part; and a sample that says
nothing which is not learned elsewhere gives its place to another, as long as there are new ones.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.jobs import held_out
from app.jobs.quoting import Phrases, letters, sentences
from app.models import StyleSample

DEALT_AGAIN = 12
"""How often those that turn out to test nothing are replaced."""


@dataclass(frozen=True)
class Texts:
    """Of samples, by their ids."""

    passages: Mapping[str, Sequence[str]]
    bare: Mapping[str, str]


def deal(rows: Sequence[StyleSample], texts: Texts, undealt: Collection[str]) -> None:
    """Give those without a part theirs, in place; `undealt` are their ids."""
    first: dict[str, StyleSample] = {}
    again: list[tuple[StyleSample, StyleSample]] = []
    for row in sorted(rows, key=lambda row: row.id in undealt):
        origin = first.setdefault(texts.bare[row.id].replace(" ", ""), row)
        if origin is not row and row.id in undealt:
            again.append((row, origin))
    left = {row.id for row, _ in again}
    _deal([row for row in rows if row.id not in left], texts, undealt)
    for row, origin in again:
        row.is_held_out = origin.is_held_out


def learned(tested_on: Iterable[StyleSample], learned_from: Iterable[StyleSample], texts: Texts) -> dict[str, str]:
    """What of the test stands in what is learned: letters of a passage or a sentence, to the id of the first sample."""
    phrases = Phrases(part for row in tested_on for passage in texts.passages[row.id] for part in parts(passage))
    found: dict[str, str] = {}
    for row in learned_from:
        for part in phrases.quoted_in(texts.bare[row.id]):
            found.setdefault(part, row.id)
    return found


def telling(
    tested_on: Iterable[StyleSample], texts: Texts, known: Collection[str]
) -> Iterator[tuple[StyleSample, str]]:
    """Those passages of theirs that are not learned elsewhere, each once: said again, it is no evidence of its own."""
    said = set(known)
    for row in tested_on:
        for passage in texts.passages[row.id]:
            if not is_said(passage, said):
                said.update(map(letters, parts(passage)))
                yield row, passage


def parts(passage: str) -> Iterator[str]:
    """What it is known by elsewhere."""
    yield passage
    yield from sentences(passage)


def is_said(passage: str, known: Collection[str]) -> bool:
    """Whole, or all of its sentences, wherever each of them stands."""
    each_said = [each in known for each in sentences(passage)]
    return letters(passage) in known or (bool(each_said) and all(each_said))


def _deal(rows: Sequence[StyleSample], texts: Texts, undealt: Collection[str]) -> None:
    idle: set[str] = set()
    settled: set[str] = set()
    for _ in range(DEALT_AGAIN):
        held_out.deal(rows, idle)
        silent, to_learn = _silent(rows, texts, undealt)
        if silent <= idle:
            return
        idle |= silent
        settled |= to_learn
        for row in rows:
            if row.id in undealt:
                row.is_held_out = False if row.id in settled else row.id in idle or None
    held_out.deal(rows, idle)


def _silent(rows: Sequence[StyleSample], texts: Texts, undealt: Collection[str]) -> tuple[set[str], set[str]]:
    """Ids of the held-out samples that test nothing; and of those to learn from: what is learned elsewhere anyway, and
    where it is. Held out in place of what it repeats, such an origin would make that a test again, beside itself.

    What repeats only the test is not learned from: then nothing would be tested of either.
    """
    tested_on = [row for row in rows if row.is_held_out]
    # First those that stay learned from in any case, then those whose turn to be held out comes last.
    last_first = sorted((row for row in rows if not row.is_held_out), key=lambda row: row.sha256, reverse=True)
    known = learned(tested_on, sorted(last_first, key=lambda row: row.id in undealt), texts)
    silent = {row.id for row in tested_on} - {row.id for row, _ in telling(tested_on, texts, known)}
    repeated = {each for each in silent if all(is_said(passage, known) for passage in texts.passages[each])}
    said = (letters(part) for each in repeated for passage in texts.passages[each] for part in parts(passage))
    return silent, repeated | {known[part] for part in said if part in known}

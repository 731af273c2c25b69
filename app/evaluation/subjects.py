"""The people an evaluation is about: what they wrote, and what is to be rewritten in their voice."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from app.assets.evaluation import larger_model, marketing, styles
from app.demo.people import packaged
from app.evaluation.problems import CannotEvaluate
from app.inference.passages import split

OWN = "texts of"
FEWEST_LEARNED, FEWEST_TESTED = 8, 4
SHORTEST_WORDS = 8
"""Of a passage of an essay."""
Sample = tuple[str, str | None]
"""(text, context)."""

Some = TypeVar("Some")

TWO_VOICES = "sam"
"""The demo person who writes differently at work and to friends."""


@dataclass(frozen=True)
class Subject:
    name: str
    samples: tuple[Sample, ...]
    inputs: tuple[str, ...] = ()
    larger_model: tuple[str, ...] = ()
    """The inputs as a far larger model wrote them in this person's voices; empty: nobody asked it."""

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.samples]


def three_styles() -> Subject:
    """One person with three voices that could hardly be further apart: the article's references, written out."""
    samples = [(text, style) for style, texts in styles().items() for text in texts]
    return _subject("three styles", samples)


def two_voices() -> Subject:
    person = next(person for person in packaged(quick=False) if person.id == TWO_VOICES)
    return _subject("two voices", person.samples)


def _subject(name: str, samples: Sequence[tuple[str, str | None]]) -> Subject:
    return Subject(name, tuple(samples), tuple(marketing()), tuple(larger_model(name)))


@dataclass(frozen=True)
class ShortAuthor:
    name: str
    texts: tuple[str, ...]


def short_authors(data: Path) -> tuple[list[ShortAuthor], list[ShortAuthor]]:
    """Source and target authors of `authors_short/`. Raises CannotEvaluate if it is not there."""
    written: dict[tuple[str, str], list[str]] = {}
    for row in _rows(data / "authors_short" / "random.jsonl"):
        written.setdefault((row["role"], row["author"]), []).append(row["text"])
    found = {role: [ShortAuthor(author, tuple(texts)) for (r, author), texts in written.items() if r == role]
             for role in ("source", "target")}  # fmt: skip
    return found["source"], found["target"]


@dataclass(frozen=True)
class Writer:
    """Somebody whose texts are cut into passages as everywhere else."""

    name: str
    written: tuple[Sample, ...]
    """Passages to learn from."""
    held_out: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.written]


def essayists(data: Path, passage_words: int, shortest: int = SHORTEST_WORDS) -> list[Writer]:
    """The authors of `authors_cmcc/`: training and validation texts to learn from, test texts held out."""
    parts: dict[str, dict[str, list[str]]] = {}
    for name in ("train", "val", "test"):
        for row in _rows(data / "authors_cmcc" / f"{name}.jsonl"):
            part = "held_out" if name == "test" else "written"
            own = parts.setdefault(f"author {row['author']}", {"written": [], "held_out": []})
            own[part] += _passages(row["text"], passage_words, shortest)
    return [
        Writer(name, tuple((text, None) for text in own["written"]), tuple(own["held_out"]))
        for name, own in sorted(parts.items())
    ]


def user(name: str, samples: Sequence[Sample], passage_words: int, held_out: int) -> Writer:
    """Somebody of a server: every third sample is held out, until there are so many passages of them.

    Raises CannotEvaluate for somebody who wrote too little to learn from some of it and be tested on the rest.
    """
    tested: list[str] = []
    learned: list[Sample] = []
    for place, (text, context) in enumerate(samples):
        # Words alone are nobody's, but short messages are how some people write.
        passages = _passages(text, passage_words, shortest=2)
        if place % 3 == 2 and len(tested) < held_out:
            tested += passages
        else:
            learned += [(passage, context) for passage in passages]
    if len(learned) < FEWEST_LEARNED or len(tested) < FEWEST_TESTED:
        count = "1 sample" if len(samples) == 1 else f"{len(samples)} samples"
        raise CannotEvaluate(
            f"{name} has {count}, too few: of passages of two words or more, {len(learned)} to learn from and "
            f"{len(tested)} to be tested on, where {FEWEST_LEARNED} and {FEWEST_TESTED} are needed.",
            f"Add more with `idiolect samples add {name} FILE`: {3 * FEWEST_TESTED + FEWEST_LEARNED} are enough.",
        )
    return Writer(name, tuple(learned), tuple(tested))


def invented(apart_from: Sequence[Writer]) -> list[Writer]:
    """The people of the demo, among whom a writer has to be told apart; not who is one of them."""
    known = {text for writer in apart_from for text in (*writer.texts, *writer.held_out)}
    people = [Writer(f"{p.name}, of the demo", tuple(p.samples), ()) for p in packaged(quick=False)]
    return [person for person in people if not known & set(person.texts)]


def _passages(text: str, passage_words: int, shortest: int) -> list[str]:
    return [passage for passage in split(text, passage_words).passages if len(passage.split()) >= shortest]


def machine_texts(data: Path, passage_words: int, count: int) -> list[str]:
    """The first passages of machine-written news, on topics that no author here wrote about."""
    found: list[str] = []
    for row in _rows(data / "machine_text" / "xsum_gpt-3.5-turbo.jsonl"):
        found += split(without_shared_opening(row["human"], row["machine"])[1], passage_words).passages[:2]
        if len(found) >= count:
            break
    return found[:count]


def without_shared_opening(human: str, machine: str) -> tuple[str, str]:
    """Both from the first word on that differs: the machine was given the opening of the human's text."""
    sides = human.split(" "), machine.split(" ")
    shared = sum(1 for _ in takewhile(lambda words: words[0] == words[1], zip(*sides, strict=False)))
    return " ".join(sides[0][shared:]), " ".join(sides[1][shared:])


def spread(texts: Sequence[Some], count: int) -> list[Some]:
    """At most `count` of them, evenly from beginning to end."""
    if len(texts) <= count:
        return list(texts)
    return [texts[place * len(texts) // count] for place in range(count)]


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise CannotEvaluate(
            f"{path} is not there.",
            "Name the folder that holds it with --data; see the suite's help for what it needs.",
        )
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

"""What the satisfaction scorer learns from: comments with emotions, rated snippets, and remarks about rewrites."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import app.assets
from app.assets.build.corpora import goemotions, rated, rows, tidy
from app.assets.build.remarks import DISPLEASED, NEITHER, PLEASED, remark
from app.learning.satisfaction.static import EMOTIONS

MESSAGES = Path(app.assets.__file__).parent / "satisfaction" / "training_messages.jsonl"
TEST_MESSAGES = MESSAGES.with_name("dev_messages.jsonl")
HELD_OUT_MESSAGES = 200
TEMPLATES, VARIANTS = 9_000, 3
MOODS = {DISPLEASED: (1.0, 0.0, 0.0), NEITHER: (0.0, 1.0, 0.0), PLEASED: (0.0, 0.0, 1.0)}
STRONGEST = 2.5
"""A mean rating of which all raters are taken to be of one mind; the scale goes to 4."""


@dataclass(frozen=True)
class Example:
    text: str
    emotions: tuple[str, ...]
    """GoEmotions' labels; none where only the mood is known."""
    moods: tuple[float, float, float]
    weight: float
    """Of the mood."""


def comments(data: Path, split: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(tidy(row.text).replace("[NAME]", "Alex"), row.labels) for row in goemotions(data, split)]


def share(labels: tuple[str, ...], group: str) -> float:
    """How many of the labels are of the group."""
    return sum(label in EMOTIONS[group] for label in labels) / len(labels)


def ratings(data: Path) -> tuple[list[tuple[str, str, float]], list[tuple[str, str, float]]]:
    """(source, text, mean rating) to learn from, and a tenth held out by a fixed shuffle."""
    every = [(source, text, value) for source, texts in rated(data).items() for text, value in texts]
    order = torch.randperm(len(every), generator=torch.Generator().manual_seed(0)).tolist()
    shuffled = [every[place] for place in order]
    return shuffled[len(every) // 10 :], shuffled[: len(every) // 10]


def mood_of(rating: float) -> tuple[float, float, float]:
    strength = max(-1.0, min(1.0, rating / STRONGEST))
    return (max(0.0, -strength), 1 - abs(strength), max(0.0, strength))


def messages(seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Hand-written (text, label) to learn from, and 200 held out. None is among those that the scorer is tested on."""
    written = [(str(row["text"]), str(row["label"])) for row in rows(MESSAGES)]
    if both := {folded(text) for text, _ in written} & {folded(str(row["text"])) for row in rows(TEST_MESSAGES)}:
        raise ValueError(f"{len(both)} messages of {MESSAGES.name} are also in {TEST_MESSAGES.name}: take them out")
    random.Random(seed).shuffle(written)
    return written[HELD_OUT_MESSAGES:], written[:HELD_OUT_MESSAGES]


def folded(text: str) -> str:
    """Without case, marks and spacing: two messages that differ in nothing else are one."""
    return " ".join("".join(c for c in text.lower() if c.isalnum() or c.isspace()).split())


def spoken(written: Sequence[tuple[str, str]], rng: random.Random) -> list[tuple[str, str]]:
    """Each message as it is and in three sloppier or livelier spellings, and 9,000 put together from parts."""
    found = list(written)
    for text, label in written:
        found += [(_respelled(text, label, rng), label) for _ in range(VARIANTS)]
    known = {folded(str(row["text"])) for row in rows(TEST_MESSAGES)}
    made: set[tuple[str, str]] = set()
    while len(made) < TEMPLATES:
        text, label = remark(rng)
        if folded(text) not in known:
            made.add((text, label))
    return found + sorted(made)


def _respelled(text: str, label: str, rng: random.Random) -> str:
    bare = text.rstrip(".!") if rng.random() < 0.5 else text
    face = {PLEASED: " :)", DISPLEASED: " :(", NEITHER: ""}[label]
    return rng.choice((bare.lower(), bare, f"{bare}!", f"{bare}.", f"{bare}..", bare.lower() + face, bare.upper()))


def examples(data: Path, seed: int) -> tuple[list[Example], int]:
    """All to learn from, and how many of them are comments, which come first and are the same for every seed."""
    found = []
    for text, labels in comments(data, "train"):
        displeased, pleased = (share(labels, group) for group in ("displeased", "pleased"))
        found.append(Example(text, labels, (displeased, 1 - displeased - pleased, pleased), 0.3))
    count = len(found)
    for source, text, value in ratings(data)[0]:
        found.append(Example(text, (), mood_of(value), 1.0 if source == "tweets" else 0.5))
    written, _ = messages(seed)
    for place, (text, label) in enumerate(spoken(written, random.Random(seed))):
        is_by_hand = place < (1 + VARIANTS) * len(written)
        found.append(Example(text, (), MOODS[label], 1.5 if is_by_hand else 0.7))
    return found, count

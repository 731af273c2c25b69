import json
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from app.feedback.voices import MOST_MEASURED, evenly, measured_voices
from app.inference.encoders import evaluation_encoder, style_encoder
from app.jobs.evaluation import person_references
from tests.timing import worked_within

PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"


def test_scores_and_evaluation_measure_by_the_same_voices() -> None:
    people = {person["id"]: person["samples"] for person in json.loads(PEOPLE.read_text(encoding="utf-8"))}
    written = tuple((sample["text"], sample["context"]) for sample in people["sam"])
    person = measured_voices(written, style_encoder(), evaluation_encoder())
    assert set(person.shares) == {"work", "friends"}
    own_N_M = person.by_mode(person.similarity([text for text, _ in written]))
    nearest = [list(person.shares)[place] for place in own_N_M.argmax(-1).tolist()]
    right = sum(mode == context for mode, (_, context) in zip(nearest, written, strict=True))
    assert right >= 0.9 * len(written)
    assert person_references(list(written)) is person


class Shouts:
    """Rows of how loud a text is; counts the texts that it read."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, texts: Sequence[str]) -> Tensor:
        self.read += len(texts)
        rows = [[float(text.isupper()), float(text.islower()), 0.5, (len(text) % 7) / 70] for text in texts]
        return normalize(torch.tensor(rows), dim=-1)


def test_ten_thousand_samples_are_measured_by_a_few_hundred() -> None:
    written = tuple((f"{'i am here' if place % 5 else 'I AM HERE'} {place}", None) for place in range(10_000))
    style, evaluation = Shouts(), Shouts()
    tracemalloc.start()
    with worked_within(2):
        person = measured_voices(written, style, evaluation)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 10_000_000
    assert max(style.read, evaluation.read) < 2_000, "with the neutral texts, which are read each time"
    assert list(person.shares.values()) == pytest.approx([0.8, 0.2], abs=0.05)


def test_few_samples_are_all_of_them() -> None:
    written = tuple((f"text {place}", None) for place in range(MOST_MEASURED))
    assert evenly(written, MOST_MEASURED) is written


def test_a_few_of_many_come_from_beginning_to_end() -> None:
    written = tuple((str(place), None) for place in range(1000))
    kept = evenly(written, 10)
    assert [int(text) // 100 for text, _ in kept] == list(range(10))
    assert kept == evenly(written, 10)


def test_every_named_voice_stays_one() -> None:
    contexts = [*["work"] * 9000, *["friends"] * 900, *["church"] * 5, *["x", None, "y"] * 3]
    written = tuple((str(place), context) for place, context in enumerate(contexts))
    kept = Counter(context for _, context in evenly(written, MOST_MEASURED))
    assert (kept["work"], kept["friends"], kept["church"]) == (363, 36, 5)
    assert kept["x"] + kept["y"] + kept[None] == 6

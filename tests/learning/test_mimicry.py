import json
from pathlib import Path

import pytest

from app.assets.neutral import neutral_prompts
from app.inference.encoders import centred, style_encoder
from app.learning.mimicry import LEAST_SIMILARITY, imitations
from app.learning.rewards.style import References, references
from app.learning.types import Mode

PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"


def measured(person_id: str) -> References:
    people = {person["id"]: person["samples"] for person in json.loads(PEOPLE.read_text(encoding="utf-8"))}
    tags = list(dict.fromkeys(sample.get("context", "voice 1") for sample in people[person_id]))
    modes = [
        Mode(tag, 1 / len(tags), [s["text"] for s in people[person_id] if s.get("context", "voice 1") == tag])
        for tag in tags
    ]
    return references(centred(style_encoder(), neutral_prompts()), modes, neutral_prompts())


def test_imitations_of_max_are_lower_case_and_of_eleanor_are_not() -> None:
    low = [text for _, text, _ in imitations(measured("max"), neutral_prompts(), 12, seed=0)]
    high = [text for _, text, _ in imitations(measured("eleanor"), neutral_prompts(), 12, seed=0)]
    assert sum(text == text.lower() for text in low) >= 0.8 * len(low) > 0
    assert sum(text == text.lower() for text in high) == 0


def test_imitations_are_near_the_mode_they_stand_for() -> None:
    person = measured("sam")
    found = imitations(person, neutral_prompts(), 16, seed=0)
    assert {mode for _, _, mode in found} == {"work", "friends"}
    similarity_N_M = person.by_mode(person.similarity([text for _, text, _ in found]))
    places = [list(person.shares).index(mode) for _, _, mode in found]
    for row, place in zip(similarity_N_M.tolist(), places, strict=True):
        assert row[place] >= LEAST_SIMILARITY - 1e-6


def test_the_same_seed_imitates_alike() -> None:
    person = measured("rosa")
    assert imitations(person, neutral_prompts(), 6, seed=1) == imitations(person, neutral_prompts(), 6, seed=1)


def test_nobody_is_imitated_whom_no_rule_style_is_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.learning.mimicry.LEAST_SIMILARITY", 2.0)
    assert imitations(measured("max"), neutral_prompts(), 6, seed=0) == []

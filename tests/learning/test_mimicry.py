import json
from pathlib import Path

import pytest

from app.assets.neutral import neutral_prompts
from app.inference.encoders import centred, voice_encoder
from app.learning.mimicry import LEAST_SIMILARITY, imitations
from app.learning.neutralise import EMOJI
from app.learning.rewards.style import References, references
from app.learning.types import Mode

DEMO = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"
PEOPLE = {person["id"]: person["samples"] for person in json.loads(DEMO.read_text(encoding="utf-8"))}


def measured(person_id: str) -> References:
    samples = PEOPLE[person_id]
    tags = list(dict.fromkeys(sample.get("context", "voice 1") for sample in samples))
    modes = [
        Mode(tag, 1 / len(tags), [s["text"] for s in samples if s.get("context", "voice 1") == tag]) for tag in tags
    ]
    return references(centred(voice_encoder(), neutral_prompts()), modes, neutral_prompts())


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


def test_dashes_are_those_of_the_person() -> None:
    person = measured("sam")
    found = imitations(person, neutral_prompts(), 16, seed=0, written=["Well – here we are."])
    friendly = [text for _, text, mode in found if mode == "friends"]
    assert any(" – " in text for text in friendly)
    assert not any("—" in text or " - " in text for text in friendly)


def test_joined_signs_are_one_emoji() -> None:
    own = ["🧘‍♀️", "👍🏽"]
    found = imitations(measured("rosa"), neutral_prompts(), 16, seed=0, written=["Stretching! 🧘‍♀️👍🏽"])
    marked = [text for _, text, _ in found if any(sign in text for sign in own)]
    assert marked
    for text in marked:
        assert not EMOJI.search(text.replace(own[0], "").replace(own[1], "")), text


def test_no_word_is_put_into_a_mouth_lightly() -> None:
    """A kiss at the end counts as warm; whoever writes warmly without kisses gets none."""
    sam, written = measured("sam"), [sample["text"] for sample in PEOPLE["sam"]]

    def kisses(*own: str) -> int:
        found = imitations(sam, neutral_prompts(), 24, seed=0, written=own)
        return sum(text.endswith(" x") for _, text, _ in found)

    assert kisses(*written) == 0
    assert kisses(*written, "Love you x") > 0


def test_the_same_seed_imitates_alike() -> None:
    person = measured("rosa")
    assert imitations(person, neutral_prompts(), 6, seed=1) == imitations(person, neutral_prompts(), 6, seed=1)


def test_nobody_is_imitated_whom_no_rule_style_is_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.learning.mimicry.LEAST_SIMILARITY", 2.0)
    assert imitations(measured("max"), neutral_prompts(), 6, seed=0) == []


def test_dashes_and_pictures_are_the_persons_own_and_whole() -> None:
    """A list's bullets are no dashes, and half a flag is no picture."""
    rosa = measured("rosa")
    written = ["Shopping:", "- milk and eggs", "Off to the match 🇬🇧", "Wales won 🏴󠁧󠁿"]
    texts = [text for _, text, _ in imitations(rosa, neutral_prompts(), 24, seed=0, written=written)]
    assert not any("\n" in text for text in texts)
    pictures = {found for text in texts for found in EMOJI.findall(text)}
    assert pictures
    assert all(set(picture) <= set("".join(written)) for picture in pictures)
    assert not any(picture.count("🇬") != picture.count("🇧") for picture in pictures)

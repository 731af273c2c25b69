import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.assets.neutral import neutral_prompts
from app.evaluation.subjects import three_styles
from app.inference.encoders import centred, voice_encoder
from app.learning.manners import devices, is_clipped
from app.learning.mimicry import LEAST_SIMILARITY, imitations
from app.learning.neutralise import EMOJI, EMOTICON
from app.learning.rewards.style import References, references
from app.learning.types import Mode

DEMO = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"
PEOPLE = {person["id"]: person["samples"] for person in json.loads(DEMO.read_text(encoding="utf-8"))}


STYLES = ("formal greeting", "casual slang", "emoticon tweet")


def texts_of(person_id: str) -> dict[str, list[str]]:
    """By mode."""
    samples = PEOPLE[person_id]
    tags = list(dict.fromkeys(sample.get("context", "voice 1") for sample in samples))
    return {tag: [s["text"] for s in samples if s.get("context", "voice 1") == tag] for tag in tags}


def imitated(person_id: str, count: int, *, seed: int = 0, more: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """Of somebody who has also written `more`, in every mode."""
    written = {tag: [*texts, *more] for tag, texts in texts_of(person_id).items()}
    return imitations(measured(person_id), neutral_prompts(), count, seed=seed, written=written)


def of_three_styles(count: int) -> list[tuple[str, str, str]]:
    subject = three_styles()
    texts = {tag: [text for text, context in subject.samples if context == tag] for tag in STYLES}
    modes = [Mode(tag, 1 / len(texts), own) for tag, own in texts.items()]
    person = references(centred(voice_encoder(), neutral_prompts()), modes, neutral_prompts())
    return imitations(person, neutral_prompts(), count, seed=0, written=texts)


def measured(person_id: str) -> References:
    texts = texts_of(person_id)
    modes = [Mode(tag, 1 / len(texts), own) for tag, own in texts.items()]
    return references(centred(voice_encoder(), neutral_prompts()), modes, neutral_prompts())


def test_imitations_of_max_are_lower_case_and_of_eleanor_are_not() -> None:
    low = [text for _, text, _ in imitated("max", 12)]
    high = [text for _, text, _ in imitated("eleanor", 12)]
    assert sum(text == text.lower() for text in low) >= 0.8 * len(low) > 0
    assert sum(text == text.lower() for text in high) == 0


def test_imitations_are_near_the_mode_they_stand_for() -> None:
    person = measured("sam")
    found = imitated("sam", 16)
    assert {mode for _, _, mode in found} == {"work", "friends"}
    similarity_N_M = person.by_mode(person.similarity([text for _, text, _ in found]))
    places = [list(person.shares).index(mode) for _, _, mode in found]
    for row, place in zip(similarity_N_M.tolist(), places, strict=True):
        assert row[place] >= LEAST_SIMILARITY - 1e-6


def test_dashes_are_those_of_the_person() -> None:
    friendly = [text for _, text, mode in imitated("sam", 16) if mode == "friends"]
    own = {dash for text in texts_of("sam")["friends"] for dash in ("—", " - ", " – ") if dash in text}
    assert any(dash in text for dash in own for text in friendly)
    assert not any(dash in text for dash in {"—", " - ", " – "} - own for text in friendly)


def test_faces_are_those_of_the_person() -> None:
    tweets = [text for _, text, mode in of_three_styles(60) if mode == STYLES[2]]
    own = {face for text, style in three_styles().samples if style == STYLES[2] for face in EMOTICON.findall(text)}
    shown = [face for text in tweets for face in EMOTICON.findall(text)]
    assert len(set(shown)) > 2
    assert set(shown) <= own


def test_nothing_is_made_of_nothing() -> None:
    assert imitations(measured("sam"), neutral_prompts(), 0, seed=0, written=texts_of("sam")) == []


def test_joined_signs_are_one_emoji() -> None:
    own = ["🧘‍♀️", "👍🏽"]
    written = {"voice 1": ["Stretching! 🧘‍♀️👍🏽"]}
    found = imitations(measured("rosa"), neutral_prompts(), 16, seed=0, written=written)
    marked = [text for _, text, _ in found if any(sign in text for sign in own)]
    assert marked
    for text in marked:
        assert not EMOJI.search(text.replace(own[0], "").replace(own[1], "")), text


def test_no_word_is_put_into_a_mouth_lightly() -> None:
    """A kiss at the end counts as warm; whoever writes warmly without kisses gets none."""

    def kisses(*more: str) -> int:
        return sum(text.endswith(" x") for _, text, _ in imitated("sam", 24, more=more))

    assert kisses() == 0
    assert kisses(*["Love you x"] * 8) > 0


@pytest.mark.parametrize("written", [4, 16])
def test_what_somebody_sometimes_does_is_imitated_as_often(written: int) -> None:
    """The styles that are likest may all end in a kiss, or none of them, whoever puts one under every fourth text."""
    found = [
        text
        for seed in range(2)
        for _, text, mode in imitated("sam", 48, seed=seed, more=["Love you x"] * written)
        if mode == "friends"
    ]
    share = written / (written + len(texts_of("sam")["friends"]))
    assert share / 2 < sum(text.endswith(" x") for text in found) / len(found) < share * 2


def test_habits_that_are_seldom_drawn_together_are_imitated_together() -> None:
    """A face and a tag are in one of several hundred styles, and a shout was the next best."""
    tweets = [text for _, text, mode in of_three_styles(60) if mode == STYLES[2]]
    assert len(tweets) >= 15
    assert sum({"tag", "face"} <= devices(text) for text in tweets) > 0.8 * len(tweets)
    assert not any("shouting" in devices(text) for text in tweets)


def test_nothing_is_done_that_the_voice_does_not_do() -> None:
    """Whatever departs from plain English is a little like every voice that does, so likeness alone let letters be
    imitated in telegrams, with faces."""
    letters = [(plain, text) for plain, text, mode in of_three_styles(60) if mode == STYLES[0]]
    assert letters
    for plain, text in letters:
        assert text != plain
        assert text[0].isupper()
        assert not EMOTICON.search(text)
        assert not re.search(r"!|\b[A-Z]{4,}\b|\bu\b", text), text
        assert not is_clipped(plain, text), text


def test_who_leaves_small_words_out_is_imitated_so() -> None:
    found = [(plain, text) for plain, text, mode in imitated("sam", 24) if mode == "work"]
    assert sum(is_clipped(*each) for each in found) > len(found) / 2 > 0


def test_articles_are_left_out_as_often_as_by_the_person() -> None:
    """Sam begins no sentence with one and keeps every other within: "Bring the Hamburg figures", "Skip the slides".
    What loses all of them is likest to him by the encoder, and no English: "made of leaves of parks"."""
    found = [(plain, text) for plain, text, mode in imitated("sam", 96) if mode == "work"]
    assert not any(re.search(r"(?:^|\. )(?:The|An?|My|Our) ", text) for _, text in found)
    within = re.compile(r"(?<=[a-z,] )(?:the|an?|my|our)\b")
    kept, given = (sum(len(within.findall(pair[side])) for pair in found) for side in (1, 0))
    assert given > 40
    assert 0.25 < kept / given < 0.75, "of what plain texts have he keeps about half"


def test_the_same_seed_imitates_alike() -> None:
    assert imitated("rosa", 6, seed=1) == imitated("rosa", 6, seed=1)


def test_nobody_is_imitated_whom_no_rule_style_is_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.learning.mimicry.LEAST_SIMILARITY", 2.0)
    assert imitated("max", 6) == []


def test_dashes_and_pictures_are_the_persons_own_and_whole() -> None:
    """A list's bullets are no dashes, and half a flag is no picture."""
    rosa = measured("rosa")
    written = ["Shopping:", "- milk and eggs", "Off to the match 🇬🇧", "Wales won 🏴󠁧󠁿"]
    found = imitations(rosa, neutral_prompts(), 24, seed=0, written={"voice 1": written})
    texts = [text for _, text, _ in found]
    assert not any("\n" in text for text in texts)
    pictures = {found for text in texts for found in EMOJI.findall(text)}
    assert pictures
    assert all(set(picture) <= set("".join(written)) for picture in pictures)
    assert not any(picture.count("🇬") != picture.count("🇧") for picture in pictures)


def test_every_voice_has_its_own_pictures() -> None:
    """What friends are sent is not put under what is sent to work."""
    work = [
        f"{said} 🙂" for said in ("The report is ready.", "The meeting is at nine.", "Please see the attached plan.")
    ]
    friends = ["omg that was wild 💀", "c u at the pub 🍻", "i cant even 💀🍆", "who has the tickets?? 😭"]
    written = {"work": [*work, "I have sent the invoice."], "friends": friends}
    modes = [Mode(tag, 0.5, texts) for tag, texts in written.items()]
    person = references(centred(voice_encoder(), neutral_prompts()), modes, neutral_prompts())
    found = imitations(person, neutral_prompts(), 40, seed=0, written=written)
    pictures = {mode: set("".join(EMOJI.findall(" ".join(t for _, t, m in found if m == mode)))) for mode in written}
    assert pictures["work"] <= {"🙂"}
    assert pictures["friends"] <= set("💀🍻🍆😭")
    assert any(pictures.values())

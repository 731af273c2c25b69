import json
import re
import string
from pathlib import Path

import pytest

from app.learning.neutralise import neutralise
from tests.timing import worked_within

SHARED = Path(__file__).parents[1] / "assets" / "neutral_references.jsonl"
PEOPLE = Path(__file__).parents[2] / "app" / "assets" / "demo" / "people.json"


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("omg u gotta see this rn!!", "You have to see this right now."),
        ("cant make it tmrw, gonna be at work til 9 probs", "Cannot make it tomorrow, going to be at work until 9 probably."),  # noqa: E501
        ("tom hasnt called, jenny is in berlin", "Tom has not called, Jenny is in Berlin."),
        ("SO HAPPY we won!!! 🎉🎉", "Happy we won."),
        ("It's been the BEST day ever 😍 See you soon!", "It has been the best day ever. See you soon."),
        ("He's gotta go to the NHS clinic.", "He has to go to the NHS clinic."),
        ("Kindly send the file at your earliest convenience.", "Please send the file as soon as you can."),
        ("It is with regret that I must decline; my sister arrives on Thursday.", "I must decline, my sister arrives on Thursday."),  # noqa: E501
        ("sooooo good", "Good."),
        ("The goooood soup", "The good soup."),
        ("Check #sunset pics", "Check sunset pictures."),
        ("Room 83 on 8/3, and Windows XP", "Room 83 on 8/3, and Windows XP."),
        ("see https://example.com/x😊", "See https://example.com/x."),
        ("I look forward to an excellent meal", "I am looking forward to a good meal."),
        ("Please forward the list; he will not permit it.", "Please send the list, he will not allow it."),
        ("I have concluded that it is a costly trip.", "I have decided that it is an expensive trip."),
        ("Pray do not wait.", "Please do not wait."),
        ("read https://example.com/x now", "Read https://example.com/x now."),
        ("ask anna.lee@mail.example or @tom_r :)", "Ask anna.lee@mail.example or @tom_r."),
        ("The list is at www.example.org/a_b, if u want it", "The list is at www.example.org/a_b, if you want it."),
    ],
)  # fmt: skip
def test_says_it_plainly(marked: str, plain: str) -> None:
    assert neutralise(marked) == plain


@pytest.mark.parametrize(
    "text", ["The meeting with Dr. Patel has moved to Tuesday at 3 pm.", "Did Maria call you yesterday?"]
)
def test_leaves_plain_text_alone(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize("text", ["🎉", "lol", "!!!", "haha :)"])
def test_a_text_that_is_all_ornament_is_not_lost(text: str) -> None:
    assert neutralise(text)


def test_is_stable() -> None:
    for person in json.loads(PEOPLE.read_text(encoding="utf-8")):
        for sample in person["samples"]:
            once = neutralise(sample["text"])
            assert neutralise(once) == once


def test_keeps_every_figure_of_the_demo_people() -> None:
    for person in json.loads(PEOPLE.read_text(encoding="utf-8")):
        for sample in person["samples"]:
            assert re.findall(r"\d+", neutralise(sample["text"])) == re.findall(r"\d+", sample["text"])


def test_shares_most_words_with_the_hand_made_neutral_texts() -> None:
    people = {person["id"]: person["samples"] for person in json.loads(PEOPLE.read_text(encoding="utf-8"))}
    shares: dict[str, list[float]] = {}
    for line in SHARED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ours = set(re.findall(r"\w+", neutralise(people[row["person"]][row["index"]]["text"]).lower()))
        theirs = set(re.findall(r"\w+", row["neutral"].lower()))
        shares.setdefault(row["person"], []).append(2 * len(ours & theirs) / (len(ours) + len(theirs)))
    means = {person: sum(values) / len(values) for person, values in shares.items()}
    assert means["max"] > 0.75
    assert means["rosa"] > 0.7


@pytest.mark.parametrize(
    "unit",
    [*string.punctuation, *"–—…🌿\u0301 \n", "- ", ", ", ":)", "a.", "u ", "lol ", "so ", "xD", "'s ", "@a ", "!?"],
)
def test_however_often_a_sign_is_repeated_it_is_made_plain_at_once(unit: str) -> None:
    """Workers that score do nothing else meanwhile, not even to say that they live."""
    with worked_within(1):
        neutralise("See you " + unit * (20_000 // len(unit)) + " tomorrow")

"""The demo's texts keep the promises of their card: counts, lengths, variety, no leak from samples to unseen texts."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import app.assets

DEMO = Path(app.assets.__file__).parent / "demo"
MESSAGES = DEMO.parent / "satisfaction" / "dev_messages.jsonl"
REFERENCES = Path(__file__).parent / "neutral_references.jsonl"
IDS = ["eleanor", "max", "rosa", "sam"]
SAMPLES_PER_CONTEXT = {"eleanor": {None: 40}, "max": {None: 40}, "rosa": {None: 40}, "sam": {"work": 24, "friends": 24}}


def load(name: str) -> Any:
    return json.loads((DEMO / name).read_text(encoding="utf-8"))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def person(name: str) -> dict[str, Any]:
    return next(each for each in load("people.json") if each["id"] == name)


def texts_of(name: str) -> list[str]:
    return [sample["text"] for sample in person(name)["samples"]]


def runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w']+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def final_token(text: str) -> str:
    return str(re.findall(r"\w+|[^\w\s]", text.lower())[-1])


def final_word(text: str) -> str:
    return str(re.findall(r"\w+|[^\w\s]+", text.lower().rstrip(".?!, "))[-1])


def test_the_four_people_are_there_in_order_and_described() -> None:
    people = load("people.json")
    assert [each["id"] for each in people] == IDS
    assert all(each["name"] and each["description"] for each in people)


@pytest.mark.parametrize("name", IDS)
def test_each_person_has_the_promised_samples_per_context(name: str) -> None:
    assert Counter(sample.get("context") for sample in person(name)["samples"]) == SAMPLES_PER_CONTEXT[name]


@pytest.mark.parametrize("name", IDS)
def test_samples_are_short_messages(name: str) -> None:
    lengths = [len(text.split()) for text in texts_of(name)]
    assert min(lengths) >= 8
    assert max(lengths) <= 40
    assert sum(length > 36 for length in lengths) <= 4


def test_no_text_occurs_twice() -> None:
    unseen = load("unseen.json")
    texts = [text for name in IDS for text in texts_of(name)] + unseen["texts"] + unseen["long"]
    assert len({text.casefold() for text in texts}) == len(texts)


@pytest.mark.parametrize("name", IDS)
def test_no_final_word_ends_more_than_three_in_ten_samples(name: str) -> None:
    texts = texts_of(name)
    _, most = Counter(map(final_word, texts)).most_common(1)[0]
    assert most <= 0.3 * len(texts)


@pytest.mark.parametrize("name", ["max", "rosa"])
def test_playful_voices_have_no_closing_tic(name: str) -> None:
    texts = texts_of(name)
    _, most = Counter(map(final_token, texts)).most_common(1)[0]
    assert most <= 0.3 * len(texts)


def test_max_writes_in_lower_case_only() -> None:
    assert all(text == text.lower() for text in texts_of("max"))


def test_eleanor_never_contracts() -> None:
    assert not [text for text in texts_of("eleanor") if re.search(r"n['’]t\b|['’](?:m|re|ve|ll|d)\b", text)]


def test_unseen_texts_have_the_promised_counts_and_lengths() -> None:
    unseen = load("unseen.json")
    assert len(unseen["texts"]) == 24
    assert all(8 <= len(text.split()) <= 36 for text in unseen["texts"])
    assert len(unseen["long"]) == 3
    assert all(60 <= len(text.split()) <= 120 and text.count("\n\n") == 1 for text in unseen["long"])


def test_unseen_texts_share_no_run_of_five_words_with_any_sample() -> None:
    known = {run for name in IDS for text in texts_of(name) for run in runs(text)}
    unseen = load("unseen.json")
    assert not [run for text in unseen["texts"] + unseen["long"] for run in runs(text) & known]


def test_there_are_twelve_different_feedback_messages() -> None:
    assert len(set(load("feedback.json"))) == 12


def test_the_card_tells_the_true_sha256_of_each_file() -> None:
    card = (DEMO / "README.md").read_text(encoding="utf-8")
    claimed = dict(re.findall(r"\| `(\w+\.json)` \| `([0-9a-f]{64})` \|", card))
    actual = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in DEMO.glob("*.json")}
    assert claimed == actual


def test_every_sample_has_a_plain_neutral_reference() -> None:
    references = lines(REFERENCES)
    expected = [(name, index) for name in IDS for index in range(len(texts_of(name)))]
    assert [(row["person"], row["index"]) for row in references] == expected
    assert not [row for row in references if re.search(r"[!;–—\U0001F300-\U0001FAFF]", row["neutral"])]
    assert all(row["neutral"] != texts_of(row["person"])[row["index"]] for row in references)


@pytest.mark.parametrize("name", IDS)
def test_neutral_references_keep_every_figure(name: str) -> None:
    for row in lines(REFERENCES):
        if row["person"] == name:
            sample = texts_of(name)[row["index"]]
            missing = set(re.findall(r"\d+", sample)) - set(re.findall(r"\d+", row["neutral"]))
            assert not missing, f"{name} {row['index']}"


def test_satisfaction_messages_are_balanced_and_leak_no_demo_feedback() -> None:
    messages = lines(MESSAGES)
    assert Counter(row["label"] for row in messages) == {"satisfied": 60, "dissatisfied": 60, "neither": 40}
    texts = {row["text"].casefold() for row in messages}
    assert len(texts) == 160
    assert not texts & {text.casefold() for text in load("feedback.json")}

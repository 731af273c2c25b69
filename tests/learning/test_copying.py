import json
from pathlib import Path

import pytest

import app
from app.learning.copying import invented_addresses, is_copy, is_surface, longest_borrowed_run
from app.learning.neutralise import neutralise
from tests.timing import worked_within

SAMPLES = ["we meet at the old bridge when the rain is over", "Honestly, I can't stand the rain!"]


@pytest.mark.parametrize(
    ("source", "text", "copy", "surface"),
    [
        ("I saw it.", " I  saw it.\n", True, False),
        ("I saw it.", "i saw it", False, True),
        ("I saw it.", "I SAW IT!!! 🎉🎉", False, True),
        ("I do not know.", "I don't know", False, False),
        ("I don't know.", "i dont know", False, True),
        ("I saw it.", "i saw them", False, False),
    ],
)
def test_copy_and_surface(source, text, copy, surface):
    assert (is_copy(source, text), is_surface(source, text)) == (copy, surface)


@pytest.mark.parametrize(
    ("text", "source", "run"),
    [
        ("We meet at the old bridge, ok?", "I will see you there.", 6),
        ("We meet at the old bridge, ok?", "We meet at the old bridge.", 0),
        ("so we meet at the old bridge when it is dry", "You and I meet at the old bridge.", 7),
        ("honestly i can’t stand it", "I dislike it.", 4),
        ("nothing alike", "Nothing alike.", 0),
        ("bridge", "A crossing.", 1),
        ("", "Nothing.", 0),
    ],
)
def test_longest_borrowed_run(text, source, run):
    assert longest_borrowed_run(text, source, SAMPLES) == run


def test_a_run_that_the_input_has_does_not_hide_a_shorter_one_that_it_has_not():
    samples = ["the old bridge in the rain", "my dear friend"]
    assert (
        longest_borrowed_run("the old bridge in the rain my dear friend", "The old bridge in the rain.", samples) == 3
    )


def test_without_samples_nothing_is_borrowed():
    assert longest_borrowed_run("any words", "other", []) == 0


@pytest.mark.parametrize(
    ("text", "source", "count"),
    [
        ("See https://bit.ly/3xYz @annabel!", "See you.", 2),
        ("See https://BIT.ly/3xYz.", "see https://bit.ly/3xYz", 0),
        ("Write to ann@mail.example", "Write to ann@mail.example.", 0),
        ("Write to bob@mail.example", "Write to ann@mail.example.", 1),
        ("At ten @ home.", "At ten at home.", 0),
        ("see https://x.example…", "See https://x.example.", 0),
        ("see https://x.example😊", "See https://x.example.", 0),
        ('see "https://x.example"', "See https://x.example.", 0),
        ("im @home @8", "I am at home at 8.", 0),
        ("hi @an", "Hello @anna.", 1),
        ("See https://x.example/a—thanks", "See https://x.example/a, thanks.", 0),
        ("See https://x.example/a, thanks.", "See https://x.example/a—thanks", 0),
        ("https://example.com/a/", "https://example.com/a", 0),
        ("https://example.com/a", "https://example.com/a/", 0),
        ("http://www.x.example", "www.x.example", 0),
        ("www.x.example", "http://www.x.example", 0),
        ("https://x.example/a", "See x.example/a.", 0),
        ("jane@x.example-", "jane@x.example", 0),
        ("jane@x.example", "jane@x.example-", 0),
        ("@anna dog", "Anna's dog", 0),
        ("@anna dog", "Anna’s dog", 0),
        ("ask @_jane_doe and @4chan", "Ask them.", 2),
        ("ask @_jane_doe and @4chan", "Ask @_jane_doe or @4chan.", 0),
        ("ask @_jane", "Ask @jane.", 1),
        ("https://x.example/b", "https://x.example/a", 1),
        ("https://x.example/ab", "https://x.example/a", 1),
        ("im there @8pm", "I am there at 8 in the evening.", 0),
    ],
)
def test_addresses_that_the_source_has_not_are_invented(text, source, count):
    assert invented_addresses(text, source) == count


@pytest.mark.parametrize("unit", ["@_", "@1", "a@", "a.", "www.", "https://", "-", "/", "—", "@a ", "a@b.", "a@b-"])
def test_addresses_are_counted_at_once(unit):
    text = unit * (20_000 // len(unit))
    with worked_within(1):
        invented_addresses(text, text[1:])


def test_whoever_is_quoted_invents_nothing():
    people = json.loads((Path(app.__file__).parent / "assets/demo/people.json").read_text("utf-8"))
    for person in people:
        for sample in person["samples"]:
            assert not invented_addresses(sample["text"], neutralise(sample["text"]))

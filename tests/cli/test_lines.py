"""Lines from a stdin of bytes, as they arrive."""

import os
import sys
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper

import pytest

from app.cli.lines import MOST, UnreadableLine, texts

Feed = Callable[[bytes], None]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    return lambda written: monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(written)))


def flat(batches: Iterator[list[str]]) -> list[str]:
    return [text for batch in batches for text in batch]


def test_each_line_is_a_text_as_it_stands(feed: Feed) -> None:
    feed("\ufeffone \r\n\n  zwei — 😀\nlast".encode())
    assert flat(texts(as_json=False)) == ["one ", "", "  zwei — 😀", "last"]


def test_many_lines_come_in_batches_in_order(feed: Feed) -> None:
    feed(b"".join(b"%d\n" % number for number in range(3 * MOST)))
    batches = list(texts(as_json=False))
    assert [text for batch in batches for text in batch] == [str(number) for number in range(3 * MOST)]
    assert all(0 < len(batch) <= MOST for batch in batches)


def test_nothing_gives_nothing(feed: Feed) -> None:
    feed(b"")
    assert list(texts(as_json=True)) == []


def test_a_line_is_answered_before_the_next_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    there, here = os.pipe()
    with os.fdopen(there, encoding="utf-8") as stdin, os.fdopen(here, "wb", buffering=0) as writer:
        monkeypatch.setattr(sys, "stdin", stdin)
        batches = texts(as_json=True)
        for word in ("first", "second"):
            writer.write(b'{"text": "%s"}\n' % word.encode())
            assert next(batches) == [word]
        writer.close()
        assert list(batches) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"I love it", "line 2 is not JSON"),
        (b"", "line 2 is not JSON"),
        (b"[" * 100_000, "line 2 is not JSON"),
        (b'"I love it"', 'line 2 has no "text" that is a string'),
        (b'{"text": 3}', 'line 2 has no "text" that is a string'),
        (b'{"text": "caf\xe9"}', "line 2 is not UTF-8"),
    ],
)
def test_an_unreadable_line_is_named_after_those_before_it(feed: Feed, line: bytes, words: str) -> None:
    feed(b'{"text": "fine"}\n' + line + b"\n")
    batches = texts(as_json=True)
    assert next(batches) == ["fine"]
    with pytest.raises(UnreadableLine, match=words) as problem:
        next(batches)
    assert problem.value.remedy


def test_half_of_a_character_becomes_a_question_mark(feed: Feed) -> None:
    feed(b'{"text": "so \\ud83d"}\n')
    assert flat(texts(as_json=True)) == ["so ?"]

"""Which words differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.admin.differences import Run, compared
from tests.timing import worked_within


def marked(text: list[Run]) -> list[str]:
    return [run.text for run in text if run.differs]


@pytest.mark.parametrize(
    ("left", "right", "only_left", "only_right"),
    [
        ("See you soon.", "See you soon.", [], []),
        ("I will be late.", "i'll be late!", ["I will", "."], ["i'll", "!"]),
        ("one two three", "one three", ["two"], []),
        ("a  b\nc", "a b c", [], []),
        ("", "new words", [], ["new words"]),
        ("fine 👍", "fine 🙃🙃", ["👍"], ["🙃🙃"]),
    ],
)
def test_words_that_differ_are_marked(left: str, right: str, only_left: list[str], only_right: list[str]) -> None:
    runs = compared(left, right)
    assert (marked(runs[0]), marked(runs[1])) == (only_left, only_right)


@given(st.text(alphabet="ab c'.\n👍é", max_size=40), st.text(alphabet="ab c'.\n👍é", max_size=40))
def test_nothing_of_a_text_is_lost(left: str, right: str) -> None:
    runs = compared(left, right)
    assert ["".join(run.text for run in side) for side in runs] == [left, right]
    kept = [" ".join("".join(run.text for run in side if not run.differs).split()) for side in runs]
    assert kept[0].replace(" ", "") == kept[1].replace(" ", "")


def test_the_longest_text_is_compared_in_a_moment() -> None:
    left, right = "the cat sat on the mat. " * 830, "a dog lay on the rug! " * 900
    with worked_within(5):
        compared(left, right)
        compared(left[:1700], right[:1700])


def test_long_texts_that_differ_little_are_marked_little() -> None:
    words = [f"word{number} and" for number in range(2000)]
    changed = [*words[:900], "something else", *words[901:]]
    assert marked(compared(" ".join(words), " ".join(changed))[1]) == ["something else"]

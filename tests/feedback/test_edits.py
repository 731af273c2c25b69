import random

import pytest

from app.feedback.edits import kept_share
from tests.timing import worked_within


@pytest.mark.parametrize(
    ("written", "edited", "share"),
    [
        ("the same words", "the same words", 1.0),
        ("the same  words\n", "the same words", 1.0),
        ("one two three four", "one two four", 6 / 7),
        ("one two three four", "one 2 three four", 0.75),
        ("see you tomorrow", "See you tomorrow!", 1 / 3),
        ("nothing of this", "quite another sentence", 0.0),
        ("a b", "b a", 0.5),
        ("", "", 1.0),
        ("something", "", 0.0),
    ],
)
def test_share_of_kept_words(written: str, edited: str, share: float) -> None:
    assert kept_share(written, edited) == pytest.approx(share)
    assert kept_share(edited, written) == pytest.approx(share)


def test_agrees_with_the_textbook_table() -> None:
    dice = random.Random(4)
    for _ in range(200):
        left, right = (dice.choices("abcd", k=dice.randint(1, 14)) for _ in range(2))
        table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
        for i, one in enumerate(left):
            for j, other in enumerate(right):
                table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
        assert kept_share(" ".join(left), " ".join(right)) == pytest.approx(
            2 * table[-1][-1] / (len(left) + len(right))
        )


def test_the_longest_texts_of_few_words_are_compared_at_once() -> None:
    with worked_within(1):
        assert 0 < kept_share("a b " * 5000, "b a a " * 3300) < 1

"""Numbers and times in words."""

from datetime import UTC, datetime, timedelta

import pytest

from app.admin import words

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=9), "just now"),
        (timedelta(seconds=45), "45 seconds ago"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=5, minutes=59), "5 hours ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "7 Mar 2026"),
    ],
)
def test_ago(passed: timedelta, said: str) -> None:
    assert words.ago(NOON - passed, NOON) == said


def test_exactly() -> None:
    assert words.exactly(NOON) == "Saturday, 14 March 2026, 12:00:00 UTC"


@pytest.mark.parametrize(("number", "said"), [(0, "0 people"), (1, "1 person"), (1204, "1,204 people")])
def test_counted(number: int, said: str) -> None:
    assert words.counted(number, "person", "people") == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (205, "3 min 25 s"), (7505, "2 h 05 min")]
)
def test_lasting(seconds: float, said: str) -> None:
    assert words.lasting(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (-0.314, "−0.31"), (14.0, "14"), (1.0, "1.00"), (31.25, "31.25")]
)
def test_measured(value: float | None, said: str) -> None:
    assert words.measured(value) == said


@pytest.mark.parametrize(("size", "said"), [(10, "1 kB"), (640_000, "640 kB"), (1_340_000, "1.3 MB")])
def test_sized(size: int, said: str) -> None:
    assert words.sized(size) == said


def test_every_recipe_is_described() -> None:
    from app.learning.recipes import RECIPES

    assert set(words.RECIPES) == set(RECIPES)

import pytest

from app.inference.figures import digits, is_said, spoken


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("1,500", "1500"),
        ("1,500,000", "1500000"),
        ("2,5", "2.5"),
        ("07:30", "7.30"),
        ("7.30", "7.30"),
        ("3:00", "3"),
        ("10", "10"),
        ("0", "0"),
    ],
)
def test_digits_have_one_spelling(written: str, plain: str) -> None:
    assert digits(written) == plain


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at seven with two friends", [(1, "7"), (3, "2")]),
        ("twenty five or thirty", [(0, "25"), (3, "30")]),
        ("two hundred five", [(0, "205")]),
        ("three thousand two hundred", [(0, "3200")]),
        ("a hundred", [(1, "100")]),
        ("six thirty", [(0, "6"), (1, "30")]),
        ("one of us", []),
        ("one hundred", [(0, "100")]),
    ],
)
def test_numbers_are_read_from_words(text: str, found: list[tuple[int, str]]) -> None:
    assert list(spoken(text.split())) == found


@pytest.mark.parametrize(
    ("number", "text", "is_kept"),
    [
        ("3", "on the third", True),
        ("2", "both of them", True),
        ("12", "a dozen eggs", True),
        ("4", "for years", False),
        ("6.30", "half past six", True),
        ("6.30", "half past seven", False),
        ("6.30", "six thirty", True),
        ("6.45", "a quarter to seven", True),
        ("6.15", "a quarter past six", True),
        ("6.15", "a quarter past five", False),
        ("6.05", "five past six", True),
        ("12.45", "quarter to one", True),
        ("2.5", "2 and 5", False),
    ],
)
def test_a_number_may_become_words(number: str, text: str, is_kept: bool) -> None:
    words = text.split()
    numbers = {value for _, value in spoken(words)} | ({"1"} if "one" in words else set())
    assert is_said(number, numbers, set(words)) is is_kept

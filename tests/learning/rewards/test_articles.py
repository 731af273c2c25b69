import pytest

from app.learning.rewards.articles import kept

SOURCE = "Give the dog a walk by the river. The rain ends at noon, and a bus leaves the square."


@pytest.mark.parametrize(
    ("text", "own", "paid"),
    [
        ("Give dog walk by river. Rain ends at noon, and bus leaves square.", 0.4, 1 - 2 / 3),
        ("Give dog walk by river. Rain ends at noon, and bus leaves the square.", 0.4, 1 - 1 / 3),
        ("Give dog a walk by river. Rain ends at noon, and bus leaves the square.", 0.4, 1.0),
        (SOURCE, 0.4, 0.0),
        (SOURCE, 0.0, 0.0),
        (f"{SOURCE} {SOURCE} {SOURCE}", 0.4, 0.0),
        ("Give dog walk by river.", 0.0, 1.0),
        ("Give dog walk by river.", 1.0, 0.0),
        ("Give dog walk by river.", None, 1.0),
        (SOURCE, None, 1.0),
        ("", 0.4, 1 - 2 / 3),
    ],
)
def test_articles_within_sentences_are_kept_as_the_person_keeps_them(text: str, own: float | None, paid: float) -> None:
    assert kept([SOURCE], [text], [own]).tolist() == pytest.approx([paid])


def test_where_there_are_none_none_can_be_left_out() -> None:
    assert kept(["Walk now.", "The dog barks."], ["Walk.", "Dog barks."], [0.5, 0.5]).tolist() == [1, 1]

"""Names that cannot be taken for each other, and a folder for one process at a time."""

from pathlib import Path

import pytest

from app.evaluation.files import alone, file_name
from app.evaluation.problems import CannotEvaluate


@pytest.mark.parametrize(
    ("words", "name"),
    [("two voices", "two-voices"), ("author 10.b_c", "author-10.b_c"), ("dropout quick", "dropout-quick")],
)
def test_plain_words_are_named_as_they_are(words: str, name: str) -> None:
    assert file_name(words) == name


def test_no_two_people_share_a_name() -> None:
    people = [
        "ann lee",
        "ann-lee",
        "Ann lee",
        "ann  lee",
        "ann\tlee",
        "ann é",
        "ann ê",
        "a" * 200,
        "a" * 199 + "b",
        "字" * 200,
    ]
    names = {file_name(person) for person in people}
    assert len(names) == len(people)
    assert all(len(name.encode()) <= 80 and "/" not in name for name in names)


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(CannotEvaluate, match="Another evaluation is running"), alone(tmp_path):
        raise AssertionError("let in")
    with alone(tmp_path):
        assert True

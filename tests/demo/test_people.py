"""Whose voices the demo learns."""

from pathlib import Path

import pytest

from app.demo.people import NoSamples, feedback, from_folder, packaged, unseen


def test_four_people_are_packaged_and_one_is_quick() -> None:
    assert [person.id for person in packaged(quick=False)] == ["eleanor", "max", "rosa", "sam"]
    assert [person.id for person in packaged(quick=True)] == ["max"]


def test_the_person_of_two_voices_has_two_contexts() -> None:
    sam = packaged(quick=False)[-1]
    assert {context for _, context in sam.samples} == {"work", "friends"}


def test_quick_rewrites_fewer_texts() -> None:
    assert unseen(quick=True) == unseen(quick=False)[:8]
    assert feedback()


def test_a_folder_of_files_is_one_person(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    folder.mkdir()
    for name in ("b.TXT", "a.md", "picture.png"):
        (folder / name).write_text("x")
    [person] = from_folder(folder)
    assert (person.id, [file.name for file in person.files]) == ("ada", ["a.md", "b.TXT"])


def test_a_folder_of_folders_is_a_person_each(tmp_path: Path) -> None:
    for name in ("bea", "ada", "nobody"):
        (tmp_path / name).mkdir()
    for name in ("bea", "ada"):
        (tmp_path / name / "letters.txt").write_text("x")
    assert [person.id for person in from_folder(tmp_path)] == ["ada", "bea"]


def test_what_holds_no_texts_is_refused_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(NoSamples, match=r"\.txt, \.md"):
        from_folder(tmp_path)
    with pytest.raises(NoSamples, match="is not a folder"):
        from_folder(tmp_path / "nowhere")

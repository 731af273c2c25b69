"""`idiolect users` and `samples`."""

from pathlib import Path

import pytest

from app.db import EVERY_TENANT, transaction
from app.local import LOCAL_TENANT, ensure_tenant
from app.models import User
from tests.cli.conftest import Idiolect

pytestmark = pytest.mark.usefixtures("server")

MAIL = "From: ann@example.org\nSubject: hi\n\nI am well, thank you.\n\n> How are you?\n"


def test_people_are_added_listed_and_erased(idiolect: Idiolect, letters: Path) -> None:
    assert idiolect("users", "add", "ada", "--name", "Ada [A]").code == 0
    [listed] = idiolect("users", "list", "--json").json
    assert (listed["id"], listed["display_name"], listed["active_version"]) == ("ada", "Ada [A]", None)
    assert "Ada [A]" in idiolect("users", "list").out
    idiolect("samples", "add", "ada", str(letters))
    receipt = idiolect("users", "delete", "ada", "--yes", "--json").json
    assert receipt["erased"]["samples"] == 6
    assert idiolect("users", "list", "--json").json == []


def test_nobody_is_erased_without_a_yes(idiolect: Idiolect) -> None:
    idiolect("users", "add", "ada")
    assert idiolect("users", "delete", "ada", stdin="n\n").code == 1
    assert len(idiolect("users", "list", "--json").json) == 1
    erased = idiolect("users", "delete", "ada", stdin="y\n")
    assert (erased.code, "adapter files" in erased.out) == (0, True)


def test_more_people_than_a_page_holds_are_all_listed(idiolect: Idiolect) -> None:
    with transaction(EVERY_TENANT) as session:
        ours = ensure_tenant(session, LOCAL_TENANT)
        session.add_all(User(tenant_id=ours.id, external_id=f"person {number}") for number in range(52))
    assert len(idiolect("users", "list", "--json").json) == 52


def test_a_person_cannot_be_added_twice(idiolect: Idiolect) -> None:
    idiolect("users", "add", "ada")
    said = idiolect("users", "add", "ada")
    assert said.code == 1
    assert "there already is a user ada" in said.words
    assert "choose another id" in said.words


@pytest.mark.parametrize("user", ["ada lovelace", "ada@example.org", "who?#1", "50%", "Ада", "[bold]"])
def test_any_printable_id_works_everywhere(idiolect: Idiolect, letters: Path, user: str) -> None:
    assert idiolect("samples", "add", user, str(letters)).code == 0
    assert len(idiolect("samples", "list", user, "--json").json) == 6
    assert idiolect("users", "list", "--json").json[0]["id"] == user
    assert idiolect("adapters", "list", user, "--json").json == []
    assert idiolect("users", "delete", user, "--yes", "--json").json["user"] == user


@pytest.mark.parametrize(
    ("name", "content", "stored"),
    [
        ("a.txt", "One thought.\n\nAnother.", 2),
        ("a.md", "# Title\n\nA paragraph.", 2),
        ("a.jsonl", '{"text": "One."}\n{"text": "Two.", "context": "work"}\n', 2),
        ("a.csv", 'text,context\n"Hello, you.",friends\n', 1),
        ("a.eml", MAIL, 1),
    ],
)
def test_each_kind_of_file_is_read(idiolect: Idiolect, tmp_path: Path, name: str, content: str, stored: int) -> None:
    path = tmp_path / name
    path.write_text(content)
    [answer] = idiolect("samples", "add", "ada", str(path), "--json").json
    assert answer == {"file": name, "stored": stored, "duplicates": 0, "rejected": 0}


def test_the_same_file_again_adds_nothing(idiolect: Idiolect, letters: Path) -> None:
    idiolect("samples", "add", "ada", str(letters))
    [answer] = idiolect("samples", "add", "ada", str(letters), "--json").json
    assert (answer["stored"], answer["duplicates"]) == (0, 6)


def test_files_can_be_given_a_context(idiolect: Idiolect, letters: Path) -> None:
    idiolect("samples", "add", "ada", str(letters), "--context", "work")
    assert {row["context"] for row in idiolect("samples", "list", "ada", "--json").json} == {"work"}


def test_a_sample_that_looks_like_markup_is_shown_as_it_is(idiolect: Idiolect, tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("Press [/enter] and [bold]go[/bold].")
    idiolect("samples", "add", "ada", str(path))
    assert "[/enter] and [bold]go[/bold]" in idiolect("samples", "list", "ada").out


def test_what_is_left_out_of_a_file_is_told_beside_the_answer(idiolect: Idiolect, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "One."}\n{"text": " "}\n')
    said = idiolect("samples", "add", "ada", str(path), "--json")
    assert said.json[0]["rejected"] == 1
    assert "a.jsonl, line 2: there is no text in it" in said.words


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", b"%PDF", "this kind of file is not known"),
        ("a.txt", "caf\u00e9".encode("latin-1"), "is not UTF-8"),
        ("a.txt", b"  \n", "there is no text in it"),
        ("a.jsonl", b"{nope", "is not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_ends_it_and_tells_what_was_kept(
    idiolect: Idiolect, letters: Path, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    said = idiolect("samples", "add", "ada", str(letters), str(path), "--json")
    assert said.code == 1
    assert reason in said.words
    assert [(row["file"], row["stored"]) for row in said.json] == [("letters.txt", 6)]
    assert len(idiolect("samples", "list", "ada", "--json").json) == 6


def test_a_file_that_is_not_there_is_refused_before_anything_happens(idiolect: Idiolect, tmp_path: Path) -> None:
    said = idiolect("samples", "add", "ada", str(tmp_path / "nowhere.txt"))
    assert said.code == 2
    assert idiolect("users", "list", "--json").json == []


def test_samples_of_somebody_unknown_cannot_be_listed(idiolect: Idiolect) -> None:
    said = idiolect("samples", "list", "nobody")
    assert said.code == 1
    assert "there is no user nobody" in said.words

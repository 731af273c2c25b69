import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import get_settings
from app.db import transaction
from app.models import Tenant
from app.samples import service
from app.samples.files import Incoming
from app.samples.service import fingerprint
from tests.timing import worked_within

Make = Callable[..., Any]
PATH = "/v1/users/ada/samples"

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(autouse=True)
def ada(make_user: Make) -> Any:
    return make_user("ada")


def send(client: TestClient, *texts: str) -> Any:
    return client.post(PATH, json={"samples": [{"text": text} for text in texts]})


def results(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["result"] for item in answer.json()["items"]]


def stored(client: TestClient) -> list[str]:
    return [sample["text"] for sample in client.get(PATH).json()["items"]]


@both
def test_samples_come_in_and_can_be_read(client: TestClient) -> None:
    sample = {"text": "Dear Sir or Madam,\n\nyes. 🌼", "context": "work", "source": "letters"}
    answer = client.post(PATH, json={"samples": [sample]}).json()
    assert {key: answer[key] for key in ("stored", "duplicates", "rejected")} == {
        "stored": 1,
        "duplicates": 0,
        "rejected": 0,
    }
    [row] = client.get(PATH).json()["items"]
    assert answer["items"] == [{"place": "samples.0", "result": "stored", "id": row["id"], "reason": None}]
    assert {key: row[key] for key in sample} == sample


@both
def test_duplicates_are_found_in_the_request_and_in_the_database(client: TestClient) -> None:
    first = send(client, "Café  olé", "other")
    again = send(client, "new", unicodedata.normalize("NFD", "café olé "), "NEW")
    assert results(first) == ["stored", "stored"]
    assert results(again) == ["stored", "duplicate", "duplicate"]
    assert again.json()["items"][1]["id"] == first.json()["items"][0]["id"]
    assert again.json()["items"][2]["id"] == again.json()["items"][0]["id"]
    assert sorted(stored(client)) == ["Café  olé", "new", "other"]


def test_the_same_text_of_another_user_is_no_duplicate(
    client: TestClient, make_user: Make, make_samples: Make, other_tenant: Tenant
) -> None:
    make_samples(make_user("bob"), ["hello"])
    make_samples(make_user("ada", other_tenant), ["hello"])
    assert results(send(client, "hello")) == ["stored"]


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("a b", "ab"), ("a.", "a"), ("🌼", "🌻")])
def test_different_texts_have_different_fingerprints(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(("one", "other"), [("Straße", "STRASSE"), ("ﬁ", "FI"), ("a\n b", "A b"), ("ΐ", "Ϊ́")])
def test_case_space_and_encoding_do_not_count(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("bad", "field"), [("", "samples.1.text"), (" \n\t\u200b", "samples.1.text"), ("x" * 20_001, "samples.1.text")]
)
def test_json_with_a_fault_is_refused_whole(client: TestClient, bad: str, field: str) -> None:
    answer = send(client, "good", bad, "good too", "")
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["field"]) == (
        422,
        "urn:idiolect:problem:unusable-samples",
        field,
    )
    assert [error["field"] for error in problem["errors"]] == ["samples.1.text", "samples.3.text"]
    assert stored(client) == []


def test_the_longest_sample_fits(client: TestClient) -> None:
    assert results(send(client, "x" * 20_000)) == ["stored"]


def test_files_are_read_and_their_faults_left_out(client: TestClient) -> None:
    answer = client.post(
        PATH,
        files=[
            ("file", ("a.txt", "One.\n\n" + "x" * 20_001)),
            ("file", ("b.jsonl", '{"text": "Two."}\n{"text": " "}\n{"tex\n"Three."')),
            ("file", ("c.csv", 'text\n"Fo"ur.\nFive.')),
        ],
        data={"context": "work"},
    )
    assert results(answer) == ["stored", "rejected", "stored", "rejected", "rejected", "stored", "rejected", "stored"]
    items = answer.json()["items"]
    assert [items[index]["place"] for index in (4, 6)] == ["b.jsonl, line 3", "c.csv, line 2"]
    assert "not JSON" in items[4]["reason"]
    assert items[1]["place"] == "a.txt, paragraph 2"
    assert "20001 characters" in items[1]["reason"]
    assert sorted(stored(client)) == ["Five.", "One.", "Three.", "Two."]
    assert {sample["context"] for sample in client.get(PATH).json()["items"]} == {"work"}


@both
def test_what_no_database_can_hold_is_left_out(client: TestClient) -> None:
    answer = client.post(
        PATH, files={"file": ("a\0.jsonl", '"One."\n"Tw\\u0000o."\n"Three \\ud83c"\n"Four \\ud83c\\udf3c"')}
    )
    assert results(answer) == ["stored", "rejected", "rejected", "stored"]
    assert sorted(stored(client)) == ["Four 🌼", "One."]
    assert client.delete(f"{PATH}/%00").status_code == 404


def test_one_unreadable_file_refuses_them_all(client: TestClient) -> None:
    answer = client.post(PATH, files=[("file", ("a.txt", "One.")), ("file", ("b.txt", b"\xff"))])
    assert (answer.status_code, answer.json()["detail"]) == (422, "b.txt, line 1 is not UTF-8")
    assert stored(client) == []


FORMS: list[tuple[dict[str, Any], int, str]] = [
    ({"files": {"file": ("a.txt", " ")}}, 422, "samples"),
    ({"files": {"file": ("a.csv", "text\n \n")}}, 422, "file"),
    ({"files": {"other": ("a.txt", "One.")}}, 422, "other"),
    ({"files": {"file": ("a.txt", "One.")}, "data": {"context": "x" * 61}}, 422, "context"),
    ({"files": {"file": ("a.txt", "One.")}, "data": {"context": "a\0"}}, 422, "context"),
    ({"files": {"file": (None, "One.")}}, 422, "file"),
    ({"files": {"context": (None, "work")}}, 422, "file"),
    ({"content": b"", "headers": {"Content-Type": "multipart/form-data"}}, 400, "body"),
    ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 400, "body"),
    ({"content": b"One.", "headers": {"Content-Type": "text/plain"}}, 415, "Content-Type"),
    ({"content": b"One."}, 415, "Content-Type"),
    ({"json": {"samples": []}}, 422, "samples"),
    ({"json": {}}, 422, "samples"),
    ({"json": {"samples": ["One."]}}, 422, "samples.0"),
    ({"json": {"samples": [{"text": "One.", "contxt": "work"}]}}, 422, "samples.0.contxt"),
    ({"json": {"samples": [{"text": "One.\0"}]}}, 422, "samples.0.text"),
    ({"json": {"samples": [{"text": "One.", "context": ""}]}}, 422, "samples.0.context"),
    ({"content": b'{"samples": [{"text": "\xff"}]}', "headers": {"Content-Type": "application/json"}}, 422, "body"),
    ({"content": b'{"samples": [{"text": "\\ud800"}]}', "headers": {"Content-Type": "application/json"}}, 422, "body"),
]


@pytest.mark.parametrize(("body", "status", "field"), FORMS)
def test_other_bodies_are_refused(client: TestClient, body: dict[str, Any], status: int, field: str) -> None:
    answer = client.post(PATH, **body)
    problem = answer.json()
    assert (answer.status_code, problem.get("field")) == (status, field), answer.text
    assert problem["remedy"]
    assert stored(client) == []


def test_limits_of_number_are_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "max_samples_per_request", 2)
    monkeypatch.setattr(get_settings(), "max_samples_per_user", 3)
    many = send(client, "a", "b", "c").json()
    assert (many["type"], many["field"]) == ("urn:idiolect:problem:too-many-samples", "samples")
    assert "at most 2" in many["detail"]
    assert results(send(client, "a", "b")) == ["stored", "stored"]
    assert "has 2 samples" in send(client, "c", "d").json()["detail"]
    assert results(send(client, "c")) == ["stored"]


def test_pages_hold_every_sample_once(client: TestClient, ada: Any, make_samples: Make) -> None:
    make_samples(ada, [f"text {number}" for number in range(5)])
    first = client.get(PATH, params={"limit": 3}).json()
    second = client.get(PATH, params={"limit": 3, "cursor": first["next"]}).json()
    assert second["next"] is None
    found = [sample["text"] for sample in (*first["items"], *second["items"])]
    assert found == [f"text {number}" for number in (4, 3, 2, 1, 0)]


def test_one_can_be_deleted(client: TestClient, make_user: Make, make_samples: Make) -> None:
    [bobs] = make_samples(make_user("bob"), ["of bob"])
    sample = send(client, "a").json()["items"][0]["id"]
    assert client.delete(f"{PATH}/{bobs.id}").status_code == 404
    assert client.delete(f"{PATH}/{sample}").status_code == 204
    assert stored(client) == []
    answer = client.delete(f"{PATH}/{sample}")
    assert (answer.status_code, answer.json()["field"]) == (404, "sample")
    assert results(send(client, "a")) == ["stored"]


def test_nobody_waits_while_texts_are_read(client: TestClient, ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who writes holds everybody's lock with SQLite, and normalising a long text takes a while."""
    begun: list[bool] = []
    with transaction(ada.tenant_id) as session:
        monkeypatch.setattr(service, "fingerprint", lambda text: begun.append(session.in_transaction()) or text)
        service.add(session, "ada", [Incoming("One.", "samples.0"), Incoming("Two.", "samples.1")], is_strict=True)
        assert session.in_transaction()
    assert begun == [False, False]


@pytest.mark.parametrize("accents", ["\u0315" * 40, "\u0f73" * 19_999])
def test_a_letter_has_no_endless_accents(client: TestClient, accents: str) -> None:
    """Some signs are no accents themselves, but fall apart into two."""
    with worked_within(2):
        answer = send(client, "Zo" + "e\u0308" * 400, "a" + accents)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "samples.1.text", "message": "samples.1: a letter in it has more than 30 accents"}
    ]

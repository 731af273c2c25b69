"""Every failure of the framework, too, is a problem with field and remedy."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from app.config import get_settings
from app.db import get_engine

JSON = {"Content-Type": "application/json"}
CASES: list[tuple[str, str, dict[str, Any], int, str, str | None]] = [
    ("POST", "/v1/users", {"json": {}}, 422, "unprocessable", "id"),
    ("POST", "/v1/users", {"json": {"id": "a", "name": "b"}}, 422, "unprocessable", "name"),
    ("POST", "/v1/users", {"json": {"id": 3}}, 422, "unprocessable", "id"),
    ("POST", "/v1/users", {"json": []}, 422, "unprocessable", "body"),
    ("POST", "/v1/users", {}, 422, "unprocessable", "body"),
    ("POST", "/v1/users", {"content": b'{"id": ', "headers": JSON}, 422, "unprocessable", "body"),
    ("POST", "/v1/users", {"content": b'{"id": "\xff"}', "headers": JSON}, 400, "bad-request", "body"),
    ("POST", "/v1/users", {"content": b'{"id": "\\ud800"}', "headers": JSON}, 422, "unprocessable", "id"),
    ("POST", "/v1/users", {"content": b"id=a"}, 422, "unprocessable", "body"),
    ("POST", "/v1/users", {"content": b"x" * 2_000_001}, 413, "too-large", "body"),
    ("GET", "/v1/users?limit=0", {}, 422, "unprocessable", "limit"),
    ("GET", "/v1/users?limit=201", {}, 422, "unprocessable", "limit"),
    ("GET", "/v1/users?cursor=1", {}, 422, "unprocessable", "cursor"),
    ("GET", "/v1/users/%00", {}, 404, "not-found", None),
    ("GET", "/v1/nowhere", {}, 404, "not-found", None),
    ("PUT", "/v1/users", {"json": {}}, 405, "method-not-allowed", None),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "kind", "field"), CASES)
def test_a_problem_tells_field_and_remedy(
    client: TestClient, method: str, path: str, body: dict[str, Any], status: int, kind: str, field: str | None
) -> None:
    answer = client.request(method, path, **body)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["type"], problem.get("field")) == (f"urn:idiolect:problem:{kind}", field)
    assert problem["title"]
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]


def test_every_wrong_field_is_named(client: TestClient) -> None:
    problem = client.post("/v1/users", json={"id": "", "display_name": "x" * 201, "more": 1}).json()
    assert [error["field"] for error in problem["errors"]] == ["id", "display_name", "more"]
    assert all(error["message"] for error in problem["errors"])
    assert problem["detail"].endswith("(and 2 more)")


def test_what_was_sent_is_not_repeated(client: TestClient) -> None:
    secret = "a secret/text"
    assert secret not in client.post("/v1/users", json={"id": secret, "display_name": [secret]}).text


def test_a_405_names_the_methods(client: TestClient) -> None:
    answer = client.put("/v1/users")
    assert answer.headers["Allow"] in answer.json()["remedy"]


def test_a_lost_database_is_not_the_callers_fault(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("IDIOLECT_DATABASE_URL", "postgresql://somebody:hush@127.0.0.1:9/nothing")
    get_settings.cache_clear()
    answer = client.get("/v1/users")
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (503, "urn:idiolect:problem:unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert "OperationalError" in caplog.text
    assert "hush" not in answer.text + caplog.text


def test_a_full_database_says_so(client: TestClient, database: str) -> None:
    """SQLite's own limit of pages stands for the disk's."""

    def limit(connection: Any, _: object) -> None:
        connection.execute("PRAGMA max_page_count=1")

    get_engine(database).dispose()
    event.listen(get_engine(database), "connect", limit)
    samples = [{"text": f"{number} " + "x" * 10_000} for number in range(100)]
    client.post("/v1/users", json={"id": "ada"})
    answer = client.post("/v1/users/ada/samples", json={"samples": samples})
    assert (answer.status_code, answer.json()["type"]) == (507, "urn:idiolect:problem:storage-full")
    assert client.get("/v1/users/ada/samples").json()["items"] == []

"""What people get wrong, once each: a clear 4xx that names the field and the remedy, and nothing is half-done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.db import EVERY_TENANT, transaction
from app.main import create_app
from app.models import Adapter, Job, Rewrite, StyleSample, Tenant, User

Make = Callable[..., Any]

SAMPLES = "/v1/users/ada/samples"
TRAIN = "/v1/users/{}/training-jobs"
VOICE = {"json": {"recipe": "voice"}}
CASES: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "no samples sent": ("POST", SAMPLES, {"json": {"samples": []}}, 422, "samples"),
    "no samples to train on": ("POST", TRAIN.format("new"), VOICE, 422, "samples"),
    "one sample to train on": ("POST", TRAIN.format("ada"), VOICE, 422, "samples"),
    "empty sample": ("POST", SAMPLES, {"json": {"samples": [{"text": ""}]}}, 422, "samples.0.text"),
    "sample of 1 MB": ("POST", SAMPLES, {"json": {"samples": [{"text": "x" * 2**20}]}}, 422, "samples.0.text"),
    "file with a paragraph of 1 MB": ("POST", SAMPLES, {"files": {"file": ("a.txt", b"x" * 2**20)}}, 422, "file"),
    "file that is not UTF-8": ("POST", SAMPLES, {"files": {"file": ("a.txt", b"caf\xe9")}}, 422, "file"),
    "JSON that is not UTF-8": (
        "POST",
        SAMPLES,
        {"content": b'{"samples": [{"text": "caf\xe9"}]}', "headers": {"Content-Type": "application/json"}},
        422,
        "body",
    ),
    "body of 3 MB": ("POST", SAMPLES, {"json": {"samples": [{"text": "x" * 3 * 2**20}]}}, 413, "body"),
    "unknown version": ("POST", "/v1/users/ada/adapters/9/promote", {}, 404, "version"),
    "export of an unknown version": ("GET", "/v1/users/ada/adapters/9/export", {}, 404, "version"),
    "unknown job": ("GET", "/v1/jobs/9", {}, 404, "job"),
    "unknown rewrite": ("GET", "/v1/rewrites/9", {}, 404, "rewrite_id"),
    "feedback on an unknown rewrite": (
        "POST",
        "/v1/feedback",
        {"json": {"rewrite_id": "9", "text": "Hm."}},
        404,
        "rewrite_id",
    ),
    "feedback on half a character": (
        "POST",
        "/v1/feedback",
        {"json": {"rewrite_id": "\0", "text": "Hm."}},
        422,
        "rewrite_id",
    ),
    "empty text to rewrite": ("POST", "/v1/rewrite", {"json": {"user_id": "ada", "text": " "}}, 422, "text"),
    "endless accents to rewrite": (
        "POST",
        "/v1/rewrite",
        {"json": {"user_id": "ada", "text": "a" + "\u0f73" * 9_999}},
        422,
        "text",
    ),
    "correction of endless accents": (
        "POST",
        "/v1/feedback",
        {"json": {"rewrite_id": "9", "edited_text": "a" + "\u0301\u0316" * 9_999}},
        422,
        "edited_text",
    ),
    "rewrite for a stranger": ("POST", "/v1/rewrite", {"json": {"user_id": "eve", "text": "Hi."}}, 404, "user_id"),
    "rewrite by an unknown version": (
        "POST",
        "/v1/rewrite",
        {"json": {"user_id": "ada", "text": "Hi.", "adapter": 9}},
        404,
        "adapter",
    ),
    "streamed rewrite by an unknown version": (
        "POST",
        "/v1/rewrite",
        {"json": {"user_id": "ada", "text": "Hi.", "adapter": 9, "stream": True}},
        404,
        "adapter",
    ),
}
OF_A_USER: dict[str, tuple[str, str, dict[str, Any]]] = {
    "get": ("GET", "", {}),
    "erase": ("DELETE", "", {}),
    "list samples": ("GET", "/samples", {}),
    "add samples": ("POST", "/samples", {"json": {"samples": [{"text": "Hello."}]}}),
    "upload samples": ("POST", "/samples", {"files": {"file": ("a.txt", b"Hello.")}}),
    "delete a sample": ("DELETE", "/samples/any", {}),
    "list adapters": ("GET", "/adapters", {}),
    "promote": ("POST", "/adapters/1/promote", {}),
    "roll back": ("POST", "/adapters/rollback", {}),
    "train": ("POST", "/training-jobs", VOICE),
    "list traces": ("GET", "/traces", {}),
    "list corrections": ("GET", "/corrections", {}),
    "see satisfaction": ("GET", "/satisfaction", {}),
    "list rewrites": ("GET", "/rewrites", {}),
    "list feedback": ("GET", "/feedback", {}),
    "list jobs": ("GET", "/training-jobs", {}),
    "export": ("GET", "/adapters/1/export", {}),
    "import": ("POST", "/adapters/import", {"files": {"file": ("voice.zip", b"PK")}}),
    "warm": ("POST", "/adapter:warm", {}),
}


@pytest.fixture(autouse=True)
def people(make_user: Make, make_samples: Make, make_adapter: Make, other_tenant: Tenant) -> None:
    """Ada has one sample and a version, `new` nothing; Eve is another tenant's."""
    make_user("new")
    ada, eve = make_user("ada"), make_user("eve", other_tenant)
    for user in (ada, eve):
        make_samples(user, 1)
        make_adapter(user, promote=True)


def rows() -> list[int | None]:
    with transaction(EVERY_TENANT, read_only=True) as session:
        return [
            session.scalar(select(func.count()).select_from(table))
            for table in (User, StyleSample, Adapter, Job, Rewrite)
        ]


def check(answer: Any, status: int, field: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["field"]) == (status, status, field), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["detail"]
    assert "Value error" not in answer.text
    assert problem["remedy"]


@pytest.mark.parametrize(("method", "path", "body", "status", "field"), CASES.values(), ids=CASES.keys())
def test_bad_input(client: TestClient, method: str, path: str, body: dict[str, Any], status: int, field: str) -> None:
    before = rows()
    check(client.request(method, path, **body), status, field)
    assert rows() == before


@pytest.mark.parametrize("name", ["nobody", "eve"])
@pytest.mark.parametrize(("method", "path", "body"), OF_A_USER.values(), ids=OF_A_USER.keys())
def test_a_foreign_user_is_as_unknown_as_nobody(
    client: TestClient, method: str, path: str, body: dict[str, Any], name: str
) -> None:
    before = rows()
    answer = client.request(method, f"/v1/users/{name}{path}", **body)
    check(answer, 404, "user")
    assert answer.json()["detail"] == f"there is no user {name}"
    assert rows() == before


def wrong(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key[:-1]}{'a' if api_key[-1] != 'a' else 'b'}"}


@pytest.mark.parametrize(("method", "path", "body"), OF_A_USER.values(), ids=OF_A_USER.keys())
def test_a_wrong_key_opens_nothing(
    client: TestClient, api_key: str, method: str, path: str, body: dict[str, Any]
) -> None:
    before = rows()
    check(client.request(method, f"/v1/users/ada{path}", **body, headers=wrong(api_key)), 401, "Authorization")
    assert rows() == before


def routes() -> list[tuple[str, str]]:
    """All that needs a key, from the API's own description, with something in the place of each parameter."""
    paths = create_app().openapi()["paths"]
    return [
        (method.upper(), re.sub(r"\{\w+\}", "1", path))
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/v1/")
    ]


@pytest.mark.parametrize(("method", "path"), routes(), ids=" ".join)
def test_no_route_opens_to_a_wrong_key(client: TestClient, api_key: str, method: str, path: str) -> None:
    check(client.request(method, path, headers=wrong(api_key)), 401, "Authorization")


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
@pytest.mark.parametrize(
    "path", ["/v1/rewrites/%00", "/v1/feedback/%00", "/v1/jobs/%00", "/v1/users/%00", "/v1/users/ada/jobs/%00"]
)
def test_no_path_is_too_strange_for_a_database(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (404, 422)

"""`POST /v1/users/{user}/adapter:warm`."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.inference.fake import FakeEngine
from app.models import Adapter, Tenant, User

PATH = "/v1/users/ada/adapter:warm"


def test_the_version_in_use_is_loaded_ahead(
    client: TestClient, ada: User, version: Adapter, make_adapter: Callable[..., Adapter], engine: FakeEngine
) -> None:
    make_adapter(ada, b"a candidate")
    answer = client.post(PATH)
    assert answer.status_code == 200
    assert answer.json() == {"user": "ada", "version": 1, "digest": version.digest, "milliseconds": 0.1}
    assert engine.warmed == [version.digest]


def test_the_base_is_always_warm(client: TestClient, ada: User, engine: FakeEngine) -> None:
    assert client.post(PATH).json() == {"user": "ada", "version": None, "digest": None, "milliseconds": 0.0}
    assert engine.warmed == []


def test_nobody_is_not_found_and_who_may_only_read_is_refused(
    client: TestClient, ada: User, tenant: Tenant, make_key: Callable[..., str]
) -> None:
    assert client.post("/v1/users/bob/adapter:warm").json()["type"] == "urn:idiolect:problem:unknown-user"
    reader = {"Authorization": f"Bearer {make_key(tenant, scopes=['read'])}"}
    assert client.post(PATH, headers=reader).status_code == 403


@pytest.mark.parametrize(
    ("code", "problem", "status"),
    [
        ("unknown-adapter", "adapter-unusable", 503),
        ("invalid-adapter", "adapter-unusable", 503),
        ("storage-unavailable", "storage-unavailable", 503),
        ("busy", "engine-busy", 503),
        ("unavailable", "engine-unavailable", 503),
        ("timeout", "engine-timeout", 504),
    ],
)
def test_what_keeps_it_cold_is_told_with_a_remedy(
    client: TestClient, version: Adapter, engine: FakeEngine, code: str, problem: str, status: int
) -> None:
    engine.fail_with = code
    answer = client.post(PATH)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:idiolect:problem:{problem}")
    assert answer.json()["remedy"]

"""Versions that leave as PEFT archives and come in as such."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.adapters import exchange
from app.config import Settings
from app.inference.fake import BASE_DIGEST, FakeEngine
from app.models import Adapter, Tenant, User
from app.storage import LocalStorage

PATH = "/v1/users/ada/adapters"
ZIP = {"Content-Type": "application/zip"}


def test_a_version_is_downloaded_as_an_archive(client: TestClient, version: Adapter) -> None:
    answer = client.get(f"{PATH}/1/export")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ada-1.zip"'
    assert answer.content == b"PEFT of " + version.digest.encode()


def test_a_voice_of_a_version_is_downloaded_by_its_name(
    client: TestClient, ada: User, make_adapter: Callable[..., Adapter], engine: FakeEngine
) -> None:
    version = make_adapter(ada, b"voices", modes=[{"tag": "work", "share": 0.5}, {"tag": "at home", "share": 0.5}])
    answer = client.get(f"{PATH}/1/export", params={"context": "At  HOME"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ada-1-at-home.zip"'
    assert answer.content == f"PEFT of {version.digest}/at home".encode()
    assert client.get(f"{PATH}/1/export").content == f"PEFT of {version.digest}".encode()
    engine.fail_with = "unknown-voice"
    remedies = {"family": "Use one of work, at home", "work": "Leave context out", None: "context: work, at home."}
    for context, remedy in remedies.items():
        refused = client.get(f"{PATH}/1/export", params={"context": context} if context else {})
        assert (refused.status_code, refused.json()["field"]) == (422, "context")
        assert refused.json()["type"] == "urn:idiolect:problem:unknown-context"
        assert remedy in refused.json()["remedy"]


def test_a_version_of_one_voice_has_no_other(client: TestClient, version: Adapter) -> None:
    answer = client.get(f"{PATH}/1/export", params={"context": "work"})
    assert (answer.status_code, answer.json()["remedy"]) == (422, "Leave context out.")


def test_an_archive_becomes_the_next_version_and_does_not_speak_yet(
    client: TestClient, version: Adapter, settings: Settings
) -> None:
    answer = client.post(f"{PATH}/import", content=b"another voice", headers=ZIP)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["version"], body["state"], body["base_digest"]) == (2, "candidate", BASE_DIGEST)
    assert LocalStorage(settings).path(body["digest"]).read_bytes() == b"another voice"
    assert body["size_bytes"] == len(b"another voice")
    assert client.post(f"{PATH}/2/promote", headers={"If-Match": '"1"'}).json()["digest"] == body["digest"]


def test_an_archive_may_be_larger_than_other_bodies_but_not_any_size(
    client: TestClient, version: Adapter, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"x" * (settings.max_body_bytes + 1)
    assert client.post(f"{PATH}/import", content=large, headers=ZIP).status_code == 201
    assert client.post("/v1/rewrite", content=large).status_code == 413
    monkeypatch.setattr("app.main.MOST_ARCHIVE_BYTES", 1000)
    from app.main import create_app

    with TestClient(create_app(FakeEngine())) as small:
        answer = small.post(f"{PATH}/import", content=b"x" * 1001, headers=dict(client.headers) | ZIP)
    assert (answer.status_code, answer.json()["field"]) == (413, "body")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [("unavailable", 503, "engine-unavailable"), ("busy", 503, "engine-busy"), ("timeout", 504, "engine-timeout")],
)
def test_an_engine_that_cannot_now_is_told_as_everywhere(
    client: TestClient, version: Adapter, engine: FakeEngine, code: str, status: int, kind: str
) -> None:
    engine.fail_with = code
    for answer in (client.post(f"{PATH}/import", content=b"x", headers=ZIP), client.get(f"{PATH}/1/export")):
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:idiolect:problem:{kind}")
        assert answer.json()["remedy"]


@pytest.mark.parametrize("code", ["invalid-adapter", "unknown-adapter"])
def test_a_version_whose_file_is_of_no_use_is_not_blamed_on_the_caller(
    client: TestClient, version: Adapter, engine: FakeEngine, code: str
) -> None:
    engine.fail_with = code
    answer = client.get(f"{PATH}/1/export")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:idiolect:problem:adapter-unusable")
    assert (answer.json()["field"], "another version" in answer.json()["remedy"]) == ("version", True)


def test_an_archive_that_is_no_adapter_is_told_and_leaves_nothing(
    client: TestClient, version: Adapter, engine: FakeEngine
) -> None:
    engine.fail_with = "invalid-adapter"
    answer = client.post(f"{PATH}/import", content=b"x", headers=ZIP)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:idiolect:problem:invalid-adapter")
    assert (answer.json()["field"], "Send a zip" in answer.json()["remedy"]) == ("body", True)
    assert [each["version"] for each in client.get(PATH).json()["items"]] == [1]


def test_only_ones_own_versions_can_be_had(
    client: TestClient, version: Adapter, other_tenant: Tenant, tenant: Tenant, make_key: Callable[..., str]
) -> None:
    assert client.get(f"{PATH}/9/export").status_code == 404
    assert client.post("/v1/users/eve/adapters/import", content=b"x").status_code == 404
    client.headers["Authorization"] = f"Bearer {make_key(tenant, scopes=['read'])}"
    assert client.get(f"{PATH}/1/export").status_code == 200
    assert client.post(f"{PATH}/import", content=b"x").status_code == 403
    client.headers["Authorization"] = f"Bearer {make_key(other_tenant)}"
    answers: list[Any] = [client.get(f"{PATH}/1/export"), client.post(f"{PATH}/import", content=b"x")]
    assert [answer.status_code for answer in answers] == [404, 404]


def test_an_import_survives_the_erasure_of_whoever_had_the_same(
    client: TestClient, settings: Settings, version: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, publish = LocalStorage(settings), exchange.service.publish

    def meanwhile(session: Any, *, digest: str, **columns: Any) -> Adapter:
        assert storage.delete(digest)
        return publish(session, digest=digest, **columns)

    monkeypatch.setattr(exchange.service, "publish", meanwhile)
    answer = client.post(f"{PATH}/import", content=b"another voice", headers=ZIP)
    assert answer.status_code == 201
    assert storage.read(answer.json()["digest"])

from importlib.metadata import version
from pathlib import Path

import pytest
from alembic import command
from fastapi.testclient import TestClient

from app.config import Settings, get_settings
from app.db import alembic_config, get_engine, head
from app.inference.fake import FakeEngine


def test_alive_without_a_key(anonymous: TestClient) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/version").json() == {
        "name": "idiolect",
        "version": version("idiolect"),
        "migration": head(),
    }


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_ready_when_every_part_is(anonymous: TestClient) -> None:
    answer = anonymous.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "checks": {part: {"ok": True, "why": ""} for part in ("database", "migrations", "broker", "engine")},
    }


def not_ready(client: TestClient, part: str) -> str:
    """Why; and that this part alone is to blame."""
    answer = client.get("/readyz")
    assert answer.status_code == 503
    body = answer.json()
    assert body["ready"] is False
    assert [name for name, check in body["checks"].items() if not check["ok"]] == [part]
    return str(body["checks"][part]["why"])


def test_an_engine_that_is_down_is_told(anonymous: TestClient, engine: FakeEngine) -> None:
    engine.fail_with = "unavailable"
    assert "unavailable" in not_ready(anonymous, "engine")


def test_an_old_schema_is_told(anonymous: TestClient, database: str) -> None:
    command.downgrade(alembic_config(database), "base")
    assert "alembic upgrade head" in not_ready(anonymous, "migrations")


def test_a_broker_that_is_down_is_told(anonymous: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_BROKER_URL", "redis://:hush@127.0.0.1:9/0")
    get_settings.cache_clear()
    assert "hush" not in not_ready(anonymous, "broker")


def test_a_bucket_that_can_be_used_is_one_part_more(anonymous: TestClient, bucket: str) -> None:
    answer = anonymous.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["storage"] == {"ok": True, "why": ""}


def test_a_bucket_that_cannot_be_reached_is_told(
    anonymous: TestClient, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert not_ready(anonymous, "storage") == "the object storage cannot be reached (no connection)"


def test_a_lost_database_is_told(anonymous: TestClient, database: str, settings: Settings) -> None:
    get_engine(database).dispose()
    for file in settings.data_dir.glob("idiolect.db*"):
        file.unlink()
    Path(settings.data_dir / "idiolect.db").mkdir()
    checks = anonymous.get("/readyz").json()["checks"]
    assert not checks["database"]["ok"]
    assert not checks["migrations"]["ok"]
    assert checks["engine"]["ok"]
    assert str(settings.data_dir) not in str(checks)

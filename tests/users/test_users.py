from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.adapters.service import discard_orphans
from app.config import Settings, get_settings
from app.db import EVERY_TENANT, transaction
from app.inference.fake import FakeEngine
from app.models import Base, Feedback, Job, JobEvent, JobMetric, Rewrite, Scorer, Tenant, Trace, User
from app.storage import LocalStorage, objects, open_storage
from tests.s3 import S3Server

Make = Callable[..., Any]

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@both
def test_a_user_is_created_once(client: TestClient) -> None:
    answer = client.post("/v1/users", json={"id": "ada@example.org", "display_name": "Ada 🌼"})
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"0"'
    user = answer.json()
    assert (user["id"], user["display_name"], user["active_version"]) == ("ada@example.org", "Ada 🌼", None)
    assert client.get("/v1/users/ada@example.org").json() == user
    again = client.post("/v1/users", json={"id": "ada@example.org"})
    assert (again.status_code, again.json()["type"], again.json()["field"]) == (
        409,
        "urn:idiolect:problem:user-exists",
        "id",
    )
    assert client.get("/v1/users/ada@example.org").json() == user


@pytest.mark.parametrize("name", ["", " ada", "ada ", "a/b", ".", "..", "a\nb", "a\0b", "x" * 201])
def test_ids_that_cannot_stand_in_a_path_are_refused(client: TestClient, name: str) -> None:
    answer = client.post("/v1/users", json={"id": name})
    assert (answer.status_code, answer.json()["field"]) == (422, "id")


def test_two_tenants_may_use_the_same_id(client: TestClient, make_user: Make, other_tenant: Tenant) -> None:
    make_user("ada", other_tenant)
    assert client.post("/v1/users", json={"id": "ada"}).status_code == 201


@both
def test_pages_hold_everybody_once_newest_first(client: TestClient, make_user: Make, other_tenant: Tenant) -> None:
    make_user("foreign", other_tenant)
    for number in range(5):
        make_user(f"user-{number}")
    seen, cursor = [], None
    for size in (2, 2, 1):
        page = client.get("/v1/users", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["items"]) == size
        seen += [user["id"] for user in page["items"]]
        cursor = page["next"]
        # Whoever arrives meanwhile does not shift the pages.
        make_user(f"late-{size}-{len(seen)}")
    assert cursor is None
    assert seen == ["user-4", "user-3", "user-2", "user-1", "user-0"]


def belongings(user: User) -> list[Any]:
    rewrite = Rewrite(
        id="rewrite-" + user.external_id,
        tenant_id=user.tenant_id,
        user_id=user.id,
        text="in",
        outputs=["out"],
        base_digest="0" * 64,
        seed=1,
    )
    job = Job(id="job-" + user.external_id, tenant_id=user.tenant_id, user_id=user.id, recipe="voice")
    return [
        rewrite,
        job,
        Feedback(
            id="feedback-" + user.external_id,
            tenant_id=user.tenant_id,
            user_id=user.id,
            rewrite_id=rewrite.id,
            text="nice",
        ),
        Trace(
            tenant_id=user.tenant_id,
            user_id=user.id,
            feedback_id="feedback-" + user.external_id,
            prompt="in",
            output="out",
            origin="reply",
            static_score=0.9,
            doubt=0.1,
            confidence=0.9,
            reply=1,
            score=0.9,
            draw=0.5,
        ),
        Scorer(tenant_id=user.tenant_id, user_id=user.id, version=1, replies=1, features="f", state=b"weights"),
        JobEvent(tenant_id=user.tenant_id, job_id=job.id, kind="note"),
        JobMetric(tenant_id=user.tenant_id, job_id=job.id, stage="sft", step=1, name="loss", value=1.0),
    ]


def rows_per_table() -> dict[str, int]:
    with transaction(EVERY_TENANT, read_only=True) as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
            if name not in ("tenants", "api_keys", "admin_logins")
        }


@both
def test_erasing_leaves_nothing_of_them_and_all_of_others(
    client: TestClient,
    make_user: Make,
    make_samples: Make,
    make_adapter: Make,
    other_tenant: Tenant,
    settings: Settings,
    engine: FakeEngine,
) -> None:
    ada, neighbour, foreign = make_user("ada"), make_user("bob"), make_user("eve", other_tenant)
    for user in (neighbour, foreign):
        make_samples(user, 2)
        make_adapter(user, b"shared by " + user.external_id.encode(), promote=True)
    before = rows_per_table()
    make_samples(ada, 3)
    own = make_adapter(ada, b"only ada's", promote=True)
    shared = [make_adapter(ada, b"shared by bob"), make_adapter(ada, b"shared by eve")]
    with transaction(ada.tenant_id) as session:
        for row in belongings(ada):
            session.add(row)
            session.flush()
    checkpoint = settings.storage_root / "checkpoints" / "job-ada.0"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.pt").write_bytes(b"texts of ada")

    answer = client.delete("/v1/users/ada")

    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["user"], receipt["adapter_files_left"]) == ("ada", 0)
    assert receipt["erased"] == {
        "samples": 3,
        "rewrites": 1,
        "feedback": 1,
        "traces": 1,
        "scorers": 1,
        "jobs": 1,
        "adapters": 3,
        "adapter_files": 1,
    }
    assert client.get("/v1/users/ada").status_code == 404
    assert rows_per_table() == {**before, "users": before["users"] - 1}
    storage = LocalStorage(settings)
    assert not storage.path(own.digest).exists()
    assert all(storage.path(adapter.digest).exists() for adapter in shared)
    assert not checkpoint.exists()
    assert engine.forgotten == [own.digest]


def test_an_adapter_that_somebody_else_gets_while_one_is_erased_keeps_its_file(
    client: TestClient, make_user: Make, make_adapter: Make, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    digest = make_adapter(ada, b"the very same").digest
    delete = LocalStorage.delete

    def meanwhile(storage: LocalStorage, digest: str, older_than: timedelta | None = None) -> bool:
        make_adapter(bob, b"the very same")
        return delete(storage, digest, older_than)

    monkeypatch.setattr(LocalStorage, "delete", meanwhile)
    receipt = client.delete("/v1/users/ada").json()
    assert (receipt["erased"]["adapter_files"], receipt["adapter_files_left"]) == (0, 0)
    assert LocalStorage(settings).read(digest) == b"the very same"


def test_a_damaged_file_is_erased_like_any_other(
    client: TestClient, make_user: Make, make_adapter: Make, settings: Settings
) -> None:
    path = LocalStorage(settings).path(make_adapter(make_user("ada"), b"whole").digest)
    path.write_bytes(b"damaged")
    assert client.delete("/v1/users/ada").json()["erased"]["adapter_files"] == 1
    assert not path.exists()


def test_erasing_waits_for_no_engine(
    client: TestClient, make_user: Make, make_adapter: Make, engine: FakeEngine
) -> None:
    make_adapter(make_user("ada"), b"only ada's", promote=True)
    engine.fail_with = "unavailable"
    assert client.delete("/v1/users/ada").json()["erased"]["adapter_files"] == 1


def test_erasing_reaches_a_bucket(client: TestClient, bucket: str, make_user: Make, make_adapter: Make) -> None:
    ada, bob = make_user("ada"), make_user("bob")
    make_adapter(ada, b"only ada's")
    shared = make_adapter(ada, b"shared by bob")
    make_adapter(bob, b"shared by bob")
    receipt = client.delete("/v1/users/ada").json()
    assert (receipt["erased"]["adapter_files"], receipt["adapter_files_left"]) == (1, 0)
    assert open_storage(get_settings()).digests() == {shared.digest}


def test_what_cannot_be_erased_now_is_told_and_goes_with_a_later_sweep(
    client: TestClient, settings: Settings, make_user: Make, make_adapter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3Server() as server:
        server.serve(monkeypatch)
        ada = make_user("ada")
        digests = {make_adapter(ada, content).digest for content in (b"one", b"two")}
        monkeypatch.setattr(objects, "CHECK_S", 0.2)
        server.freeze()
        answer = client.delete("/v1/users/ada")
        assert answer.status_code == 200
        assert (answer.json()["erased"]["adapter_files"], answer.json()["adapter_files_left"]) == (0, 2)
        assert client.get("/v1/users/ada").status_code == 404
        server.thaw()
        assert open_storage(get_settings()).digests() == digests
        assert discard_orphans() == 0, "what is young may be about to be published"
        assert discard_orphans(timedelta(days=-1)) == 2


def test_who_is_erased_can_come_anew(client: TestClient, make_user: Make, make_samples: Make) -> None:
    make_samples(make_user("ada"))
    client.delete("/v1/users/ada")
    assert client.post("/v1/users", json={"id": "ada"}).status_code == 201
    assert client.get("/v1/users/ada/samples").json()["items"] == []

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.adapters import service
from app.config import Settings
from app.db import transaction
from app.models import Adapter, Tenant, User
from app.repository import digests_in_use
from app.storage import LocalStorage
from app.users import service as users

Make = Callable[..., Any]
PATH = "/v1/users/ada/adapters"

both = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def ada(make_user: Make) -> User:
    user: User = make_user("ada")
    return user


@pytest.fixture
def three(ada: User, make_adapter: Make) -> list[Adapter]:
    """Versions 1 and 2 were active in turn, 3 never."""
    return [make_adapter(ada, content, promote=promote) for content, promote in ((b"1", 1), (b"2", 1), (b"3", 0))]


def states(client: TestClient) -> dict[int, str]:
    return {adapter["version"]: adapter["state"] for adapter in client.get(PATH).json()["items"]}


def promote(client: TestClient, version: int, if_match: str | None = None) -> Any:
    return client.post(f"{PATH}/{version}/promote", headers={"If-Match": if_match} if if_match else {})


def rollback(client: TestClient, if_match: str | None = None) -> Any:
    return client.post(f"{PATH}/rollback", headers={"If-Match": if_match} if if_match else {})


@both
def test_versions_are_numbered_and_tell_their_state(client: TestClient, three: list[Adapter]) -> None:
    assert [adapter.version for adapter in three] == [1, 2, 3]
    assert states(client) == {3: "candidate", 2: "active", 1: "retired"}
    answer = client.get(PATH)
    assert answer.headers["ETag"] == client.get("/v1/users/ada").headers["ETag"] == '"2"'
    assert answer.json()["items"][0]["digest"] == three[2].digest


def test_a_version_tells_why_it_was_promoted(client: TestClient, ada: User, make_adapter: Make) -> None:
    gate = {"decision": "promoted", "checks": [{"name": "style", "passed": True, "value": 0.6, "bound": 0.5}]}
    modes = [{"tag": "work", "share": 0.5}, {"tag": "home", "share": 0.5}]
    make_adapter(ada, gate=gate, modes=modes, metrics={"style": 0.6}, job_id="job", parent_version=None)
    [shown] = client.get(PATH).json()["items"]
    assert (shown["gate"], shown["modes"], shown["metrics"], shown["job_id"]) == (gate, modes, {"style": 0.6}, "job")


def test_nobody_has_none(client: TestClient, ada: User) -> None:
    answer = client.get(PATH)
    assert (answer.json(), answer.headers["ETag"]) == ({"items": [], "next": None}, '"0"')


@both
def test_promoting_moves_the_pointer(client: TestClient, three: list[Adapter]) -> None:
    answer = promote(client, 3)
    assert answer.json() == {"user": "ada", "active_version": 3, "digest": three[2].digest}
    assert answer.headers["ETag"] == '"3"'
    assert states(client) == {3: "active", 2: "retired", 1: "retired"}


def test_promoting_the_active_one_changes_nothing(client: TestClient, three: list[Adapter]) -> None:
    before = client.get(PATH).json()
    assert promote(client, 2).json()["active_version"] == 2
    assert client.get(PATH).json() == before


@both
@pytest.mark.parametrize("if_match", ['"1"', '"3"', '"0"'])
def test_who_saw_something_else_is_stopped(client: TestClient, three: list[Adapter], if_match: str) -> None:
    for answer in (promote(client, 3, if_match), rollback(client, if_match)):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (412, "urn:idiolect:problem:stale-pointer")
        assert problem["field"] == "If-Match"
    assert states(client) == {3: "candidate", 2: "active", 1: "retired"}


@pytest.mark.parametrize("if_match", ['"2"', "*", ' "2" '])
def test_who_saw_the_truth_may_pass(client: TestClient, three: list[Adapter], if_match: str) -> None:
    assert promote(client, 3, if_match).json()["active_version"] == 3


def test_zero_means_the_base_model(client: TestClient, ada: User, make_adapter: Make) -> None:
    make_adapter(ada)
    assert promote(client, 1, '"0"').json()["active_version"] == 1


@pytest.mark.parametrize("if_match", ["2", '"two"', 'W/"2"', '"1", "2"', '"-1"', '"9999999999"'])
def test_a_malformed_precondition_is_no_permission(client: TestClient, three: list[Adapter], if_match: str) -> None:
    answer = promote(client, 3, if_match)
    assert (answer.status_code, answer.json()["field"]) == (422, "If-Match")
    assert states(client)[2] == "active"


@pytest.mark.parametrize(("version", "status"), [("4", 404), ("0", 422), ("-1", 422), ("2147483648", 422), ("x", 422)])
def test_an_unknown_version_is_told(client: TestClient, three: list[Adapter], version: str, status: int) -> None:
    answer = client.post(f"{PATH}/{version}/promote")
    assert (answer.status_code, answer.json()["field"]) == (status, "version")
    assert answer.json()["remedy"]


@both
def test_rolling_back_again_and_again_ends_at_the_base(client: TestClient, three: list[Adapter]) -> None:
    promote(client, 3)
    seen = [rollback(client).json()["active_version"] for _ in range(3)]
    assert seen == [2, 1, None]
    answer = rollback(client)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:idiolect:problem:nothing-to-roll-back")
    assert states(client) == {3: "retired", 2: "retired", 1: "retired"}


def test_what_was_rolled_back_from_is_passed_over(client: TestClient, three: list[Adapter]) -> None:
    rollback(client)
    promote(client, 3)
    assert rollback(client).json()["active_version"] == 1


def test_what_is_promoted_again_counts_again(client: TestClient, three: list[Adapter]) -> None:
    rollback(client)
    promote(client, 2)
    promote(client, 3)
    assert rollback(client).json()["active_version"] == 2


@both
def test_of_two_at_once_one_wins(client: TestClient, three: list[Adapter], ada: User) -> None:
    def race(version: int) -> bool:
        try:
            with transaction(ada.tenant_id) as session:
                service.promote(session, ada.id, version, expected=2)
        except service.StalePointer:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        won = list(pool.map(race, (1, 3)))
    assert sorted(won) == [False, True]
    assert states(client)[(1, 3)[won.index(True)]] == "active"


@pytest.mark.parametrize("database", ["postgres"], indirect=True)  # on SQLite there is no other writer
def test_who_asks_for_no_version_is_not_stopped_by_what_they_saw(three: list[Adapter], ada: User) -> None:
    with transaction(ada.tenant_id) as session:
        seen = users.get(session, "ada")
        with transaction(ada.tenant_id) as faster:
            service.promote(faster, ada.id, 1)
        assert service.promote(session, seen.id, 3).version == 3
        assert seen.active_version == 3
    with transaction(ada.tenant_id) as session:
        seen = users.get(session, "ada")
        with transaction(ada.tenant_id) as faster:
            service.promote(faster, ada.id, 2)
        rolled_back_to = service.rollback(session, seen.id)
        assert seen.active_version == 3
    assert rolled_back_to is not None
    assert rolled_back_to.version == 3


@both
def test_versions_published_at_once_have_different_numbers(ada: User) -> None:
    def publish(number: int) -> int:
        with transaction(ada.tenant_id) as session:
            return service.publish(
                session, user_id=ada.id, digest=f"{number:064d}", base_digest="0" * 64, size_bytes=1
            ).version

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(publish, range(8))) == list(range(1, 9))


def test_who_was_erased_gets_no_version(client: TestClient, ada: User) -> None:
    client.delete("/v1/users/ada")
    with pytest.raises(service.UserGone), transaction(ada.tenant_id) as session:
        service.publish(session, user_id=ada.id, digest="0" * 64, base_digest="0" * 64, size_bytes=1)


def test_orphans_are_discarded_and_nothing_else(
    three: list[Adapter], make_user: Make, make_adapter: Make, other_tenant: Tenant, settings: Settings
) -> None:
    foreign = make_adapter(make_user("eve", other_tenant), b"foreign")
    storage = LocalStorage(settings)
    orphan = storage.put(b"of nobody")
    assert service.discard_orphans() == 0
    assert service.discard_orphans(timedelta(seconds=-9)) == 1
    assert not storage.path(orphan).exists()
    assert all(storage.path(adapter.digest).exists() for adapter in (*three, foreign))


def test_an_orphan_that_is_put_again_meanwhile_is_spared(
    database: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LocalStorage(settings)
    path = storage.path(storage.put(b"of nobody yet"))
    os.utime(path, (0, 0))

    def used(*_: object) -> set[str]:
        storage.put(b"of nobody yet")
        return set()

    monkeypatch.setattr(service, "digests_in_use", used)
    assert service.discard_orphans() == 0
    assert path.exists()


@pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)
def test_of_any_number_of_files_those_in_use_are_found(ada: User, make_adapter: Make) -> None:
    """More than a database takes in one question."""
    used = make_adapter(ada, b"one").digest
    with transaction(ada.tenant_id, read_only=True) as session:
        assert digests_in_use(session, {used, *(f"{number:064d}" for number in range(70_000))}) == {used}

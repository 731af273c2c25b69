from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app import auth
from app.auth import InvalidKey, Principal, authenticate
from app.db import EVERY_TENANT, now, transaction
from app.models import AdminLogin, ApiKey, Tenant

Make = Callable[..., Any]


def stored(key: str) -> ApiKey:
    with transaction(EVERY_TENANT, read_only=True) as session:
        return session.scalars(select(ApiKey).where(ApiKey.kid == key.split("_")[1])).one()


def test_a_key_names_its_tenant(tenant: Tenant, api_key: str) -> None:
    assert authenticate(api_key) == Principal(tenant.id, stored(api_key).id, frozenset({"read", "write", "train"}))


def test_no_secret_is_stored(api_key: str) -> None:
    prefix, kid, secret = api_key.split("_", 2)
    assert (prefix, len(kid), len(secret)) == ("idio", 12, 43)
    assert secret not in str(vars(stored(api_key)))


def test_its_use_is_noted_at_most_once_a_minute(api_key: str) -> None:
    assert stored(api_key).last_used_at is None
    authenticate(api_key)
    first = stored(api_key).last_used_at
    authenticate(api_key)
    assert stored(api_key).last_used_at == first is not None


WRONG: dict[str, Callable[[str], str]] = {
    "empty": lambda key: "",
    "another kind": lambda key: "Basic",
    "another prefix": lambda key: key.replace("idio_", "idia_"),
    "an unknown kid": lambda key: "idio_" + "0" * 12 + key[17:],
    "a wrong secret": lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
    "a cut secret": lambda key: key[:-1],
    "no secret": lambda key: key[:18],
    "only the kid": lambda key: key[:17],
    "something more": lambda key: key + "_",
    "not ASCII": lambda key: key.replace("idio_", "idio_é"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_key_is_refused(api_key: str, wrong: Callable[[str], str]) -> None:
    with pytest.raises(InvalidKey, match="this key is unknown"):
        authenticate(wrong(api_key))


def test_an_expired_key_is_refused(tenant: Tenant, make_key: Make) -> None:
    assert authenticate(make_key(tenant, expires_at=now() + timedelta(minutes=1)))
    with pytest.raises(InvalidKey, match="expired"):
        authenticate(make_key(tenant, expires_at=now()))


def test_a_revoked_key_is_refused_from_then_on(api_key: str) -> None:
    authenticate(api_key)
    with transaction(EVERY_TENANT) as session:
        auth.revoke(session, api_key.split("_")[1])
    with pytest.raises(InvalidKey, match="revoked"):
        authenticate(api_key)


@pytest.mark.parametrize("header", [None, "Bearer", "Basic abc", "Bearer idio_0_0", "Bearer  "])
def test_the_answer_to_a_wrong_key_tells_what_to_do(anonymous: TestClient, header: str | None) -> None:
    answer = anonymous.get("/v1/users", headers={"Authorization": header} if header else {})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (401, "urn:idiolect:problem:invalid-key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem["field"] == "Authorization"
    assert problem["remedy"]


SCOPED = [
    ("GET", "/v1/users", None, "read"),
    ("GET", "/v1/users/ada", None, "read"),
    ("GET", "/v1/users/ada/samples", None, "read"),
    ("GET", "/v1/users/ada/adapters", None, "read"),
    ("POST", "/v1/users", {"id": "bob"}, "write"),
    ("POST", "/v1/users/ada/samples", {"samples": [{"text": "hello"}]}, "write"),
    ("DELETE", "/v1/users/ada", None, "write"),
    ("POST", "/v1/users/ada/adapters/1/promote", None, "train"),
    ("POST", "/v1/users/ada/adapters/rollback", None, "train"),
]


@pytest.mark.parametrize(("method", "path", "body", "scope"), SCOPED)
def test_each_call_needs_its_scope(
    anonymous: TestClient,
    tenant: Tenant,
    make_key: Make,
    make_user: Make,
    make_adapter: Make,
    method: str,
    path: str,
    body: Any,
    scope: str,
) -> None:
    make_adapter(make_user("ada"), promote=True)
    others = make_key(tenant, scopes=[one for one in auth.SCOPES if one != scope])
    answer = anonymous.request(method, path, json=body, headers={"Authorization": f"Bearer {others}"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:idiolect:problem:missing-scope")
    assert scope in answer.json()["remedy"]
    only = make_key(tenant, scopes=[scope])
    assert anonymous.request(method, path, json=body, headers={"Authorization": f"Bearer {only}"}).is_success


def test_unknown_scopes_are_refused(tenant: Tenant, make_key: Make) -> None:
    with pytest.raises(ValueError, match="root"):
        make_key(tenant, scopes=["read", "root"])


def login() -> str:
    with transaction(EVERY_TENANT) as session:
        return auth.create_login_link(session)


def redeem(link: str) -> str | None:
    with transaction(EVERY_TENANT) as session:
        return auth.redeem(session, link)


def is_open(secret: str) -> bool:
    with transaction(EVERY_TENANT, read_only=True) as session:
        return auth.is_session(session, secret)


def age(by: timedelta) -> None:
    with transaction(EVERY_TENANT) as session:
        for row in session.scalars(select(AdminLogin)):
            row.expires_at -= by


def test_a_login_link_opens_one_session(database: str) -> None:
    link = login()
    secret = redeem(link)
    assert secret is not None
    assert is_open(secret)
    assert redeem(link) is None
    assert not is_open(link)
    assert not is_open("")


def test_a_session_can_be_ended(database: str) -> None:
    secret = redeem(login())
    assert secret is not None
    with transaction(EVERY_TENANT) as session:
        auth.end_session(session, secret)
    assert not is_open(secret)


def test_links_and_sessions_expire(database: str) -> None:
    link, secret = login(), redeem(login())
    assert secret is not None
    age(auth.LINK_LIFETIME)
    assert redeem(link) is None
    assert is_open(secret)
    age(auth.SESSION_LIFETIME)
    assert not is_open(secret)


def test_a_session_does_not_open_another(database: str) -> None:
    secret = redeem(login())
    assert secret is not None
    assert redeem(secret) is None


def test_logins_store_no_secret(database: str) -> None:
    link = login()
    with transaction(EVERY_TENANT, read_only=True) as session:
        assert link not in str([vars(row) for row in session.scalars(select(AdminLogin))])

from typing import Any

import pytest

from app.auth import authenticate
from app.db import EVERY_TENANT, transaction
from app.models import Tenant
from app.tenants import service


def test_tenants_are_known_by_unique_names(database: str) -> None:
    with transaction(EVERY_TENANT) as session:
        created = service.create(session, "Zoë & Söhne")
        service.create(session, "acme")
        with pytest.raises(service.TenantExists):
            service.create(session, "acme")
        assert service.get(session, "Zoë & Söhne") is created
    with transaction(EVERY_TENANT, read_only=True) as session:
        assert [tenant.name for tenant in service.everyone(session)] == ["Zoë & Söhne", "acme"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb", "a\0b"])
def test_names_that_cannot_be_shown_are_refused(database: str, name: str) -> None:
    with pytest.raises(service.InvalidName), transaction(EVERY_TENANT) as session:
        service.create(session, name)


def test_an_unknown_tenant_is_told_who_there_is(tenant: Tenant) -> None:
    with pytest.raises(service.UnknownTenant) as caught, transaction(EVERY_TENANT) as session:
        service.create_key(session, "nobody")
    assert tenant.name in caught.value.remedy


def test_keys_are_made_listed_and_revoked(tenant: Tenant, other_tenant: Tenant) -> None:
    with transaction(EVERY_TENANT) as session:
        first, key = service.create_key(session, tenant.name, "the app", ["read"])
        second, _ = service.create_key(session, tenant.name)
        service.create_key(session, other_tenant.name)
    assert authenticate(key).scopes == {"read"}
    with transaction(EVERY_TENANT) as session:
        service.revoke_key(session, first.kid)
    with transaction(EVERY_TENANT, read_only=True) as session:
        keys = service.keys(session, tenant.name)
    assert [(row.kid, row.label, row.revoked_at is None) for row in keys] == [
        (first.kid, "the app", False),
        (second.kid, "", True),
    ]


@pytest.mark.parametrize("call", [lambda s, t: service.revoke_key(s, "0"), lambda s, t: service.keys(s, "nobody")])
def test_what_does_not_exist_is_not_found(tenant: Tenant, call: Any) -> None:
    with transaction(EVERY_TENANT) as session, pytest.raises(service.NotFound):
        call(session, tenant)


def test_an_unknown_scope_is_told_which_there_are(tenant: Tenant) -> None:
    with pytest.raises(service.UnknownScope) as caught, transaction(EVERY_TENANT) as session:
        service.create_key(session, tenant.name, scopes=["root"])
    assert "read, write, train" in caught.value.remedy

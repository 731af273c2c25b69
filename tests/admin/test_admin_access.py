"""Which POSTs are refused because another site may have sent them."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.models import Adapter, User
from app.users import service as users


@pytest.fixture
def candidate(ada: User, make_adapter: Callable[..., Adapter]) -> Adapter:
    return make_adapter(ada, b"first")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": "http://["},
        {"Sec-Fetch-Site": ""},
    ],
)
def test_other_sites_change_nothing(
    post: Callable[..., Any], ada: User, candidate: Adapter, headers: dict[str, str]
) -> None:
    answer = post(f"/admin/people/{ada.id}/promote", headers, version="1", expected="0")
    assert answer.status_code == 403
    assert "This did not come from one of our pages" in answer.text
    assert active(ada) is None


def test_a_browser_that_names_only_the_origin_is_believed(
    post: Callable[..., Any], ada: User, candidate: Adapter
) -> None:
    headers = {"Sec-Fetch-Site": "", "Origin": "http://testserver"}
    assert post(f"/admin/people/{ada.id}/promote", headers, version="1", expected="0").status_code == 200
    assert active(ada) == 1


@pytest.mark.parametrize("token", ["", "0" * 64, "ö"])
def test_a_form_without_our_token_changes_nothing(
    operator: TestClient, ada: User, candidate: Adapter, token: str
) -> None:
    fields = {"token": token, "version": "1", "expected": "0"}
    answer = operator.post(f"/admin/people/{ada.id}/promote", data=fields)
    assert answer.status_code == 403
    assert active(ada) is None


def active(user: User) -> int | None:
    from app.db import transaction

    with transaction(user.tenant_id, read_only=True) as session:
        return users.get(session, user.external_id).active_version

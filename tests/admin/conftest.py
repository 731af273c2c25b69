"""An operator who is logged in, and people to look at."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.auth import create_login_link
from app.db import EVERY_TENANT, transaction
from app.models import User

OURS = {"Sec-Fetch-Site": "same-origin"}
"""What a browser says of a form on one of our own pages."""


@pytest.fixture
def link(database: str) -> str:
    with transaction(EVERY_TENANT) as session:
        return create_login_link(session)


@pytest.fixture
def operator(anonymous: TestClient, link: str) -> TestClient:
    """A browser of the operator, whose requests come from our own pages."""
    anonymous.headers.update(OURS)
    assert anonymous.post("/admin/login", data={"link": link}).status_code == 200
    return anonymous


@pytest.fixture
def post(operator: TestClient) -> Callable[..., Any]:
    """`post("/admin/…", field="value")` as the form of a page does; redirects are followed."""
    token = re.search(r'name="token" value="(\w+)"', operator.get("/admin").text)
    assert token

    def send(path: str, headers: dict[str, str] | None = None, **fields: str) -> Any:
        return operator.post(path, data={"token": token[1], **fields}, headers=headers)

    return send


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")

"""Somebody with a version in use."""

from collections.abc import Callable

import pytest

from app.models import Adapter, User


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")


@pytest.fixture
def version(ada: User, make_adapter: Callable[..., Adapter]) -> Adapter:
    return make_adapter(ada, b"a voice", promote=True)

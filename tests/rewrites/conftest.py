"""People with voices, and what rang."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.models import Adapter, User

WORK_AND_HOME = [{"tag": "work", "share": 0.75}, {"tag": "home", "share": 0.25}]


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")


@pytest.fixture
def voice(ada: User, make_adapter: Callable[..., Adapter]) -> Adapter:
    """Ada's active version, which has one voice."""
    return make_adapter(ada, b"one voice", promote=True)


@pytest.fixture
def two_voices(ada: User, make_adapter: Callable[..., Adapter]) -> Adapter:
    return make_adapter(ada, b"two voices", promote=True, modes=WORK_AND_HOME)


@pytest.fixture
def ask(client: TestClient) -> Callable[..., Any]:
    """`ask(text="hi", n=2)` sends a rewrite for ada."""

    def send(**body: Any) -> Any:
        return client.post("/v1/rewrite", json={"user_id": "ada", "text": "See you soon.", **body})

    return send


@pytest.fixture
def rung(settings: Settings) -> Callable[[str], list[dict[str, Any]]]:
    """The ids in the messages that wait for this task, oldest first."""

    def waiting(task: str) -> list[dict[str, Any]]:
        paths = sorted((settings.data_dir / "queue" / "messages").glob("*.msg"))
        messages = [json.loads(path.read_text()) for path in paths]
        return [json.loads(b64decode(m["body"]))[1] for m in messages if m["headers"]["task"] == task]

    return waiting

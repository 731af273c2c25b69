"""A person with an answered rewrite, and what rang."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db import transaction
from app.inference.fake import BASE_DIGEST
from app.models import Feedback, Rewrite, User


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user("ada")


@pytest.fixture
def make_rewrite() -> Callable[..., Rewrite]:
    """`make_rewrite(user, "a text", ["its rewrite", ...])`, as the engine would have written it."""

    def make(user: User, text: str = "See you soon.", outputs: list[str] | None = None, **columns: Any) -> Rewrite:
        with transaction(user.tenant_id) as session:
            rewrite = Rewrite(
                tenant_id=user.tenant_id,
                user_id=user.id,
                text=text,
                outputs=outputs or ["c u soon", "laters"],
                base_digest=BASE_DIGEST,
                seed=0,
                **columns,
            )
            session.add(rewrite)
        return rewrite

    return make


@pytest.fixture
def rewrite(ada: User, make_rewrite: Callable[..., Rewrite]) -> Rewrite:
    return make_rewrite(ada)


@pytest.fixture
def make_feedback() -> Callable[..., Feedback]:
    def make(rewrite: Rewrite, **columns: Any) -> Feedback:
        with transaction(rewrite.tenant_id) as session:
            owner = {"tenant_id": rewrite.tenant_id, "user_id": rewrite.user_id, "rewrite_id": rewrite.id}
            feedback = Feedback(**owner, **columns)
            session.add(feedback)
        return feedback

    return make


@pytest.fixture
def say(client: TestClient, rewrite: Rewrite) -> Callable[..., Any]:
    """`say(text="lovely")` sends feedback on ada's rewrite."""

    def send(**body: Any) -> Any:
        return client.post("/v1/feedback", json={"rewrite_id": rewrite.id, **body})

    return send


@pytest.fixture
def rung(settings: Settings) -> Callable[[str], list[dict[str, Any]]]:
    """The ids in the messages that wait for this task, oldest first."""

    def waiting(task: str) -> list[dict[str, Any]]:
        paths = sorted((settings.data_dir / "queue" / "messages").glob("*.msg"))
        messages = [json.loads(path.read_text()) for path in paths]
        return [json.loads(b64decode(m["body"]))[1] for m in messages if m["headers"]["task"] == task]

    return waiting

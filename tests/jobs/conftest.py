"""A real database in a fresh folder, with one person who has written enough to be trained."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings, get_settings
from app.db import EVERY_TENANT, transaction
from app.jobs import runner, service
from app.models import Feedback, Job, Rewrite, StyleSample, Tenant, User


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("IDIOLECT_JOB_LEASE_S", "1")
    monkeypatch.setenv("IDIOLECT_JOB_HEARTBEAT_S", "0.2")
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", "http://127.0.0.1:9")
    get_settings.cache_clear()
    runner.worker_is_stopping.clear()
    yield get_settings()
    runner.worker_is_stopping.clear()


class Desk:
    """What the tests of jobs do over and over, by the same functions that web and workers call."""

    def add_person(self, name: str, samples: int = 6) -> User:
        with transaction(EVERY_TENANT) as session:
            tenant = Tenant(name=f"tenant of {name}")
            session.add(tenant)
            session.flush()
            user = User(tenant_id=tenant.id, external_id=name)
            session.add(user)
            session.flush()
            for number in range(samples):
                text = f"{name} writes sentence {number}."
                digest = sha256(text.encode()).hexdigest()
                session.add(StyleSample(tenant_id=tenant.id, user_id=user.id, text=text, sha256=digest))
        return user

    def submit(self, user: User, recipe: str = "voice", config: dict[str, Any] | None = None) -> Job:
        with transaction(user.tenant_id) as session:
            return service.create(session, user, recipe, config or {})

    def cancel(self, job: Job) -> Job:
        with transaction(job.tenant_id) as session:
            return service.cancel(session, job.id)

    def retry(self, job: Job) -> Job:
        with transaction(job.tenant_id) as session:
            return service.retry(session, job.id)

    def row(self, job: Job) -> Job:
        with transaction(job.tenant_id, read_only=True) as session:
            return service.get(session, job.id)

    def change(self, job: Job, **columns: Any) -> None:
        """Put the row into a state that would take long to reach."""
        with transaction(job.tenant_id) as session:
            for name, value in columns.items():
                setattr(service.get(session, job.id), name, value)

    def events(self, job: Job, kind: str) -> list[dict[str, Any]]:
        return [event.data for event in service.news(job.tenant_id, job.id, 0).events if event.kind == kind]

    def curve(self, job: Job, name: str) -> dict[int, float]:
        with transaction(job.tenant_id, read_only=True) as session:
            return {point.step: point.value for point in service.metrics(session, job.id) if point.name == name}

    def rung(self, task: str) -> list[dict[str, Any]]:
        """The ids in the messages that wait in the queue folder for this task, oldest first."""
        folder = get_settings().data_dir / "queue" / "messages"
        messages = [json.loads(path.read_text()) for path in sorted(folder.glob("*.msg"))]
        return [json.loads(b64decode(m["body"]))[1] for m in messages if m["headers"]["task"] == task]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny import build_tiny_base

    return build_tiny_base(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def desk(database: str) -> Desk:
    return Desk()


@pytest.fixture
def make_corrections() -> Callable[[User, int], None]:
    """`make_corrections(user, 3)`: rewrites of which the person made something else."""

    def make(user: User, count: int) -> None:
        owner = {"tenant_id": user.tenant_id, "user_id": user.id}
        with transaction(user.tenant_id) as session:
            for number in range(count):
                rewrite = Rewrite(
                    **owner, text=f"See you at {number}.", outputs=[f"c u {number}"], base_digest="0" * 64, seed=0
                )
                session.add(rewrite)
                session.flush()
                session.add(Feedback(**owner, rewrite_id=rewrite.id, edited_text=f"see u at {number}"))

    return make


@pytest.fixture
def ada(desk: Desk) -> User:
    return desk.add_person("ada")

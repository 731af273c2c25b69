"""Real worker processes on a real database, to be killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.config import get_settings
from app.db import EVERY_TENANT, get_engine, migrate, now, transaction
from app.jobs import service
from app.models import Job, StyleSample, Tenant, User

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
"""A busy machine is no failure."""


class Shop:
    """A server without its doors: rows, and worker processes that read the same settings from the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self.logs: dict[int, Path] = {}

    def start_worker(self, queue: str, app: str = "tests.faults.small_worker") -> "subprocess.Popen[bytes]":
        path = self.folder / f"worker-{len(self.workers)}.log"
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue]
        command += [
            "-n",
            f"worker{len(self.workers)}@%h",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
        ]
        with path.open("wb") as log:
            worker = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log, stderr=log)
        self.logs[worker.pid] = path
        self.workers.append(worker)
        return worker

    def submit(self, texts: Sequence[str] = "0123", config: dict[str, Any] | None = None) -> Job:
        with transaction(EVERY_TENANT) as session:
            tenant = Tenant(name=f"tenant {uuid4()}")
            session.add(tenant)
            session.flush()
            user = User(tenant_id=tenant.id, external_id="ada")
            session.add(user)
            session.flush()
            for text in texts:
                digest = sha256(text.encode()).hexdigest()
                session.add(StyleSample(tenant_id=tenant.id, user_id=user.id, text=text, sha256=digest))
        with transaction(tenant.id) as session:
            return service.create(session, user, "voice", config or {})

    def until(self, claim: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while not claim():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))
                raise AssertionError(f"waited {within_s:.0f} s in vain\n{logs}")
            time.sleep(0.05)

    def log_of(self, worker: "subprocess.Popen[bytes]") -> str:
        return self.logs[worker.pid].read_text()

    def cancel(self, job: Job) -> None:
        with transaction(job.tenant_id) as session:
            service.cancel(session, job.id)

    def row(self, job: Job) -> Job:
        with transaction(job.tenant_id, read_only=True) as session:
            return service.get(session, job.id)

    def forget_ring(self, job: Job) -> None:
        """As if the bell had been rung for this job long ago."""
        with transaction(job.tenant_id) as session:
            service.get(session, job.id).published_at = now() - timedelta(hours=1)

    def curve(self, job: Job, name: str = "reward") -> dict[int, float]:
        with transaction(job.tenant_id, read_only=True) as session:
            return {point.step: point.value for point in service.metrics(session, job.id) if point.name == name}

    def notes(self, job: Job) -> list[str]:
        return [event.data["text"] for event in service.news(job.tenant_id, job.id, 0).events if event.kind == "note"]

    def beginnings(self, job: Job) -> list[int]:
        """The step at which each attempt began."""
        events = service.news(job.tenant_id, job.id, 0).events
        return [event.data["step"] for event in events if event.kind == "note" and event.data["text"] == "begun"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    for name, value in {
        "DATA_DIR": str(tmp_path / "data"),
        "JOB_LEASE_S": "2",
        "JOB_HEARTBEAT_S": "0.3",
        "SWEEP_EVERY_S": "1",
        "ENGINE_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(f"IDIOLECT_{name}", value)
    get_settings.cache_clear()
    url = get_settings().resolved_database_url
    migrate(url)
    shop = Shop(tmp_path)
    yield shop
    for worker in shop.workers:
        if worker.poll() is None:
            worker.kill()
        worker.wait()
    get_engine(url).dispose()
    get_settings.cache_clear()

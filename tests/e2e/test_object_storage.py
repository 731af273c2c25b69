"""Adapters in a bucket, each process on a machine of its own: a worker publishes, an engine that has nothing fetches.

The web and what the worker does run here, the engine in a process with a data folder of its own; S3 is moto's.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from app.config import Settings, get_settings
from app.db import transaction
from app.inference import adapter_file
from app.inference.architecture import Architecture
from app.inference.card import read_card
from app.inference.client import HttpEngine
from app.jobs import publishing, runner, service
from app.jobs.context import JobContext, TrainingOutcome
from app.main import create_app
from app.models import StyleSample, User
from app.storage import open_storage
from tests.inference.voices import adapter
from tests.s3 import SECRET, S3Server
from tests.serving import free_port

pytestmark = pytest.mark.slow

WAIT_S = 180
PROMOTED: dict[str, Any] = {"decision": "promoted", "checks": []}


@dataclass
class EngineProcess:
    url: str
    folder: Path
    """Its data folder."""

    def start(self) -> None:
        environment = os.environ | {"IDIOLECT_DATA_DIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "app.inference.server"]
            self.process = subprocess.Popen(command, env=environment, stderr=log)
        limit = time.monotonic() + WAIT_S
        while not self._is_ready():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < limit, self.log
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(WAIT_S)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def copies(self) -> set[str]:
        return {path.stem for path in (self.folder / "copies").glob("*")}

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture
def store(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The settings keep adapters in it, and lead to the engine."""
    with S3Server() as server:
        monkeypatch.setenv("IDIOLECT_ENGINE_URL", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv("IDIOLECT_ENGINE_TOKEN", "shared")
        monkeypatch.setenv("IDIOLECT_THREADS", "1")
        server.serve(monkeypatch)
        yield server


@pytest.fixture
def remote(store: S3Server, tmp_path: Path) -> Iterator[EngineProcess]:
    engine = EngineProcess(get_settings().engine_url, tmp_path / "engine")
    engine.folder.mkdir()
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def web(database: str, remote: EngineProcess, api_key: str) -> Iterator[TestClient]:
    with TestClient(create_app(HttpEngine.of(get_settings())), raise_server_exceptions=False) as client:
        client.headers["Authorization"] = f"Bearer {api_key}"
        yield client


def train(user: User, seed: int, base: Path) -> None:
    """A whole job, but for the learning: its adapter is random."""
    made = adapter(Architecture.load(base), 4, seed, base=read_card(base).digest)

    def trainer(context: JobContext) -> TrainingOutcome:
        content, base_digest = adapter_file.pack(made), read_card(base).digest
        columns = {"base_digest": base_digest, "parent_version": None}
        return publishing.publish(context, content, gate=PROMOTED, metrics={}, **columns)

    with transaction(user.tenant_id) as session:
        job = service.create(session, user, "voice", {})
    runner.run_training(job.id, trainer)


def rewrite(web: TestClient, name: str) -> httpx.Response:
    wanted = {"user_id": name, "text": "It rained all day.", "seed": 3, "temperature": 0, "max_tokens": 6}
    return web.post("/v1/rewrite", json=wanted)


def test_a_voice_travels_through_a_bucket_and_outlives_it(
    web: TestClient,
    remote: EngineProcess,
    store: S3Server,
    tiny_base: Path,
    make_user: Callable[..., User],
    make_samples: Callable[..., list[StyleSample]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    people = [make_user(name) for name in ("ada", "bob", "cem", "dan", "eve")]
    for seed, user in enumerate(people):
        make_samples(user)
        train(user, seed, tiny_base)
    assert len(open_storage(get_settings()).digests()) == 5
    assert not (get_settings().storage_root / "adapters").exists(), "the worker keeps none"
    assert remote.copies == set()
    assert web.get("/readyz").json()["checks"]["storage"] == {"ok": True, "why": ""}

    # Cold, and ahead of the first keystroke: fetched, served, kept.
    ada = rewrite(web, "ada")
    assert (ada.status_code, ada.json()["adapter"]["version"]) == (200, 1)
    warmed = web.post("/v1/users/bob/adapter:warm").json()
    assert warmed["milliseconds"] > 0
    assert remote.copies == {ada.json()["adapter"]["digest"], warmed["digest"]}
    cem = rewrite(web, "cem").json()["adapter"]["digest"]

    # Erased, it is gone from the bucket, the engine's memory and its disk.
    receipt = web.delete("/v1/users/cem").json()
    assert (receipt["erased"]["adapter_files"], receipt["adapter_files_left"]) == (1, 0)
    assert cem not in remote.copies | open_storage(get_settings()).digests()

    # Erased while the engine is away, it is gone as soon as that is back.
    eve = web.post("/v1/users/eve/adapter:warm").json()["digest"]
    remote.stop()
    assert web.delete("/v1/users/eve").json()["erased"]["adapter_files"] == 1
    assert eve in remote.copies
    remote.start()
    limit = time.monotonic() + WAIT_S
    while eve in remote.copies:
        assert time.monotonic() < limit, remote.log
        time.sleep(0.05)

    # The bucket is lost: whom the engine has still write, after a restart too; a cold one is told why not.
    assert rewrite(web, "ada").json()["texts"] == ada.json()["texts"]
    store.kill()
    assert web.get("/readyz").json()["checks"]["storage"]["ok"] is False
    assert rewrite(web, "ada").json()["texts"] == ada.json()["texts"]
    remote.stop()
    remote.start()
    for name in ("ada", "bob"):
        assert rewrite(web, name).status_code == 200
    assert rewrite(web, "ada").json()["texts"] == ada.json()["texts"]
    for _ in range(2):
        cold = rewrite(web, "dan")
        problem = cold.json()
        assert (cold.status_code, problem["type"]) == (503, "urn:idiolect:problem:storage-unavailable")
        assert "cannot be reached (no connection)" in problem["detail"]
        assert "IDIOLECT_STORAGE_URL" in problem["remedy"]
        assert cold.headers["Retry-After"] == "5"
    with web.stream("POST", "/v1/rewrite", json={"user_id": "dan", "text": "Hi.", "stream": True}) as stream:
        assert (stream.status_code, stream.read().count(b"storage-unavailable")) == (503, 1)
    assert web.get("/v1/users/dan/adapters/1/export").json()["type"] == "urn:idiolect:problem:storage-unavailable"

    # Who is erased now leaves no copy, and files that go with a later sweep.
    receipt = web.delete("/v1/users/ada").json()
    assert (receipt["erased"]["adapter_files"], receipt["adapter_files_left"]) == (0, 1)
    assert remote.copies == {warmed["digest"]}
    assert SECRET not in remote.log + caplog.text
    assert "127.0.0.1:" + str(store.port) not in remote.log

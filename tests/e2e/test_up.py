"""What `idiolect up` starts, as it is: web, engine and both workers in processes of their own, with the tiny base."""

import shutil
from pathlib import Path

import httpx
import psutil
import pytest

from app.config import Settings, get_settings
from app.demo.steps import memory
from app.local import make_key, web_address
from app.rest import Api
from app.supervisor import CannotStart, Supervisor, programs
from tests.serving import free_port

pytestmark = pytest.mark.slow

WITHIN_S = 120
"""Ten to twenty seconds where nothing else runs."""


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("IDIOLECT_PORT", str(free_port()))
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("IDIOLECT_THREADS", "1")
    get_settings.cache_clear()
    return get_settings()


def test_all_processes_come_up_serve_and_leave_nothing_behind(settings: Settings) -> None:
    supervisor = Supervisor(settings)
    told: list[str] = []
    supervisor.start(WITHIN_S, told.append)
    try:
        pids = [status.pid or 0 for status in supervisor.status()]
        assert [status.name for status in supervisor.status()] == ["engine", "train", "score", "web"]
        assert httpx.get(f"{web_address(settings)}/readyz", trust_env=False).status_code == 200
        api = Api(web_address(settings), make_key(settings, "demo", "of a test"))
        api.post("/v1/users", {"id": "ada"})
        rewritten = api.post("/v1/rewrite", {"user_id": "ada", "text": "It rained.", "max_tokens": 4})
        scored = api.wait_for(f"/v1/rewrites/{rewritten['rewrite_id']}", "scores", within_s=WITHIN_S)
        assert scored is not None, "a worker fills in the scores"
        peaks = memory(supervisor.status())
    finally:
        supervisor.stop()
    assert peaks["web"] < 250e6, peaks
    assert max(peaks.values()) < 2.5e9, peaks
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_an_engine_that_cannot_load_its_base_ends_the_start_with_its_reason(settings: Settings, tmp_path: Path) -> None:
    broken = shutil.copytree(settings.base_model, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    here = settings.model_copy(update={"base_model": str(broken)})
    engine = [program for program in programs(here) if program.name == "engine"]
    with pytest.raises(CannotStart, match="engine ended with status 1 3 times") as caught:
        Supervisor(here, engine, f"{here.engine_url}/readyz").start(WITHIN_S)
    assert "the engine cannot start" in caught.value.remedy
    assert "the weights in broken cannot be read" in caught.value.remedy

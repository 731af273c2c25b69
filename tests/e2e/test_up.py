"""What `idiolect up` starts, as it is: web, engine and both workers in processes of their own, with the tiny base."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from app.config import Settings, get_settings
from app.demo.steps import memory
from app.local import make_key, web_address
from app.models import User
from app.rest import Api
from app.supervisor import CannotStart, Supervisor, programs
from tests.serving import free_port

pytestmark = pytest.mark.slow

SCRIPT = Path(sys.executable).with_name("idiolect")
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


def test_serve_prints_an_address_and_a_login_that_shows_who_is_there(
    settings: Settings, writer: Callable[..., User]
) -> None:
    """As after a demo: the people are in the data folder before the server starts."""
    writer("max")
    process = subprocess.Popen(
        [SCRIPT, "serve"],
        env=os.environ | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    giving_up = threading.Timer(WITHIN_S, process.kill)
    giving_up.start()
    try:
        assert process.stdout is not None
        said = ""
        while "/admin/login/" not in said:
            line = process.stdout.readline()
            assert line, f"it ended after saying: {said}"
            said += line
        address = web_address(settings)
        assert f"ready at {address}" in said
        [link] = re.findall(rf"{re.escape(address)}/admin/login/\S+", said)
        with httpx.Client(trust_env=False, follow_redirects=True) as browser:
            assert "Open the dashboard" in browser.get(link).text
            overview = browser.post(f"{address}/admin/login", data={"link": link}, headers={"Origin": address})
            assert (overview.status_code, overview.url.path) == (200, "/admin")
            assert ">max<" in overview.text
        assert httpx.get(f"{address}/readyz", trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 0
    finally:
        giving_up.cancel()
        process.kill()
        process.wait()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


def test_an_engine_that_cannot_load_its_base_ends_the_start_with_its_reason(settings: Settings, tmp_path: Path) -> None:
    broken = shutil.copytree(settings.base_model, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"no weights")
    here = settings.model_copy(update={"base_model": str(broken)})
    engine = [program for program in programs(here) if program.name == "engine"]
    with pytest.raises(CannotStart, match="engine ended with status 1 3 times") as caught:
        Supervisor(here, engine, f"{here.engine_url}/readyz").start(WITHIN_S)
    assert "the engine cannot start" in caught.value.remedy
    assert "the weights in broken cannot be read" in caught.value.remedy

"""The ordinary path of a job over a real Redis, and what a restart of Redis does to it."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config import get_settings

StartRedis = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_redis(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartRedis]:
    program = shutil.which("redis-server")
    assert program, "install Debian's redis-server to run these tests"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("IDIOLECT_BROKER_URL", f"redis://127.0.0.1:{port}/0")
    get_settings.cache_clear()
    servers: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return servers[-1]
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    yield start
    for server in servers:
        server.kill()
        server.wait()


@pytest.mark.slow
def test_a_job_is_trained_over_redis(shop: Any, start_redis: StartRedis) -> None:
    start_redis()
    job = shop.submit()
    assert not list((get_settings().data_dir / "queue").glob("messages/*.msg"))
    worker = shop.start_worker("train,score")
    shop.until(lambda: shop.row(job).state == "succeeded")
    assert shop.row(job).attempt == 1
    assert "jobs.train" in shop.log_of(worker)
    second = shop.submit()
    shop.until(lambda: shop.row(second).state == "running")
    shop.cancel(second)
    shop.until(lambda: shop.row(second).state == "cancelled")


@pytest.mark.slow
def test_a_redis_that_forgets_everything_delays_a_job_and_loses_none(shop: Any, start_redis: StartRedis) -> None:
    server = start_redis()
    shop.start_worker("train,score")
    first = shop.submit()
    shop.until(lambda: len(shop.curve(first)) > 3)
    server.kill()
    server.wait()
    second = shop.submit()
    shop.forget_ring(second)
    shop.until(lambda: shop.row(first).state == "succeeded")
    start_redis()
    shop.until(lambda: shop.row(second).state == "succeeded")
    assert [shop.row(job).attempt for job in (first, second)] == [1, 1], "delayed, and neither begun again"

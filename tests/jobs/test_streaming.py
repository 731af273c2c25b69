"""Followers of a real server: what they hear while a job runs, and that they do not hold up its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.jobs import runner
from app.jobs.context import JobContext, TrainingOutcome


@pytest.fixture
def server(database: str, data_dir: Any, api_key: str) -> Iterator[tuple["subprocess.Popen[bytes]", httpx.Client]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app.main:app",
        "--port",
        str(port),
        "--timeout-graceful-shutdown",
        "20",
    ]
    with (data_dir / "web.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ, stdout=log, stderr=log)
    headers = {"Authorization": f"Bearer {api_key}"}
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=10, trust_env=False)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            client.get("/healthz")
            break
        except httpx.TransportError:
            time.sleep(0.05)
    yield process, client
    client.close()
    process.kill()
    process.wait()


@pytest.fixture
def job(database: str, make_user: Any, make_samples: Any, server: Any) -> dict[str, Any]:
    make_samples(make_user("ada"), 6)
    return server[1].post("/v1/users/ada/training-jobs", json={}).json()


@pytest.mark.slow
def test_a_follower_hears_of_a_step_while_the_job_runs(server: Any, job: Any) -> None:
    _, client = server
    heard_of = threading.Event()

    def train(context: JobContext) -> TrainingOutcome:
        context.note("first step")
        assert heard_of.wait(10)
        return TrainingOutcome(1, "promoted")

    worker = threading.Thread(target=runner.run_training, args=(job["id"], train))
    lines = []
    with client.stream("GET", f"/v1/jobs/{job['id']}/events") as answer:
        worker.start()
        for line in answer.iter_lines():
            lines.append(line)
            if "first step" in line:
                heard_of.set()
    worker.join()
    states = [json.loads(line[6:]).get("state") for line in lines if line.startswith("data: ")]
    assert states[-1] == "succeeded"
    assert heard_of.is_set()


@pytest.mark.slow
def test_followers_hold_no_connection_and_leave_when_the_server_does(server: Any, job: Any) -> None:
    process, client = server
    streams = [client.stream("GET", f"/v1/jobs/{job['id']}/events") for _ in range(20)]
    answers = [stream.__enter__() for stream in streams]
    lines = [answer.iter_lines() for answer in answers]
    for follower in lines:
        assert next(follower) == "event: state"
    began = time.monotonic()
    assert client.get(f"/v1/jobs/{job['id']}").status_code == 200
    assert client.post(f"/v1/jobs/{job['id']}/cancel").status_code == 200
    client.post(f"/v1/jobs/{job['id']}/retry")
    assert time.monotonic() - began < 5
    process.send_signal(signal.SIGTERM)
    for follower in lines:
        list(follower)  # ends cleanly, not with a torn connection
    assert process.wait(5) in (0, -signal.SIGTERM)
    for stream in streams:
        stream.__exit__(None, None, None)

"""The engine's process: what its port says while it loads, when it cannot, and how it treats clients that leave."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from app.config import Settings, engine_token
from app.inference import loader
from app.inference.server import GentleServer, create_app
from app.inference.ticket import Ticket
from tests.inference.kinds import general_config
from tests.inference.voices import WAIT_S, Gate
from tests.tiny import build_tiny_base


@pytest.fixture
def engine_settings(tiny_base: Path, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, base_model=str(tiny_base), threads=1, rewrite_timeout_s=30)


@pytest.fixture
def client(engine_settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(engine_settings)) as client:
        client.headers["Authorization"] = f"Bearer {engine_token(engine_settings)}"
        yield client


@pytest.fixture
def ready(client: TestClient) -> TestClient:
    until(lambda: client.get("/readyz").status_code == 200)
    return client


def until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_it_says_by_which_route_the_base_is_computed(ready: TestClient, tmp_path: Path) -> None:
    assert ready.get("/readyz").json() == {"status": "ready", "route": "fast"}
    base = build_tiny_base(tmp_path / "base", **general_config("opt"))
    with TestClient(create_app(Settings(data_dir=tmp_path, base_model=str(base), threads=1))) as client:
        client.headers["Authorization"] = ready.headers["Authorization"]
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json() == {"status": "ready", "route": "general"}
        assert client.get("/info").json()["route"] == "general"
        assert client.post("/rewrite", json={"text": "Hi.", "max_tokens": 2}).status_code == 200


def test_the_port_answers_while_the_base_is_loading(engine_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, ensure_base = threading.Event(), loader.ensure_base

    def slow(settings: Settings) -> Path:
        assert go_on.wait(WAIT_S)
        return ensure_base(settings)

    monkeypatch.setattr(loader, "ensure_base", slow)
    with TestClient(create_app(engine_settings)) as client:
        client.headers["Authorization"] = f"Bearer {engine_token(engine_settings)}"
        assert client.get("/healthz").json() == {"status": "ok"}
        until(lambda: "preparing the base model" in client.get("/readyz").text)
        answer = client.post("/rewrite", json={"text": "Hi."})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        go_on.set()
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.post("/rewrite", json={"text": "Hi.", "max_tokens": 2}).status_code == 200


@pytest.mark.parametrize(
    ("target", "replacement", "reason"),
    [
        ("app.inference.bank.BankDelta.add", lambda self, layer, group, x, y: y, "cannot be told from the base"),
        ("app.inference.loader.ensure_base", lambda settings: Path("/nowhere"), "cannot start: "),
    ],
)
def test_an_engine_that_is_not_sound_never_gets_ready_and_says_why(
    engine_settings: Settings, monkeypatch: pytest.MonkeyPatch, target: str, replacement: Any, reason: str
) -> None:
    monkeypatch.setattr(target, replacement)
    with TestClient(create_app(engine_settings)) as client:
        until(lambda: reason in client.get("/readyz").json()["reason"])
        assert client.get("/readyz").status_code == 503


def test_an_engine_whose_thread_has_died_is_not_ready(ready: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.inference.engine.Engine.is_alive", False)
    assert "thread has ended" in ready.get("/readyz").json()["reason"]


@pytest.mark.parametrize(
    ("target", "replacement"),
    [
        ("app.inference.loader.ensure_base", lambda settings: Path("/nowhere")),
        ("app.inference.engine.Engine._run", lambda self: None),
    ],
)
def test_a_server_whose_engine_is_lost_ends_by_itself(
    engine_settings: Settings, monkeypatch: pytest.MonkeyPatch, target: str, replacement: Any
) -> None:
    monkeypatch.setattr(target, replacement)
    app = create_app(engine_settings)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = GentleServer(uvicorn.Config(app, log_config=None), app.state.loader)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        thread.join(WAIT_S)
    assert not thread.is_alive()
    assert server.has_failed


def test_a_server_that_is_asked_to_end_has_not_failed(ready: TestClient) -> None:
    loader = ready.app.state.loader  # type: ignore[attr-defined]
    assert not loader.is_lost
    loader.stop()
    assert not loader.engine.is_alive
    assert not loader.is_lost


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "text"),
        ({"n": 0}, "n"),
        ({"n": 10**9}, "n"),
        ({"temperature": -1}, "temperature"),
        ({"temperature": "NaN"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"candidates": 9}, "candidates"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_request_out_of_bounds_is_named_but_not_quoted(ready: TestClient, wrong: dict[str, Any], field: str) -> None:
    text = {"text": "It is a secret."} if wrong else {"text": ["It is a secret."]}
    answer = ready.post("/rewrite", json=text | wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert f"body.{field}: " in answer.json()["message"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"\xff"', b'{"text": "\\ud83d"}'])
def test_a_body_that_is_no_request_is_refused(ready: TestClient, body: bytes) -> None:
    answer = ready.post("/rewrite", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Bearer wröng", "Basic abc"])
def test_only_the_token_opens(ready: TestClient, header: str) -> None:
    for method, path in (("GET", "/info"), ("GET", "/load"), ("POST", "/rewrite"), ("POST", "/warm")):
        answer = ready.request(method, path, headers={"Authorization": header.encode("latin-1")})
        assert answer.status_code == 401


def test_a_text_that_takes_too_long_is_given_up(engine_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = engine_settings.model_copy(update={"rewrite_timeout_s": 5.0})
    with TestClient(create_app(hasty)) as client:
        client.headers["Authorization"] = f"Bearer {engine_token(hasty)}"
        until(lambda: client.get("/readyz").status_code == 200)
        gate = Gate(monkeypatch)
        answer = client.post("/rewrite", json={"text": "It rained all day.", "max_tokens": 400})
        assert (answer.status_code, answer.json()["code"]) == (504, "timeout")
        gate.open()
        until(lambda: client.get("/load").json() == {"waiting": 0, "running": 0})
        assert gate.passes == 3


def test_when_the_client_leaves_its_rows_end_within_a_step(
    engine_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(engine_settings) as client:
        gate = Gate(monkeypatch)
        left = threading.Event()
        cancel = Ticket.cancel
        monkeypatch.setattr(Ticket, "cancel", lambda ticket: (cancel(ticket), left.set()))
        request = _request({"text": "It rained all day.", "n": 2, "max_tokens": 400}, client.headers["Authorization"])
        with socket.create_connection((client.base_url.host, client.base_url.port)) as leaving:
            leaving.sendall(request)
            gate.wait()
            assert client.get("/load").json() == {"waiting": 0, "running": 2}
        assert left.wait(WAIT_S)
        gate.open()
        until(lambda: client.get("/load").json() == {"waiting": 0, "running": 0})
        assert gate.passes == 3


def _request(wanted: dict[str, Any], authorization: str) -> bytes:
    """For a socket that its test closes when it likes, without an answer."""
    body = json.dumps(wanted).encode()
    head = f"POST /rewrite HTTP/1.1\r\nHost: engine\r\nAuthorization: {authorization}\r\nContent-Length: {len(body)}"
    return f"{head}\r\nContent-Type: application/json\r\n\r\n".encode() + body


@contextmanager
def served(settings: Settings) -> Iterator[httpx.Client]:
    """A ready server on a port of its own, in this process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {engine_token(settings)}"
            until(lambda: running.started and client.get("/readyz").status_code == 200)
            yield client
        running.should_exit = True
        thread.join(WAIT_S)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "max_tokens", "status"), [(1, 30, 200), (64, 400, 503)])
def test_asked_to_end_it_finishes_what_it_can_and_declines_the_rest(
    engine_settings: Settings, n: int, max_tokens: int, status: int
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        "IDIOLECT_DATA_DIR": str(engine_settings.data_dir),
        "IDIOLECT_BASE_MODEL": engine_settings.base_model,
        "IDIOLECT_ENGINE_URL": url,
        "IDIOLECT_THREADS": "1",
        "IDIOLECT_MAX_QUEUE_ROWS": "1024",
    }
    command = [sys.executable, "-m", "app.inference.server"]
    process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True)
    token, text = engine_token(engine_settings), "It rained on the secret garden.\n" * 16
    answers: list[httpx.Response] = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        until(lambda: _is_ready(client))

        def ask() -> None:
            wanted = {"text": text, "n": n, "temperature": 1.5, "max_tokens": max_tokens}
            answers.append(client.post("/rewrite", json=wanted, timeout=WAIT_S))

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: bool(answers) or client.get("/load").json()["running"] > 0)
        process.send_signal(signal.SIGTERM)
        asking.join(WAIT_S)
    assert process.wait(WAIT_S) in (0, -signal.SIGTERM)
    assert process.stderr is not None
    log = process.stderr.read()
    assert '"event": "ready"' in log
    assert "secret" not in log
    assert token not in log
    assert answers[0].status_code == status, answers[0].text
    assert status == 200 or answers[0].json() == {"code": "unavailable", "message": "the engine is shutting down"}


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.ConnectError:
        return False

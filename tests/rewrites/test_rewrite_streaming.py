"""`POST /v1/rewrite` with `stream`."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from app import log
from app.inference.fake import FakeEngine
from app.models import Adapter, User
from app.rewrites import service
from tests.serving import free_port, serving

Ask = Callable[..., Any]


def events(answer: Any) -> list[tuple[str, dict[str, Any]]]:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    found = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_it_is_told_who_writes_then_the_text_then_what_was_kept(
    ask: Ask, voice: Adapter, client: TestClient, rung: Callable[[str], list[dict[str, Any]]]
) -> None:
    (first, start), *news, (last, done) = events(ask(stream=True, n=2, seed=7))
    assert (first, last) == ("start", "done")
    assert start["adapter"] == done["adapter"] == {"version": 1, "digest": voice.digest}
    assert (start["user_id"], start["seed"], start["mode"], start["notes"]) == ("ada", 7, None, [])
    assert {kind for kind, _ in news} == {"text"}
    for index, text in enumerate(done["texts"]):
        assert "".join(data["text"] for _, data in news if data["index"] == index) == text
    assert client.get(f"/v1/rewrites/{done['rewrite_id']}").json() == done
    assert rung("rewrites.score") == [{"rewrite_id": done["rewrite_id"]}]
    plain = ask(n=2, seed=7).json()
    ours = {"rewrite_id", "created_at", "timing"}
    assert {k: v for k, v in plain.items() if k not in ours} == {k: v for k, v in done.items() if k not in ours}


def test_a_draft_that_is_not_taken_is_replaced(ask: Ask, voice: Adapter, engine: FakeEngine) -> None:
    engine.loses = ["soon"]
    _, *news, (_, done) = events(ask(stream=True))
    assert [kind for kind, _ in news] == ["text", "replace"]
    assert news[-1][1] == {"index": 0, "text": done["text"]}


def test_what_fails_before_anything_is_told_has_its_own_status(
    ask: Ask, voice: Adapter, engine: FakeEngine, client: TestClient
) -> None:
    assert ask(stream=True, adapter=9).status_code == 404
    assert ask(stream=True, text=" ").status_code == 422
    engine.fail_with = "busy"
    answer = ask(stream=True)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:idiolect:problem:engine-busy")
    assert "Retry-After" in answer.headers


def test_what_fails_midway_ends_the_stream_with_the_problem_and_keeps_nothing(
    ask: Ask, voice: Adapter, engine: FakeEngine, client: TestClient
) -> None:
    engine.breaks_after = 1
    *_, (text, _), (last, problem) = events(ask(stream=True))
    assert (text, last) == ("text", "error")
    assert (problem["status"], problem["type"]) == (503, "urn:idiolect:problem:engine-unavailable")
    assert problem["remedy"]
    assert problem["request_id"]
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("See you soon."), 500), (OperationalError("See you soon.", {}, Exception("away")), 503)],
)
def test_what_nobody_expected_ends_the_stream_with_a_problem_too(
    ask: Ask,
    voice: Adapter,
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(service, "_kept", broken)
    log.configure()
    with caplog.at_level(logging.ERROR):
        *_, (text, _), (last, problem) = events(ask(stream=True))
    assert (text, last, problem["status"]) == ("text", "error", status)
    assert problem["remedy"]
    assert type(error).__name__ in caplog.text
    assert "See you soon." not in caplog.text
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []


@pytest.mark.parametrize("stream", [True, False])
def test_when_the_client_leaves_nothing_is_written_on_or_kept(
    ada: User, voice: Adapter, client: TestClient, stream: bool
) -> None:
    engine, port = FakeEngine(delay_s=30), free_port()
    with serving(engine, port):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"http://127.0.0.1:{port}/v1/rewrite",
                json={"user_id": "ada", "text": "See you soon.", "stream": stream},
                headers=dict(client.headers),
                timeout=1,
                trust_env=False,
            )
        until = time.monotonic() + 10
        while engine.running or not engine.specs:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []


def test_who_leaves_amid_a_stream_is_written_for_no_more(ada: User, voice: Adapter, client: TestClient) -> None:
    engine, port = FakeEngine(stalls_after=1), free_port()
    body = {"user_id": "ada", "text": "See you soon.", "stream": True}
    with (
        serving(engine, port),
        httpx.Client(trust_env=False, headers=dict(client.headers), timeout=10) as http,
        http.stream("POST", f"http://127.0.0.1:{port}/v1/rewrite", json=body) as answer,
    ):
        # Kept, as an iterator that is dropped hangs up.
        heard, pieces = "", answer.iter_text()
        for piece in pieces:
            heard += piece
            if heard.count("event: text") == 2:
                break
        for is_running in (1, 0):
            until = time.monotonic() + 10
            while engine.running != is_running:
                assert time.monotonic() < until
                time.sleep(0.01)
            answer.close()
    assert client.get("/v1/users/ada/rewrites").json()["items"] == []


def test_a_deadline_reaches_the_engine(ask: Ask, voice: Adapter, engine: FakeEngine) -> None:
    assert ask(timeout_s=2.5).status_code == 200
    assert engine.specs[-1].timeout_s == 2.5
    assert ask(timeout_s=0).json()["field"] == "timeout_s"


def test_a_slow_listener_hears_the_same(voice: Adapter, client: TestClient) -> None:
    async def listen() -> str:
        transport = httpx.ASGITransport(client.app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://web", headers=dict(client.headers)) as http:
            body = {"user_id": "ada", "text": "See you soon.", "stream": True}
            async with http.stream("POST", "/v1/rewrite", json=body) as response:
                pieces = []
                async for piece in response.aiter_text():
                    await asyncio.sleep(0.001)
                    pieces.append(piece)
                return "".join(pieces)

    assert asyncio.run(listen()).rstrip().split("\n\n")[-1].startswith("event: done")

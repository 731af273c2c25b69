"""The HTTP client against a real uvicorn that speaks the engine server's protocol."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from typing import Any, TypeVar

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from app.inference.client import HttpEngine
from app.inference.fake import BASE_DIGEST, FakeEngine
from app.inference.types import CODES, EngineError, EngineLoad, RewriteOutcome, RewriteSpec

T = TypeVar("T")
TOKEN = "a-token"
DIGEST = "c0ffee" + "0" * 58


def server_app(engine: FakeEngine) -> FastAPI:
    app = FastAPI()

    @app.exception_handler(EngineError)
    async def problem(_: Request, error: EngineError) -> JSONResponse:
        return JSONResponse({"code": error.code, "message": str(error)}, CODES[error.code])

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Any]]) -> Any:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return PlainTextResponse("who are you", 401)
        return await call_next(request)

    @app.get("/info")
    async def info() -> dict[str, Any]:
        return asdict(await engine.info())

    @app.get("/load")
    async def load() -> dict[str, Any]:
        return asdict(await engine.load())

    @app.get("/newer/load")
    async def newer() -> dict[str, int]:
        return {"waiting": 1, "running": 2, "paused": 3}

    @app.get("/older/load")
    async def older() -> dict[str, int]:
        return {"waiting": 1}

    @app.post("/rewrite")
    async def rewrite(request: Request) -> dict[str, Any]:
        return asdict(await engine.rewrite(RewriteSpec(**await request.json())))

    @app.post("/warm")
    async def warm(request: Request) -> dict[str, float]:
        return {"milliseconds": await engine.warm((await request.json())["adapter_digest"])}

    return app


@pytest.fixture(scope="module")
def behind() -> FakeEngine:
    return FakeEngine(known={DIGEST}, waiting=3)


@pytest.fixture(scope="module")
def url(behind: FakeEngine) -> Iterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(server_app(behind), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=5)


@pytest.fixture
def closed_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def ask(url: str, question: Callable[[HttpEngine], Awaitable[T]], token: str = TOKEN, timeout_s: float = 5) -> T:
    async def run() -> T:
        engine = HttpEngine(url, token, timeout_s)
        try:
            return await question(engine)
        finally:
            await engine.close()

    return asyncio.run(run())


def failure(url: str, spec: RewriteSpec, token: str = TOKEN, timeout_s: float = 5) -> EngineError:
    with pytest.raises(EngineError) as caught:
        ask(url, lambda engine: engine.rewrite(spec), token, timeout_s)
    return caught.value


def test_every_field_of_a_rewrite_survives_the_wire(url: str, behind: FakeEngine) -> None:
    spec = RewriteSpec(
        "Grüß dich, lieber alter Freund 🌱.",
        DIGEST,
        "work",
        2,
        0.3,
        0.9,
        50,
        77,
        "tenant",
        3,
        "user",
        ["END"],
        False,
        9.5,
    )
    outcome = ask(url, lambda engine: engine.rewrite(spec))
    assert behind.specs[-1] == spec
    assert outcome == RewriteOutcome(
        [
            "c0ffee00/work#77.0 Grüß dich, lieber alter Freund 🌱.",
            "c0ffee00/work#77.1 Grüß dich, lieber alter Freund 🌱.",
        ],
        ["stop", "stop"],
        DIGEST,
        BASE_DIGEST,
        6,
        14,
        {"queue": 0.0, "load": 0.0, "generate": 0.0},
        [1.0, 1.0],
        [[], []],
    )


def test_info_load_and_warm(url: str, behind: FakeEngine) -> None:
    assert ask(url, lambda engine: engine.info()).base_digest == BASE_DIGEST
    assert ask(url, lambda engine: engine.load()).waiting == 3
    assert ask(url, lambda engine: engine.warm(DIGEST)) == pytest.approx(0.1)
    assert behind.warmed == [DIGEST]


@pytest.mark.parametrize("code", ["unavailable", "busy", "too-long", "invalid-adapter", "timeout", "invalid-request"])
def test_the_servers_code_arrives(url: str, behind: FakeEngine, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(behind, "fail_with", code)
    error = failure(url, RewriteSpec("hi"))
    assert (error.code, str(error)) == (code, f"told to fail with {code}")


def test_an_unknown_adapter_is_named(url: str) -> None:
    error = failure(url, RewriteSpec("hi", adapter_digest="dead" * 16))
    assert error.code == "unknown-adapter"
    assert "deaddead" in str(error)


def test_a_slow_engine_is_a_timeout(url: str, behind: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind, "delay_s", 0.5)
    assert failure(url, RewriteSpec("hi"), timeout_s=0.05).code == "timeout"


def test_no_engine_is_unavailable(closed_url: str) -> None:
    assert failure(closed_url, RewriteSpec("hi")).code == "unavailable"


def test_a_wrong_token_says_so(url: str) -> None:
    error = failure(url, RewriteSpec("hi"), token="wrong")
    assert error.code == "unavailable"
    assert "token" in str(error)


def test_a_newer_engine_may_say_more_and_an_older_one_is_refused(url: str) -> None:
    assert ask(f"{url}/newer", lambda engine: engine.load()) == EngineLoad(1, 2)
    with pytest.raises(EngineError, match="lacks a field") as caught:
        ask(f"{url}/older", lambda engine: engine.load())
    assert caught.value.code == "unavailable"


def test_many_rewrites_are_under_way_at_once(url: str, behind: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is answered before all have come, so a client that kept one of them waiting would run out of time."""
    all_came, write = asyncio.Barrier(20), behind.rewrite

    async def write_together(spec: RewriteSpec) -> RewriteOutcome:
        await all_came.wait()
        return await write(spec)

    monkeypatch.setattr(behind, "rewrite", write_together)

    async def burst(engine: HttpEngine) -> list[RewriteOutcome]:
        return await asyncio.gather(*(engine.rewrite(RewriteSpec("hi", seed=seed)) for seed in range(20)))

    outcomes = ask(url, burst, timeout_s=60)
    assert [outcome.texts[0] for outcome in outcomes] == [f"base#{seed}.0 hi" for seed in range(20)]

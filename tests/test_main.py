"""The application as a whole: its description, its engine, and the time and room its process takes."""

import asyncio
import subprocess
import time
from typing import Any

import httpx
import psutil
import pytest
from fastapi.testclient import TestClient

from app.config import get_settings
from app.db import get_engine
from app.engine import engine_of
from app.inference.client import HttpEngine
from app.inference.fake import FakeEngine
from app.local import web_address
from app.main import create_app
from app.processes import peak_memory
from app.supervisor import programs
from tests.serving import free_port

STARTS_WITHIN_S = 2.0
MOST_BYTES = 250e6


def test_the_description_of_the_api_is_complete(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    assert {"/v1/users", "/v1/users/{user}/samples", "/v1/users/{user}/adapters/rollback"} <= set(description["paths"])
    body = description["paths"]["/v1/users/{user}/samples"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "multipart/form-data"}
    assert not dangling(description, description)
    answers = description["paths"]["/v1/users"]["post"]["responses"]
    assert set(answers["422"]["content"]) == {"application/problem+json"}


def dangling(node: Any, root: Any) -> list[str]:
    """References that lead nowhere."""
    if isinstance(node, list):
        return [lost for item in node for lost in dangling(item, root)]
    if not isinstance(node, dict):
        return []
    lost = [lost for item in node.values() for lost in dangling(item, root)]
    if isinstance(reference := node.get("$ref"), str):
        target = root
        for part in reference.removeprefix("#/").split("/"):
            target = target.get(part, {})
        lost += [] if target else [reference]
    return lost


def test_an_engine_that_was_given_is_used(database: str) -> None:
    fake = FakeEngine()
    assert engine_of(create_app(fake)) is fake


def test_without_one_it_is_made_once_when_first_needed(database: str) -> None:
    app = create_app()
    assert app.state.engine is None
    with TestClient(app) as client:
        checks = client.get("/readyz").json()["checks"]
        assert checks["engine"]["ok"] is False
        assert isinstance(app.state.engine, HttpEngine)
        assert engine_of(app) is app.state.engine


@pytest.mark.slow
def test_the_web_process_starts_soon_and_stays_small(
    database: str, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_PORT", str(free_port()))
    get_settings.cache_clear()
    settings = get_settings()
    [web] = [program for program in programs(settings) if program.name == "web"]
    with (
        subprocess.Popen(web.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        httpx.Client(base_url=web_address(settings), trust_env=False) as client,
    ):
        try:
            while not is_served(client):
                assert process.poll() is None
                time.sleep(0.01)
            # Of a processor, not by the clock, which counts what else the machine does.
            started_within_s = sum(psutil.Process(process.pid).cpu_times()[:2])
            client.headers["Authorization"] = f"Bearer {api_key}"
            for number in range(20):
                samples = [{"text": f"This is what person {number} wrote on day {day}."} for day in range(200)]
                assert client.post("/v1/users", json={"id": f"person-{number}"}).is_success
                path = f"/v1/users/person-{number}/samples"
                assert client.post(path, json={"samples": samples}).is_success
                assert len(client.get(path).json()["items"]) > 0
            assert client.get("/openapi.json").is_success
            peak = peak_memory(process.pid)
        finally:
            process.terminate()
    assert started_within_s <= 2 * STARTS_WITHIN_S, "processors that are shared take up to twice as long"
    assert 0 < peak <= MOST_BYTES


def is_served(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def test_more_readers_than_there_are_connections_are_all_answered(
    database: str, engine: FakeEngine, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds a connection while it waits for a thread: without a limit they stop each other, and everybody else."""
    monkeypatch.setattr(get_engine(database).pool, "_timeout", 2.0)
    transport = httpx.ASGITransport(create_app(engine), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {api_key}"}

    async def all_at_once() -> set[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://ours", headers=headers) as client:
            answers = await asyncio.gather(*[client.get("/v1/users") for _ in range(120)])
        return {answer.status_code for answer in answers}

    assert asyncio.run(all_at_once()) == {200}

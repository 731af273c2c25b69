"""Bodies, ids and last resorts, against a small application with the real middleware."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from app import errors, log
from app.middleware import BodyLimit, RequestContext


@pytest.fixture
def client() -> Iterator[TestClient]:
    log.configure()
    app = FastAPI()
    errors.install(app)
    app.add_middleware(BodyLimit, max_bytes=100)
    app.add_middleware(RequestContext)

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.post("/json")
    async def parsed(body: dict[str, Any]) -> int:
        return len(body)

    @app.get("/broken/{name}")
    def broken(name: str) -> None:
        raise ValueError("a secret text") from KeyError("another secret")

    @app.get("/torn")
    def torn() -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            yield b"begun"
            raise ValueError("a secret text")

        return StreamingResponse(stream())

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 10):
        yield b"0123456789"


@pytest.mark.parametrize("path", ["/echo", "/json"])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_over_the_limit_is_refused(client: TestClient, path: str, is_chunked: bool) -> None:
    answer = client.post(path, content=chunks(110) if is_chunked else b"x" * 101)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["field"]) == (413, 413, "body")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert "split" in problem["remedy"]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_at_the_limit_passes(client: TestClient, is_chunked: bool) -> None:
    answer = client.post("/echo", content=chunks(100) if is_chunked else b"x" * 100)
    assert answer.json() == 100


def test_a_lying_content_length_does_not_help(client: TestClient) -> None:
    answer = client.post("/echo", content=chunks(110), headers={"Content-Length": "5"})
    assert answer.status_code == 413


def test_a_harmless_id_of_the_caller_is_kept(client: TestClient) -> None:
    assert client.get("/nowhere", headers={"X-Request-ID": "my-id.1"}).headers["X-Request-ID"] == "my-id.1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", 'a"b'])
def test_other_ids_are_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/nowhere", headers={"X-Request-ID": given.encode()})
    assert answer.headers["X-Request-ID"] not in ("", given)
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_the_unexpected_is_answered_and_logged_without_texts(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get("/broken/ada")
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (500, "urn:idiolect:problem:internal")
    assert problem["request_id"] in problem["remedy"]
    assert "ValueError < KeyError" in caplog.text
    assert "test_middleware.py" in caplog.text
    assert "secret" not in answer.text + caplog.text


def test_a_stream_that_breaks_is_cut_and_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get("/torn")
    assert answer.content == b"begun"
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_paths_are_logged_as_routes(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="app.middleware"):
        client.get("/broken/ada@example.org")
        client.get("/nowhere/ada@example.org")
    ours = [str(record.msg) for record in caplog.records if record.name == "app.middleware"]
    assert any("/broken/{name}" in line and "'status': 500" in line for line in ours)
    assert not any("ada" in line for line in ours)

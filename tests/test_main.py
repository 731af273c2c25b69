"""The application as a whole: its description, its engine, and the time and room its process takes."""

import os
import subprocess
import sys
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.engine import engine_of
from app.inference.client import HttpEngine
from app.inference.fake import FakeEngine
from app.main import create_app


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
def test_the_web_process_is_small(database: str) -> None:
    code = "import app.main, psutil; print(psutil.Process().memory_info().rss)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert int(run.stdout) < 250e6

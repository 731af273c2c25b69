"""The compose file agrees with the code: its settings exist, and its health check asks where the engine listens."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import yaml

from app.config import Settings

COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "docker" / "compose.yml").read_text(encoding="utf-8"))
ENGINE = COMPOSE["services"]["engine"]
OWN_ADDRESS = "127.0.0.2"
"""As a container's: reached by its name, while nothing listens on 127.0.0.1."""


class Engine(BaseHTTPRequestHandler):
    status: ClassVar[int]
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(params=[200, 503])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Where an engine listens, and the status that its every answer has."""
    monkeypatch.setattr(Engine, "status", request.param, raising=False)
    monkeypatch.setattr(Engine, "asked", [], raising=False)
    with HTTPServer((OWN_ADDRESS, 0), Engine) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{OWN_ADDRESS}:{server.server_port}", request.param
        server.shutdown()
        thread.join()


def test_the_engines_health_is_asked_where_it_listens(engine: tuple[str, int]) -> None:
    url, status = engine
    kind, python, *arguments = ENGINE["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    environment = ENGINE["environment"] | {"IDIOLECT_ENGINE_URL": url}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, timeout=30)
    assert Engine.asked == ["/readyz"]
    assert (done.returncode == 0) == (status == 200)


def test_the_engine_listens_under_the_name_of_its_service() -> None:
    assert urlsplit(ENGINE["environment"]["IDIOLECT_ENGINE_URL"]).hostname == "engine"


def test_settings_that_are_named_exist() -> None:
    named = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    ours = {name.removeprefix("IDIOLECT_").lower() for name in named if name.startswith("IDIOLECT_")}
    assert ours
    assert ours <= Settings.model_fields.keys()

"""The demo from its first step to its report, over the real web and queue; engine and worker need no model."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings, get_settings
from app.demo import run as demo
from app.demo import steps
from app.inference.fake import FakeEngine
from app.inference.types import RewriteOutcome, RewriteSpec
from app.jobs.runner import worker_is_stopping
from app.local import LOCAL_TENANT, make_key, web_address
from app.processes import ChildStatus
from app.rest import Api, of_user
from tests.cli.conftest import Idiolect, idiolect
from tests.serving import free_port, serving, working

__all__ = ["idiolect"]


class Echo(FakeEngine):
    """Writes back what it reads: it keeps all of it, and sounds like nobody."""

    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
        return replace(await super().rewrite(spec), texts=[spec.text] * spec.n)


class House:
    """What the supervisor would start, in this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open = ExitStack()

    def start(self, tell: Callable[[str], None]) -> None:
        tell("engine: loading")
        self._open.enter_context(serving(Echo(), self.settings.port))
        self._open.enter_context(working(self.settings))

    def stop(self) -> None:
        self._open.close()

    def status(self) -> list[ChildStatus]:
        return [ChildStatus("web", os.getpid(), is_running=True, restarts=0, last_exit="", log=Path())]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    base = tmp_path / "base"
    base.mkdir()
    (base / "base.json").write_text("{}")
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(base))
    monkeypatch.setenv("IDIOLECT_PORT", str(free_port()))
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(demo, "Supervisor", House)
    get_settings.cache_clear()
    worker_is_stopping.clear()
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A folder of one person, called ada."""
    folder = tmp_path / "texts" / "ada"
    folder.mkdir(parents=True)
    lines = [f"hey {name}, gonna be there at {hour}, save me a seat" for hour, name in enumerate("ann ben cem".split())]
    (folder / "letters.txt").write_text("\n\n".join([*lines, *(line.replace("seat", "chair") for line in lines)]))
    return folder


@pytest.fixture
def ada(settings: Settings, database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The texts of somebody of the same id, who is no part of the demo; their key lies ready in the environment."""
    key = make_key(settings, LOCAL_TENANT, "shop")
    api = Api(web_address(settings), key)
    with serving(FakeEngine(), settings.port):
        api.post("/v1/users", {"id": "ada"})
        api.post(of_user("ada", "/samples"), {"samples": [{"text": "Dear Sir, I remain yours."}]})
    monkeypatch.setenv("IDIOLECT_API_KEY", key)

    def texts() -> list[str]:
        with serving(FakeEngine(), settings.port):
            return [row["text"] for row in api.pages(of_user("ada", "/samples"))]

    return texts


def test_the_demo_touches_nobody_of_the_same_id(
    idiolect: Idiolect, letters: Path, ada: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SCORED_WITHIN_S", 0.0)
    said = idiolect("demo", "--quick", "--samples", str(letters))
    assert "engine: loading" in said.out
    assert "✓ upload samples" in said.out
    assert ada() == ["Dear Sir, I remain yours."]
    assert said.code == 1
    assert "The feedback was not scored within 0 s" in said.words


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_the_demo_ends_well_and_tells_which_bars_it_missed(
    idiolect: Idiolect, settings: Settings, letters: Path
) -> None:
    said = idiolect("demo", "--quick", "--samples", str(letters))
    assert said.code == 0, said.err
    report = json.loads((settings.data_dir / "demo-report.json").read_text(encoding="utf-8"))
    assert [person["name"] for person in report["people"]] == ["ada"]
    assert 0 <= report["feedback"]["satisfaction"] <= 1
    passed = {bar["name"]: bar["passed"] for bar in report["bars"]}
    assert {name for name, is_met in passed.items() if not is_met} == {
        "more like their person than the base writes",
        "memory at most",  # this process holds models beside the web
    }
    assert "2 of 6 missed. That is a result and no error" in said.out
    assert "keys create --tenant demo" in said.out

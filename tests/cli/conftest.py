"""The command line against a real server, in this process."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli import main, output
from app.config import Settings, get_settings
from app.inference.fake import FakeEngine
from app.jobs.runner import worker_is_stopping
from tests.serving import free_port, serving, working


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """What went to stderr, on one line."""
        return " ".join(self.err.replace("│", " ").split())


Idiolect = Callable[..., Said]


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A free port for the web, no engine behind the workers, and lines wide enough not to be broken."""
    monkeypatch.setenv("IDIOLECT_PORT", str(free_port()))
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", "http://127.0.0.1:9")
    for console in (output.console, output.errors):
        monkeypatch.setattr(console, "width", 200)
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture
def idiolect(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Idiolect:
    """`idiolect("users", "list")` runs the command; `stdin="..."` is what it may read, bytes as from a pipe."""

    def run(*arguments: str, stdin: str | bytes = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["idiolect", *arguments])
        piped = io.StringIO(stdin) if isinstance(stdin, str) else io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
        monkeypatch.setattr(sys, "stdin", piped)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def server(database: str, settings: Settings) -> Iterator[FakeEngine]:
    """The web is up, with this engine behind it; nobody works."""
    engine = FakeEngine()
    with serving(engine, settings.port):
        yield engine


@pytest.fixture
def worker(server: FakeEngine, settings: Settings) -> Iterator[None]:
    worker_is_stopping.clear()
    with working(settings):
        yield


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """A text file of six paragraphs."""
    path = tmp_path / "letters.txt"
    path.write_text("\n\n".join(f"Dear {name}, all is well here." for name in "Ann Ben Cem Dan Eve Fay".split()))
    return path


@pytest.fixture
def ada(idiolect: Idiolect, letters: Path) -> str:
    idiolect("samples", "add", "ada", str(letters))
    return "ada"

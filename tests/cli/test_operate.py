"""What holds for every command: help, no server, wrong settings, wrong keys; and the console script itself."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.main import get_command

from app.cli import app, operate
from app.cli.voices import PEFT_FILES
from app.config import Settings, get_settings
from app.supervisor import Supervisor
from tests.cli.conftest import Idiolect

SCRIPT = Path(sys.executable).with_name("idiolect")


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group by its words."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


ALL = sorted(commands(get_command(app)))

TALKING = [
    ("users", "list"),
    ("users", "add", "ada"),
    ("users", "delete", "ada", "--yes"),
    ("samples", "add", "ada", __file__),
    ("samples", "list", "ada"),
    ("rewrite", "ada", "Soon."),
    ("train", "ada"),
    ("train", "ada", "--json"),
    ("feedback", "some-rewrite", "Lovely."),
    ("jobs", "list", "ada"),
    ("jobs", "show", "some-job"),
    ("jobs", "cancel", "some-job"),
    ("jobs", "retry", "some-job"),
    ("adapters", "list", "ada"),
    ("adapters", "export", "ada", "1", "{peft}"),
    ("adapters", "import", "ada", "{peft}"),
    ("adapters", "promote", "ada", "1"),
    ("adapters", "rollback", "ada"),
    ("adapters", "warm", "ada"),
]
"""Commands that need a server; `{peft}` is a folder with the files of a PEFT adapter."""

ALONE = {"up", "serve", "demo", "login", "keys", "models", "evaluate"}
"""Commands and groups that need none."""


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_explains_itself(idiolect: Idiolect, words: tuple[str, ...]) -> None:
    said = idiolect(*words, "--help")
    assert said.code == 0
    assert " ".join(["Usage: idiolect", *words]) in " ".join(said.out.split())
    assert said.err == ""


def test_every_command_is_either_alone_or_tried_without_a_server() -> None:
    leaves = [
        words for words in ALL if words and not any(other[: len(words)] == words for other in ALL if other != words)
    ]
    tried = [arguments[: len(words)] for words in leaves for arguments in TALKING]
    assert [words for words in leaves if words[0] not in ALONE and words not in tried] == []


@pytest.mark.parametrize("arguments", TALKING, ids=" ".join)
def test_without_a_server_it_says_how_to_start_one(
    idiolect: Idiolect, settings: Settings, database: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    for name in PEFT_FILES:
        (tmp_path / name).touch()
    said = idiolect(*(argument.format(peft=tmp_path) for argument in arguments))
    assert said.code == 1
    assert f"no server answers at http://127.0.0.1:{settings.port}" in said.words
    assert "Start one with `idiolect up`." in said.words


class Stranger(BaseHTTPRequestHandler):
    """A program of somebody else's, which answers all with a page."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p>Welcome!</p>")

    do_POST = do_GET


@pytest.mark.parametrize(
    "arguments", [("users", "list"), ("train", "ada"), ("adapters", "export", "ada", "1", "out")], ids=" ".join
)
def test_a_server_of_somebody_else_is_told_as_such(
    idiolect: Idiolect, settings: Settings, database: str, arguments: tuple[str, ...]
) -> None:
    with HTTPServer(("127.0.0.1", settings.port), Stranger) as stranger:
        thread = threading.Thread(target=stranger.serve_forever, args=(0.01,))
        thread.start()
        said = idiolect(*arguments)
        stranger.shutdown()
        thread.join()
    assert said.code == 1
    assert f"127.0.0.1:{settings.port} with text/html is no Idiolect server" in said.words
    assert "IDIOLECT_PORT" in said.words


@pytest.mark.parametrize("command", ["up", "serve"])
@pytest.mark.parametrize("port", ["0", "99999"])
def test_a_port_that_there_is_not_is_refused(idiolect: Idiolect, command: str, port: str) -> None:
    said = idiolect(command, "--port", port)
    assert said.code == 2
    assert "--port" in said.words


def test_settings_of_the_command_line_are_checked_like_the_others(settings: Settings) -> None:
    assert operate._with(settings, port=None, host="::1") == settings.model_copy(update={"host": "::1"})
    with pytest.raises(ValidationError):
        operate._with(settings, port=99_999)


def test_a_wrong_key_is_told_as_such(idiolect: Idiolect, server: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_API_KEY", "idio_abc_wrong")
    said = idiolect("users", "list")
    assert said.code == 1
    assert "this key is unknown" in said.words


def test_a_setting_that_cannot_be_used_is_named(idiolect: Idiolect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_PORT", "eighty")
    get_settings.cache_clear()
    said = idiolect("users", "list")
    assert said.code == 1
    assert "the setting IDIOLECT_PORT cannot be used" in said.words


def test_a_database_that_is_away_is_told_with_a_remedy(idiolect: Idiolect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDIOLECT_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    get_settings.cache_clear()
    said = idiolect("keys", "list")
    assert said.code == 1
    assert "the database cannot be used" in said.words
    assert "IDIOLECT_DATABASE_URL" in said.words


def test_a_base_model_that_cannot_be_had_is_told_before_anything_starts(
    idiolect: Idiolect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", "no such model")
    get_settings.cache_clear()
    said = idiolect("up")
    assert said.code == 1
    assert "IDIOLECT_BASE_MODEL is 'no such model'" in said.words


def test_up_says_who_holds_the_data_folder(
    idiolect: Idiolect, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "base.json").write_text("{}")
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", str(tmp_path / "base"))
    get_settings.cache_clear()
    holder = Supervisor(settings, [])
    holder._lock_folder()
    try:
        said = idiolect("up")
    finally:
        holder.stop()
    assert said.code == 1
    assert f"process {os.getpid()}" in said.words
    assert "IDIOLECT_DATA_DIR" in said.words


def test_a_demo_without_texts_says_what_to_put_there(idiolect: Idiolect, tmp_path: Path) -> None:
    said = idiolect("demo", "--samples", str(tmp_path))
    assert said.code == 1
    assert "put a person's texts into it" in said.words


@pytest.mark.slow
def test_the_console_script_is_installed_and_ends_as_main_does(settings: Settings) -> None:
    environment = os.environ | {"COLUMNS": "100"}
    done = subprocess.run([SCRIPT, "users", "list"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Start one with `idiolect up`." in done.stderr
    assert "Traceback" not in done.stderr

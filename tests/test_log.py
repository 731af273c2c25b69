"""What reaches the log, in its two clothes: lines of JSON, and words for a terminal."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import structlog

from app.log import where

SPEAK = """
import logging, structlog
from app.log import configure, where
configure(); configure()
structlog.contextvars.bind_contextvars(request_id="r1")
logging.getLogger("somebody").warning("%s apples", 3)
logging.getLogger("httpx").info("a url")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("library").exception("while reading a secret text")
logging.getLogger("uvicorn.access").info("a path")
try:
    raise ValueError("a secret text")
except ValueError as error:
    structlog.get_logger("us").error("unexpected error", **where(error))
"""


def test_lines_are_json_without_messages_of_errors() -> None:
    run = subprocess.run([sys.executable, "-c", SPEAK], capture_output=True, text=True, check=True)
    first, foreign, second = [json.loads(line) for line in run.stderr.splitlines()]
    assert (first["event"], first["level"], first["logger"], first["request_id"]) == (
        "3 apples",
        "warning",
        "somebody",
        "r1",
    )
    assert (second["event"], second["raised"], second["logger"]) == ("unexpected error", "ValueError", "us")
    assert second["frames"] == ["<string>:14 <module>"]
    assert (foreign["event"], foreign["raised"], foreign["logger"]) == (
        "unexpected error",
        "ZeroDivisionError",
        "library",
    )
    assert "secret" not in run.stderr + run.stdout


def test_a_terminal_gets_words() -> None:
    reading, writing = pty.openpty()
    subprocess.run([sys.executable, "-c", SPEAK], stderr=writing, check=True)
    os.close(writing)
    said = os.read(reading, 10_000).decode()
    os.close(reading)
    assert "3 apples" in said
    assert "ValueError" in said
    assert not said.startswith("{")


def test_a_chain_of_errors_is_named_in_order() -> None:
    found = where(chained())
    assert found["raised"] == "RuntimeError < KeyError"
    assert [frame.rsplit(" ")[-1] for frame in found["frames"]] == ["chained"]


def test_what_it_says_can_be_rendered() -> None:
    """The renderer for terminals has keys of its own, which must not meet ours."""
    line: Any = structlog.dev.ConsoleRenderer()(None, "error", {"event": "unexpected", **where(chained())})
    assert "chained" in line


def chained() -> RuntimeError:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        return error

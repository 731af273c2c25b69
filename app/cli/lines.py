"""Texts from stdin, a line each, for commands that answer a line each: in order, at once, and never held back.

A batch is whatever has arrived, up to 64 lines: somebody who writes one line and waits gets its answer, and a file is
read as fast as it can be scored.
"""

import json
import sys
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread
from typing import Any, Final

from app.errors import AppError

MOST: Final = 64
AHEAD: Final = 1024
"""Lines read before they are asked for."""

Line = tuple[int, bytes]


class UnreadableLine(AppError):
    """A line that holds no text. Those before it have been answered."""


def texts(*, as_json: bool) -> Iterator[list[str]]:
    """Batches of texts: lines as they are, or the `text` of a JSON object a line. Raises UnreadableLine."""
    waiting: Queue[Line | None] = Queue(AHEAD)
    Thread(target=_fill, args=(waiting,), daemon=True).start()
    is_open = True
    while is_open:
        lines = [waiting.get()]
        while lines[-1] is not None and len(lines) < MOST:
            try:
                lines.append(waiting.get_nowait())
            except Empty:
                break
        is_open = lines[-1] is not None
        batch: list[str] = []
        for line in lines:
            if line is None:
                continue
            try:
                batch.append(_text(*line, as_json=as_json))
            except UnreadableLine:
                if batch:
                    yield batch
                raise
        if batch:
            yield batch


def _fill(waiting: "Queue[Line | None]") -> None:
    # Bytes where there are some: text mode reads ahead and could not say in which line the wrong byte was.
    source: Any = getattr(sys.stdin, "buffer", sys.stdin)
    for number, line in enumerate(source, 1):
        waiting.put((number, line if isinstance(line, bytes) else line.encode()))
    waiting.put(None)


def _text(number: int, line: bytes, *, as_json: bool) -> str:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UnreadableLine(f"line {number} is not UTF-8", remedy="Convert the input to UTF-8.") from error
    if not as_json:
        return text
    remedy = 'Write one JSON object a line, like {"text": "I love it"}.'
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableLine(f"line {number} is not JSON", remedy=remedy) from error
    said = found.get("text") if isinstance(found, dict) else None
    if not isinstance(said, str):
        raise UnreadableLine(f'line {number} has no "text" that is a string', remedy=remedy)
    # Half of a surrogate pair is valid JSON and no text.
    return said.encode("utf-8", "replace").decode("utf-8")

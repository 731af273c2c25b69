"""Samples out of people's files: .txt and .md by paragraph, .jsonl and .csv by row, .eml by mail.

Pure functions of a name and bytes. A row that cannot be read becomes a sample with a fault, so that the others are not
lost with it; a file that cannot be read at all raises UnusableFile. Both tell the place and quote nothing.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import PurePath
from typing import Final, TypeGuard

from app.errors import Unprocessable
from app.schemas import UNSTORABLE, is_storable

MAX_CONTEXT: Final = 60
MAX_SOURCE: Final = 200
MAX_HEADER: Final = 1_000
"""Bytes of a mail's header that says how it is built: they are parsed in the square of their length."""
MAX_HEADERS: Final = 12_000
"""Bytes of all of them, for that reason."""
MAX_PARTS: Final = 16
"""Parts of a mail that may hold others: each line is compared with the ends of all that are open."""

_STRUCTURE = re.compile(rb"(?im)^content-(?:type|disposition|transfer-encoding|id)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*")


class UnusableFile(Unprocessable):
    type = "unusable-file"
    title = "The file cannot be read"


@dataclass(frozen=True)
class Incoming:
    """A sample on its way in, and where in the request it stood."""

    text: str
    place: str
    context: str | None = None
    source: str = "api"
    fault: str | None = None
    """Why it cannot be read, and what would help; it has no text then."""


def read(name: str, content: bytes, context: str | None = None) -> list[Incoming]:
    """All samples of a file, each with `context` unless its row names another. Raises UnusableFile."""
    name = UNSTORABLE.sub("", PurePath(name).name)[-MAX_SOURCE:] or "file"
    reader = READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        raise UnusableFile(
            f"{name}: this kind of file is not known", field="file", remedy=f"Send one of {', '.join(READERS)}."
        )
    return list(reader(name, content, context))


def _paragraphs(name: str, content: bytes, context: str | None) -> Iterator[Incoming]:
    blocks = re.split(r"\n\s*\n", _decoded(name, content).replace("\r\n", "\n").replace("\r", "\n"))
    for number, block in enumerate(filter(str.strip, blocks), start=1):
        yield Incoming(block.strip(), f"{name}, paragraph {number}", context, name)


def _json_lines(name: str, content: bytes, context: str | None) -> Iterator[Incoming]:
    for number, line in enumerate(_decoded(name, content).split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield Incoming("", place, fault='it is not JSON: write one {"text": "…"} per line')
            continue
        row = {"text": row} if isinstance(row, str) else row
        if isinstance(row, dict) and isinstance(row.get("text"), str):
            yield _of_row(row, place, name, context)
        else:
            yield Incoming("", place, fault='it has no text: write one {"text": "…"} per line')


def _csv(name: str, content: bytes, context: str | None) -> Iterator[Incoming]:
    rows = csv.DictReader(io.StringIO(_decoded(name, content), newline=""), strict=True)
    try:
        columns = [column.strip().lower() for column in rows.fieldnames or ()]
    except csv.Error:
        raise _unusable(f"{name}, line 1", "is not CSV", "Quote fields that hold quotes or lines.") from None
    if "text" not in columns:
        raise _unusable(name, "has no column text", "Name the columns in the first line; one of them is text.")
    rows.fieldnames = columns
    while True:
        begins = rows.reader.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            fault = "it is not CSV: quote fields that hold quotes or lines"
            yield Incoming("", f"{name}, line {begins}", fault=fault)
        else:
            yield _of_row(dict(row), f"{name}, line {rows.line_num}", name, context)


def _mail(name: str, content: bytes, context: str | None) -> Iterator[Incoming]:
    # Line ends as the parser takes them.
    headers = _STRUCTURE.findall(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    lengths = [len(header) for header in headers]
    if max(lengths, default=0) > MAX_HEADER or sum(lengths) > MAX_HEADERS or sum(map(_is_nest, headers)) > MAX_PARTS:
        raise _unusable(name, "is built in an unusual way", "Paste what the person wrote into a .txt file.")
    try:
        message = message_from_bytes(content, policy=policy.default)
        body = message.get_body(preferencelist=("plain",))
        text = body.get_content() if body else None
    except Exception:  # broken mails have the parser raise almost anything
        text = None
    if not isinstance(text, str) or "\ufffd" in text:
        raise _unusable(
            name, "has no readable plain text", "Save the mail as plain text, or paste it into a .txt file."
        )
    yield Incoming(_own_words(text), name, context, name)


def _is_nest(header: bytes) -> bool:
    return b"multipart/" in header.lower() or b"message/" in header.lower()


def _own_words(mail: str) -> str:
    """Without the signature and without what others wrote: quoted lines and the line that announces them."""
    lines = mail.replace("\r\n", "\n").split("\n")
    if "-- " in lines:
        lines = lines[: lines.index("-- ")]
    kept = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if not line.startswith(">") and not (line.rstrip().endswith(":") and following.startswith(">"))
    ]
    return "\n".join(kept).strip()


def _of_row(row: dict[str | None, object], place: str, name: str, context: str | None) -> Incoming:
    named, source = row.get("context") or context, row.get("source") or name
    if named is not None and not _is_label(named, MAX_CONTEXT):
        return Incoming("", place, fault=f"its context is not a text of at most {MAX_CONTEXT} characters")
    if not _is_label(source, MAX_SOURCE):
        return Incoming("", place, fault=f"its source is not a text of at most {MAX_SOURCE} characters")
    return Incoming(str(row.get("text") or ""), place, named, source)


def _is_label(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= longest and is_storable(value)


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _unusable(f"{name}, line {line}", "is not UTF-8", "Save the file with the encoding UTF-8.") from None


def _unusable(place: str, what: str, remedy: str) -> UnusableFile:
    return UnusableFile(f"{place} {what}", field="file", remedy=remedy)


READERS: Final[dict[str, Callable[[str, bytes, str | None], Iterator[Incoming]]]] = {
    ".txt": _paragraphs,
    ".md": _paragraphs,
    ".jsonl": _json_lines,
    ".csv": _csv,
    ".eml": _mail,
}

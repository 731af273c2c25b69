"""Files that are there whole or not at all, whenever the process is killed, in a folder that one process works in."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from app.evaluation.problems import CannotEvaluate

SCRATCH: Final = "evaluation-scratch"
"""What a run needs for itself, in the folder of its results: a database, adapters, checkpoints. Nobody else's."""
LOCK: Final = ".lock"
LONGEST_NAME: Final = 80


def write_text(path: Path, text: str) -> None:
    """Replace `path` in one go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def file_name(words: str) -> str:
    """In the letters of file names. Words that could be taken for others, or are too long, end in a digest of them."""
    plain = re.sub(r"[^\w.-]+", "-", words.lower())
    if re.fullmatch(r"[a-z0-9_.]+( [a-z0-9_.]+)*", words) and len(words) <= LONGEST_NAME:
        return plain
    short = plain.encode()[: LONGEST_NAME // 2].decode(errors="ignore")
    return f"{short}-{sha256(words.encode()).hexdigest()[:8]}"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else runs anything in this folder meanwhile. Raises CannotEvaluate if somebody does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotEvaluate(
                f"Another evaluation is running in {folder}.",
                "Wait for it, name another folder with --out, or see with --so-far what it has found.",
            ) from error
        yield

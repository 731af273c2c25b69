"""Files that are whole or absent, never in between, whoever dies while writing them."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, *, is_lasting: bool) -> None:
    """Put a file in place, with its folder; one that lasts survives a power cut. Raises OSError, leaving nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if is_lasting:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if is_lasting:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Without this a power cut may forget a file's name although its bytes are safe."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

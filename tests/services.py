"""The programs that tests talk to, wherever they are installed. Without one a test fails: nobody notices a skip."""

import shutil
from pathlib import Path

import pytest

DEBIAN = Path("/usr/lib/postgresql")
"""A folder a version, on nobody's path."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
"""Its names in distributions."""


def postgres_programs(debian: Path = DEBIAN) -> Path:
    """The folder of `initdb` and its siblings: Debian's newest, else what is on the path."""
    found = [path for path in debian.glob("*/bin") if path.parent.name.isdigit() and (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    return _on_path("PostgreSQL", "initdb").parent


def chromium_program() -> Path:
    return _on_path("Chromium", *CHROMIUM)


def _on_path(service: str, *names: str) -> Path:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(f"{service} is not installed: `make test` installs it, or says how.")
    return Path(found)

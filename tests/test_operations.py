"""What docs/operations.md says about commands, paths and settings is what the code does."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import Settings
from app.models import Tenant
from app.supervisor import programs

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(block: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}
    command = ["bash", "-euo", "pipefail", "-c", block]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def home(settings: Settings, database: str, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `.idiolect` is the data folder, with a database in use and one adapter."""
    home = settings.data_dir.parent
    (home / ".idiolect").symlink_to(settings.data_dir)
    (settings.storage_root / "adapters").mkdir(parents=True)
    (settings.storage_root / "adapters" / "a.safetensors").write_bytes(b"adapter")
    return home


def test_each_process_is_started_as_the_page_says(settings: Settings) -> None:
    told = dict(re.findall(r"^\| (\w+) \| `([^`]+)` \|", PAGE, re.MULTILINE))
    started = {program.name: list(program.command[1:]) for program in programs(settings)}
    assert told.keys() == started.keys()
    for name, words in told.items():
        expected = words.split() if words.startswith("python") else ["python", "-m", *words.split()]
        missing = [word for word in expected[1:] if word not in started[name]]
        assert not missing, name


@pytest.mark.slow
def test_every_block_runs(home: Path) -> None:
    commands = "\n".join(BLOCKS).replace("alembic upgrade head", f"(cd {ROOT} && alembic upgrade head)")
    done = run(commands, home)
    assert done.returncode == 0, done.stderr
    assert "web shop" in done.stdout


def test_a_backup_holds_the_rows_and_the_files(home: Path, tenant: Tenant) -> None:
    [backup] = [block for block in BLOCKS if "backup.db" in block]
    assert run(backup, home).returncode == 0
    assert sqlite3.connect(home / "backup.db").execute("SELECT name FROM tenants").fetchall() == [(tenant.name,)]
    listed = subprocess.run(["tar", "-tf", home / "backup-adapters.tar"], capture_output=True, text=True, check=True)
    assert "storage/adapters/a.safetensors" in listed.stdout.split()


def test_settings_that_are_named_exist() -> None:
    named = set(re.findall(r"IDIOLECT_([A-Z_]+)", PAGE))
    assert {name.lower() for name in named} <= Settings.model_fields.keys()

"""What the import contracts in pyproject.toml cannot say: what a process really loads, and where SQL is spoken."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "workers").rglob("*.py")])
HEAVY = {
    "torch",
    "transformers",
    "peft",
    "spacy",
    "sentence_transformers",
    "safetensors",
    "numpy",
    "sklearn",
    "alembic",
    "obstore",
}
SPEAKS_SQL = {"app/db.py", "app/tenancy.py"}
HARMLESS = {("sqlalchemy.orm", "Session")}
"""Annotations may name a session; errors of `sqlalchemy.exc` may be caught anywhere."""


def printed(code: str) -> set[str]:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(run.stdout.split())


def test_the_web_process_loads_nothing_heavy() -> None:
    loaded = printed("import app.main, sys; print(*sys.modules)")
    assert "app.main" in loaded
    assert not loaded & HEAVY


def test_the_workers_start_light_and_know_every_task_the_web_can_send() -> None:
    known = printed(
        "import sys; from workers.main import celery; celery.loader.import_default_modules(); "
        "print(*celery.tasks, *sys.modules)"
    )
    sent = printed("from app.queue import ROUTES; print(*ROUTES)")
    assert sent
    assert sent <= known
    assert "torch" not in known


def test_every_ring_names_a_task_that_has_a_queue() -> None:
    """A name is passed as one of the constants beside ROUTES, never as a string."""
    queue = ast.parse((ROOT / "app" / "queue.py").read_text())
    constants = {
        node.target.id for node in queue.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    rings = [
        call.args[1]
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ring"
    ]
    assert rings
    assert {task.id for task in rings if isinstance(task, ast.Name)} <= constants
    assert all(isinstance(task, ast.Name) for task in rings)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_is_spoken_in_repositories_only(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    if path.name == "repository.py" or path.parent.name == "models" or name in SPEAKS_SQL:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "sqlalchemy" for alias in node.names), name
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
            spoken = {(node.module, alias.name) for alias in node.names} - HARMLESS
            assert node.module == "sqlalchemy.exc" or not spoken, f"{name} speaks SQL: {spoken}"

"""What a migration does to rows that an older version could leave behind."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from app.db import alembic_config, migrate


class Old:
    """A SQLite database of an older revision, with a person in it."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path}"
        migrate(self.url, "0002")
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.put("tenants", id="t")
        self.put("users", id="u", tenant_id="t")

    def put(self, table: str, **values: Any) -> None:
        """A row; what is not given is empty or 0 where it must not be null."""
        columns = self.connection.execute(f"PRAGMA table_info({table})").fetchall()
        empty = {
            name: "" if "CHAR" in kind or kind in ("TEXT", "JSON") else 0 for _, name, kind, must, *_ in columns if must
        }
        row = empty | {"created_at": "2026-01-01 00:00:00"} | values
        holes = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({holes})", list(row.values()))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    old = Old(tmp_path / "old.db")
    with closing(old.connection):
        yield old


def test_of_several_versions_of_a_job_the_first_stays_its_own(old: Old) -> None:
    for version, job_id in ((1, "a"), (2, "a"), (3, None), (4, None), (5, "b")):
        old.put("adapters", id=f"v{version}", tenant_id="t", user_id="u", version=version, job_id=job_id)
    migrate(old.url)
    found = old.rows("SELECT version, job_id FROM adapters ORDER BY version")
    assert found == [(1, "a"), (2, None), (3, None), (4, None), (5, "b")]


def test_of_several_traces_of_a_reaction_the_first_stays(old: Old) -> None:
    old.put("rewrites", id="r", tenant_id="t", user_id="u")
    for feedback in ("f", "g"):
        old.put("feedback", id=feedback, tenant_id="t", user_id="u", rewrite_id="r")
    traces = [
        ("1", "f", "reply"),
        ("2", "f", "edit"),
        ("3", "f", "reply"),
        ("4", "f", "synonym"),
        ("5", "f", "synonym"),
    ]
    for trace, feedback, origin in [*traces, ("6", "g", "reply")]:
        old.put("traces", id=trace, tenant_id="t", user_id="u", feedback_id=feedback, origin=origin)
    migrate(old.url)
    assert [row[0] for row in old.rows("SELECT id FROM traces ORDER BY id")] == ["1", "2", "4", "5", "6"]


def test_what_became_of_a_version_has_one_name(old: Old) -> None:
    gate = {"decision": "promoted", "checks": []}
    results = {
        "rejected": {"version": 1, "decision": "rejected", "metrics": {}},
        "promoted": {"version": 2, "decision": "promoted", "gate": gate},
        "waiting": {"version": 3, "decision": "promoted", "gate": gate},
        "told": {"version": 4, "decision": "promoted", "outcome": "superseded", "gate": gate},
        "unnamed": {"version": 5, "gate": gate},
    }
    for job, result in results.items():
        old.put("jobs", id=job, tenant_id="t", user_id="u", state="succeeded", result=json.dumps(result))
        promoted_at = None if job in ("waiting", "told") else "2026-01-01 00:00:00"
        old.put(
            "adapters",
            id=job,
            tenant_id="t",
            user_id="u",
            version=result["version"],
            job_id=job,
            promoted_at=promoted_at,
        )
    old.put("jobs", id="failed", tenant_id="t", user_id="u", state="failed", result="{}")

    def told() -> dict[str, dict[str, Any]]:
        return {job: json.loads(result) for job, result in old.rows("SELECT id, result FROM jobs")}

    migrate(old.url)
    assert {job: result.get("outcome") for job, result in told().items()} == {
        "rejected": "rejected",
        "promoted": "promoted",
        "waiting": "superseded",
        "told": "superseded",
        "unnamed": "promoted",
        "failed": None,
    }
    assert not any("decision" in result for result in told().values())
    assert told()["promoted"] == {"version": 2, "outcome": "promoted", "gate": gate}
    command.downgrade(alembic_config(old.url), "0006")
    decisions = {job: result.get("decision") for job, result in told().items()}
    assert decisions == dict.fromkeys(("promoted", "waiting", "told", "unnamed"), "promoted") | {
        "rejected": "rejected",
        "failed": None,
    }

"""What became of a training's version is its outcome; what the gate decided stands in the gate's report alone."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

JOBS = sa.table("jobs", sa.column("id", sa.String), sa.column("state", sa.String), sa.column("result", sa.JSON))
ADAPTERS = sa.table(
    "adapters", sa.column("job_id", sa.String), sa.column("promoted_at", sa.DateTime), sa.column("id", sa.String)
)


def upgrade() -> None:
    for job_id, result in finished():
        decision = result.pop("decision", None) or result.get("gate", {}).get("decision")
        if "outcome" not in result and decision is not None:
            is_superseded = decision == "promoted" and waits(job_id)
            result["outcome"] = "superseded" if is_superseded else decision
        write(job_id, result)


def downgrade() -> None:
    for job_id, result in finished():
        outcome = result.get("outcome")
        decision = result.get("gate", {}).get("decision") or ("promoted" if outcome == "superseded" else outcome)
        if decision is not None:
            write(job_id, {**result, "decision": decision})


def finished() -> list[tuple[str, dict[str, Any]]]:
    """Jobs that have published a version, and their results."""
    rows = op.get_bind().execute(sa.select(JOBS.c.id, JOBS.c.result).where(JOBS.c.state == "succeeded"))
    return [(job_id, dict(result)) for job_id, result in rows if result and "version" in result]


def waits(job_id: str) -> bool:
    """Whether the job's version is there and was never promoted."""
    query = sa.select(ADAPTERS.c.id).where(ADAPTERS.c.job_id == job_id, ADAPTERS.c.promoted_at.is_(None))
    return op.get_bind().execute(query).first() is not None


def write(job_id: str, result: dict[str, Any]) -> None:
    op.get_bind().execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(result=result))

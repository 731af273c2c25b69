"""Work written down before it is done. The row is the truth; a broker message only rings the bell."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned, now

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "queued", "running", "succeeded", "failed", "cancelled"
FINISHED = (SUCCEEDED, FAILED, CANCELLED)
STARTED_BY_FEEDBACK = "feedback"


class Job(Identified, TenantOwned, Base):
    __tablename__ = "jobs"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "id"),
        Index(
            "uq_jobs_one_active_per_user",
            "user_id",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    recipe: Mapped[str] = mapped_column(String(40))
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    origin: Mapped[str] = mapped_column(String(20), default="api")
    """`api`, `admin` or `feedback` (the sweep started it)."""
    state: Mapped[str] = mapped_column(String(12), default=QUEUED, index=True)
    stage: Mapped[str] = mapped_column(String(40), default="waiting")
    progress: Mapped[float] = mapped_column(default=0.0)
    attempt: Mapped[int] = mapped_column(default=0)
    retries: Mapped[int] = mapped_column(default=0)
    """How often somebody had it begin again; each time with a checkpoint of its own."""
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None] = mapped_column(String(120))
    lease_until: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    published_at: Mapped[datetime] = mapped_column(default=now)
    """When the bell was last rung for it."""
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """`{"version", "outcome", "gate", "metrics"}` of a finished training: what became of its version, which is what the
    gate decided (`promoted`, `rejected`, `undecided`) unless it was `superseded` by one promoted meanwhile."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it failed or was cancelled, in words its user understands."""
    remedy: Mapped[str | None] = mapped_column(Text)


class JobEvent(TenantOwned, Base):
    """Append-only; the id is the SSE `Last-Event-ID`."""

    __tablename__ = "job_events"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "job_id"], ["jobs.tenant_id", "jobs.id"], ondelete="CASCADE"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(String(36), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    """`state`, `stage`, `note` or `sample` (a text written during training)."""
    data: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class JobMetric(TenantOwned, Base):
    """One point of a curve. A resumed job overwrites the steps it repeats, so (job, stage, step, name) is the key."""

    __tablename__ = "job_metrics"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "job_id"], ["jobs.tenant_id", "jobs.id"], ondelete="CASCADE"),)

    job_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    stage: Mapped[str] = mapped_column(String(20), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[float]

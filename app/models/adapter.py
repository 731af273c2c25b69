"""An immutable, content-addressed version of one person's voice."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned


class Adapter(Identified, TenantOwned, Base):
    """Its state is not stored but follows: active if the user points at it, retired if it once was, else candidate."""

    __tablename__ = "adapters"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        UniqueConstraint("user_id", "version"),
        UniqueConstraint("job_id"),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    version: Mapped[int]
    parent_version: Mapped[int | None]
    digest: Mapped[str] = mapped_column(String(64), index=True)
    base_digest: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    job_id: Mapped[str | None] = mapped_column(String(36))
    """The training that published it, its one version; None if it was imported."""
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    gate: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The promotion gate's report: `{"decision": ..., "checks": [{"name", "passed", "value", "bound"}, ...]}`."""
    modes: Mapped[list[Any]] = mapped_column(default=list)
    """`[{"tag": "work", "share": 0.5}, ...]`: how to ask this version for one of the person's voices."""
    manifest: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Ids of the samples and feedback that shaped it, recipe, configuration and seed."""
    promoted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    """When somebody rolled back from it; a later rollback passes over it."""

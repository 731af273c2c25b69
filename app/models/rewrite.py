"""One answered rewrite request, with the version that wrote it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned


class Rewrite(Identified, TenantOwned, Base):
    __tablename__ = "rewrites"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "id"),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    text: Mapped[str] = mapped_column(Text)
    outputs: Mapped[list[Any]]
    adapter_version: Mapped[int | None]
    """None: the base model wrote it."""
    adapter_digest: Mapped[str | None] = mapped_column(String(64))
    base_digest: Mapped[str] = mapped_column(String(64))
    mode: Mapped[str | None] = mapped_column(String(60))
    seed: Mapped[int]
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    usage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    timing: Mapped[dict[str, Any]] = mapped_column(default=dict)
    scores: Mapped[list[Any] | None]
    """A dict per output, `{"style", "meaning", "entities", "human"}`; None until a worker has filled it in."""
    scored_at: Mapped[datetime | None]

"""What the scorer of a person's satisfaction learns from, and its versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned


class Trace(Identified, TenantOwned, Base):
    """One row of the augmented database. The reply itself is not here: only what was read from it."""

    __tablename__ = "traces"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "feedback_id"], ["feedback.tenant_id", "feedback.id"], ondelete="CASCADE"),
        Index(
            "uq_traces_as_given",
            "feedback_id",
            "origin",
            unique=True,
            sqlite_where=text("origin IN ('reply', 'edit')"),
            postgresql_where=text("origin IN ('reply', 'edit')"),
        ),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    feedback_id: Mapped[str] = mapped_column(String(36), index=True)
    prompt: Mapped[str] = mapped_column(Text)
    output: Mapped[str] = mapped_column(Text)
    rejected: Mapped[str | None] = mapped_column(Text)
    """For a correction: the output that it replaced."""
    origin: Mapped[str] = mapped_column(String(12))
    """`reply` or `edit` as the person gave it, one of each a reaction; `synonym` or `truncation`, made from these."""
    static_score: Mapped[float]
    """What was read from the reaction, 0 to 1; it never changes."""
    doubt: Mapped[float]
    confidence: Mapped[float]
    """How much the reaction was about the text; with age it makes the weight."""
    reply: Mapped[int]
    """The person's how-manieth reaction it comes from; age is counted in these."""
    score: Mapped[float]
    """The present label, 0 to 1."""
    draw: Mapped[float]
    """A random number of its own: the long memory holds the smallest."""
    heard_by: Mapped[int | None]
    """The scorer version that first learned from it."""
    rescored_at: Mapped[datetime | None]


class Scorer(Identified, TenantOwned, Base):
    """A version of one person's ARF scorer. Only the newest few keep their weights; all keep what they believed."""

    __tablename__ = "scorers"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        UniqueConstraint("user_id", "version"),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    version: Mapped[int]
    replies: Mapped[int]
    """How many of the person's reactions there had been."""
    features: Mapped[str] = mapped_column(String(64))
    """Names what its weights stand on; weights for other features are of no use."""
    state: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The weights as safetensors."""
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    beliefs: Mapped[list[Any]] = mapped_column(default=list)
    """`[{"name", "likes", "effect", "low", "high"}, ...]`, the strongest first."""

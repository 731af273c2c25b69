"""What the person said about a rewrite, in their own words."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned


class Feedback(Identified, TenantOwned, Base):
    __tablename__ = "feedback"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "rewrite_id"], ["rewrites.tenant_id", "rewrites.id"], ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "id"),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    rewrite_id: Mapped[str] = mapped_column(String(36), index=True)
    output_index: Mapped[int] = mapped_column(default=0)
    text: Mapped[str] = mapped_column(Text, default="")
    rating: Mapped[float | None]
    """0 (useless) to 1 (perfect), if the client asked for one."""
    edited_text: Mapped[str | None] = mapped_column(Text)
    satisfaction: Mapped[float | None]
    """0 to 1; None until a worker has scored it."""
    scorer: Mapped[str | None] = mapped_column(String(80))
    scored_at: Mapped[datetime | None]

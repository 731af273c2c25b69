"""Something the person wrote: what their voice is learned from."""

from typing import Any

from sqlalchemy import ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned


class StyleSample(Identified, TenantOwned, Base):
    __tablename__ = "style_samples"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["users.tenant_id", "users.id"], ondelete="CASCADE"),
        UniqueConstraint("user_id", "sha256"),
    )

    user_id: Mapped[str] = mapped_column(String(36), index=True)
    text: Mapped[str] = mapped_column(Text)
    context: Mapped[str | None] = mapped_column(String(60))
    """The person's own name for the occasion, such as `work`; labelled contexts become modes."""
    source: Mapped[str] = mapped_column(String(200), default="api")
    sha256: Mapped[str] = mapped_column(String(64))
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    is_held_out: Mapped[bool | None]
    """Whether trainings are tested on it and never learn from it; None until the first that could use it."""

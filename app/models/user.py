"""A person of a tenant, known by the tenant's own id, with a pointer to the adapter version that speaks for them."""

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Identified, TenantOwned


class User(Identified, TenantOwned, Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("tenant_id", "external_id"), UniqueConstraint("tenant_id", "id"))

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    external_id: Mapped[str] = mapped_column(String(200))
    display_name: Mapped[str] = mapped_column(String(200), default="")
    active_version: Mapped[int | None]
    """Moved only by compare-and-swap (`app.adapters.service.promote`)."""

    @property
    def etag(self) -> str:
        """Changes whenever the pointer moves."""
        return f'"{self.active_version or 0}"'

"""People, as callers see them: `id` is always the tenant's own."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.models import User
from app.schemas import Body, ExternalId, Text, View


class UserCreate(Body):
    id: ExternalId
    display_name: Annotated[Text, Field(max_length=200)] = ""


class UserView(View):
    id: str
    display_name: str
    active_version: int | None
    """The version that speaks for them; null: the base model."""
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserView":
        return cls(
            id=user.external_id,
            display_name=user.display_name,
            active_version=user.active_version,
            created_at=user.created_at,
        )


class Erased(View):
    """How much of what was erased."""

    samples: int
    rewrites: int
    feedback: int
    traces: int
    """What the scorer of their satisfaction learned from."""
    scorers: int
    """Its versions."""
    jobs: int
    adapters: int
    adapter_files: int
    """Fewer than `adapters` where another version has the same content."""


class Receipt(View):
    user: str
    erased: Erased
    adapter_files_left: int
    """Not erased yet, because their storage cannot be reached: they are deleted once it is back."""
    erased_at: datetime

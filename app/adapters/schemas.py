"""Versions of a voice, as callers see them."""

from datetime import datetime
from typing import Any, Literal

from app.models import Adapter, User
from app.schemas import View

State = Literal["active", "retired", "candidate"]


def state_of(adapter: Adapter, user: User) -> State:
    if adapter.version == user.active_version:
        return "active"
    return "candidate" if adapter.promoted_at is None else "retired"


class AdapterView(View):
    version: int
    state: State
    """active: speaks for the person; retired: once did; candidate: never has."""
    digest: str
    base_digest: str
    parent_version: int | None
    size_bytes: int
    job_id: str | None
    metrics: dict[str, Any]
    gate: dict[str, Any]
    """Why it was or was not promoted: `{"decision", "checks": [{"name", "passed", "value", "bound"}]}`."""
    modes: list[Any]
    created_at: datetime
    promoted_at: datetime | None

    @classmethod
    def of(cls, adapter: Adapter, user: User) -> "AdapterView":
        columns = {name: getattr(adapter, name) for name in cls.model_fields if name != "state"}
        return cls(state=state_of(adapter, user), **columns)


class Pointer(View):
    """Which version speaks for a person now."""

    user: str
    active_version: int | None
    """null: the base model."""
    digest: str | None


class Warmed(View):
    """Which version now is where a rewrite finds it at once."""

    user: str
    version: int | None
    """null: the base model, which always is."""
    digest: str | None
    milliseconds: float
    """That loading it took."""

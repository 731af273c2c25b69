"""Who is served next: a bounded queue of rows, first come first served within a tenant, fair between tenants. No torch.

A tenant's virtual time is the number of tokens it was given room for; the tenant that is furthest behind goes next, and
one that comes back from idling starts at the present, not with credit for its absence.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    """A passage to be written once."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def adapter_digest(self) -> str | None: ...
    @property
    def is_cancelled(self) -> bool: ...
    @property
    def tokens(self) -> int: ...


R = TypeVar("R", bound=Row)


class QueueFull(RuntimeError):
    """More rows are waiting than the engine may keep waiting."""


@dataclass(frozen=True)
class Room:
    """What one batch may hold. Its rows are as long as its longest: `tokens` is rows times that length."""

    rows: int
    tokens: int
    adapters: int


@dataclass
class _Lane(Generic[R]):
    served: int
    rows: deque[R] = field(default_factory=deque)


class Waiting(Generic[R]):
    """Not thread-safe: its owner holds a lock."""

    def __init__(self, most_rows: int) -> None:
        self.most_rows = most_rows
        self._lanes: dict[str, _Lane[R]] = {}
        self._now = 0

    def __len__(self) -> int:
        return sum(len(lane.rows) for lane in self._lanes.values())

    def add(self, rows: list[R]) -> None:
        """All of a request's rows or none. Raises QueueFull."""
        if len(self) + len(rows) > self.most_rows:
            self._drop_cancelled()
        if len(self) + len(rows) > self.most_rows:
            raise QueueFull(f"{len(self)} rows are waiting; at most {self.most_rows} may")
        for row in rows:
            self._lanes.setdefault(row.tenant_id, _Lane(self._now)).rows.append(row)

    def take(self, room: Room) -> list[R]:
        """The next batch, empty only if nobody waits: the first row always has room. Cancelled rows are dropped."""
        self._drop_cancelled()
        batch: list[R] = []
        adapters: set[str] = set()
        longest = 0
        passed_over: set[str] = set()
        while len(batch) < room.rows and (tenant := self._next_tenant(passed_over)) is not None:
            lane = self._lanes[tenant]
            row = lane.rows[0]
            wanted = adapters | {row.adapter_digest} if row.adapter_digest else adapters
            length = max(longest, row.tokens)
            if batch and (len(wanted) > room.adapters or (len(batch) + 1) * length > room.tokens):
                passed_over.add(tenant)
                continue
            adapters, longest = wanted, length
            batch.append(lane.rows.popleft())
            self._now = max(self._now, lane.served)  # one passed over until now may lag behind the present
            lane.served += row.tokens
        self._forget_idle()
        return batch

    def drain(self) -> list[R]:
        """Everything that waits, for an engine that stops."""
        rows = [row for lane in self._lanes.values() for row in lane.rows]
        self._lanes.clear()
        return rows

    def _next_tenant(self, passed_over: set[str]) -> str | None:
        waiting = [tenant for tenant, lane in self._lanes.items() if lane.rows and tenant not in passed_over]
        return min(waiting, key=lambda tenant: self._lanes[tenant].served, default=None)

    def _drop_cancelled(self) -> None:
        for lane in self._lanes.values():
            lane.rows = deque(row for row in lane.rows if not row.is_cancelled)
        self._forget_idle()

    def _forget_idle(self) -> None:
        """An idle tenant is remembered while its debt lasts, and nobody once the queue is empty."""
        if len(self):
            self._lanes = {name: lane for name, lane in self._lanes.items() if lane.rows or lane.served > self._now}
        else:
            self._lanes.clear()

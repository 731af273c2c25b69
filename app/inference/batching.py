"""Who is served next: a bounded queue of rows, first come first served within a tenant, fair between tenants. No torch.

A tenant's virtual time is the number of rows it was given; the tenant that is furthest behind goes next, and one that
comes back from idling starts at the present, not with credit for its absence.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Row(Protocol):
    """A passage to be rewritten once."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def adapter_digest(self) -> str | None: ...
    @property
    def is_cancelled(self) -> bool: ...


R = TypeVar("R", bound=Row)


class QueueFull(RuntimeError):
    """More rows are waiting than the engine may keep waiting."""


@dataclass
class _Lane(Generic[R]):
    served: float = 0.0
    rows: deque[R] = field(default_factory=deque)


class Waiting(Generic[R]):
    def __init__(self, most_rows: int) -> None:
        self.most_rows = most_rows
        self._lanes: dict[str, _Lane[R]] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return sum(len(lane.rows) for lane in self._lanes.values())

    def add(self, rows: list[R]) -> None:
        """All of a request's rows or none. Raises QueueFull; a request larger than the queue fits an empty one."""
        if len(self) and len(self) + len(rows) > self.most_rows:
            raise QueueFull(f"{len(self)} rows are waiting; at most {self.most_rows} may")
        for row in rows:
            lane = self._lanes.setdefault(row.tenant_id, _Lane(self._now))
            lane.rows.append(row)

    def take(self, most_rows: int, most_adapters: int) -> list[R]:
        """The next batch: at most so many rows of at most so many different adapters; cancelled rows are dropped."""
        batch: list[R] = []
        adapters: set[str] = set()
        full: set[str] = set()
        while len(batch) < most_rows:
            tenant = self._next_tenant(full)
            if tenant is None:
                break
            lane = self._lanes[tenant]
            row = lane.rows[0]
            if row.is_cancelled:
                lane.rows.popleft()
                continue
            digest = row.adapter_digest
            if digest is not None and digest not in adapters and len(adapters) == most_adapters:
                full.add(tenant)
                continue
            if digest is not None:
                adapters.add(digest)
            batch.append(lane.rows.popleft())
            self._now = lane.served
            lane.served += 1
        self._lanes = {tenant: lane for tenant, lane in self._lanes.items() if lane.rows}
        return batch

    def _next_tenant(self, full: set[str]) -> str | None:
        waiting = [tenant for tenant, lane in self._lanes.items() if lane.rows and tenant not in full]
        return min(waiting, key=lambda tenant: self._lanes[tenant].served, default=None)

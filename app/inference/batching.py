"""Who is served next: a bounded queue of rows, first come first served within a tenant, fair between tenants. No torch.

A tenant's virtual time is the number of tokens it was given room for; the tenant that is furthest behind goes next, and
one that comes back from idling starts at the present, not with credit for its absence.

Some rows may turn out not to be needed: further candidates of a passage, should the first be good. They share a batch
that is small anyway, where they cost little and save a second one; else they wait until it is known.
"""

from collections import deque
from collections.abc import Callable
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
    def is_due(self) -> bool: ...
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
    eager_rows: int = 0
    """Up to so many rows it is filled with rows that are not due yet."""


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
        passed_over: set[str] = set()
        for is_due, most_rows in ((True, room.rows), (False, min(room.rows, max(1, room.eager_rows)))):
            queues = {
                name: deque(row for row in lane.rows if row.is_due == is_due) for name, lane in self._lanes.items()
            }
            self._fill(batch, queues, passed_over, room, most_rows)
        taken = set(map(id, batch))
        self._keep(lambda row: id(row) not in taken)
        return batch

    def drain(self) -> list[R]:
        """Everything that waits, for an engine that stops."""
        rows = [row for lane in self._lanes.values() for row in lane.rows]
        self._lanes.clear()
        return rows

    def _fill(
        self, batch: list[R], queues: dict[str, deque[R]], passed_over: set[str], room: Room, most_rows: int
    ) -> None:
        adapters = {row.adapter_digest for row in batch} - {None}
        longest = max((row.tokens for row in batch), default=0)
        while len(batch) < most_rows and (tenant := self._next_tenant(queues, passed_over)) is not None:
            row, lane = queues[tenant][0], self._lanes[tenant]
            wanted = adapters | {row.adapter_digest} - {None}
            length = max(longest, row.tokens)
            if batch and (len(wanted) > room.adapters or (len(batch) + 1) * length > room.tokens):
                passed_over.add(tenant)
                continue
            adapters, longest = wanted, length
            batch.append(queues[tenant].popleft())
            self._now = max(self._now, lane.served)  # one passed over until now may lag behind the present
            lane.served += row.tokens

    def _next_tenant(self, queues: dict[str, deque[R]], passed_over: set[str]) -> str | None:
        waiting = (tenant for tenant, rows in queues.items() if rows and tenant not in passed_over)
        return min(waiting, key=lambda tenant: self._lanes[tenant].served, default=None)

    def _drop_cancelled(self) -> None:
        self._keep(lambda row: not row.is_cancelled)

    def _keep(self, is_kept: Callable[[R], bool]) -> None:
        for lane in self._lanes.values():
            lane.rows = deque(filter(is_kept, lane.rows))
        self._forget_idle()

    def _forget_idle(self) -> None:
        """An idle tenant is remembered while its debt lasts, and nobody once the queue is empty."""
        if len(self):
            self._lanes = {name: lane for name, lane in self._lanes.items() if lane.rows or lane.served > self._now}
        else:
            self._lanes.clear()

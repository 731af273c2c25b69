"""Who is served next: a bounded queue of rows, fair between tenants and between the people of a tenant. No torch.

A tenant's virtual time is the number of tokens it was given room for, less those it ended without; the tenant that is
furthest behind goes next, and within it the person who is. Whoever comes back from idling starts at the present, not
with credit for the absence. A person's rows are served in the order they came.

Some rows may turn out not to be needed: further candidates of a passage, should the first be good. They come along with
the first where there is room, since they share its prompt; else they wait until it is known.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

PATIENCE: Final = 8
"""So often a row that finds no room is overtaken by smaller ones before everybody waits for it."""

KEPT_SHARE: Final = 8
"""A tenant that waits for no more than this part of the queue is let in though others have filled it …"""
MOST_BEYOND: Final = 2
"""… until it is so many times as long as it should be."""
MOST_SPARE: Final = 8
"""With candidates that nobody may need after all a queue may be so many times as long: they take memory, no turns."""


class Row(Protocol):
    """A passage to be written once."""

    @property
    def tenant_id(self) -> str: ...
    @property
    def user_key(self) -> str: ...
    @property
    def speaker(self) -> Hashable:
        """Who needs a slot for it; None: the base, which needs none."""
        ...

    @property
    def prompt_key(self) -> Hashable: ...
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
    """What is written at once. Its rows are as long as its longest: `tokens` is rows times that length."""

    rows: int
    tokens: int
    speakers: int
    eager_rows: int = 0
    """Up to so many rows it is filled with rows that are not due yet."""

    def takes(self, row: Row, beside: Sequence[Row]) -> bool:
        """Whether there is room for one more. The first always has it."""
        speakers = {other.speaker for other in (*beside, row)} - {None}
        longest = max(other.tokens for other in (*beside, row))
        return not beside or (len(speakers) <= self.speakers and (len(beside) + 1) * longest <= self.tokens)


@dataclass
class _Lane(Generic[R]):
    """What a tenant, or one of its people, waits for and how much it has had."""

    served: int
    rows: deque[R] = field(default_factory=deque)
    people: "dict[str, _Lane[R]]" = field(default_factory=dict)
    now: int = 0
    """Virtual time among its people."""
    overtaken: int = 0


def _is_crowded(there: Sequence[Row], new: Sequence[Row], most: int) -> bool:
    """Whether one tenant's new rows are too many beside those that are there."""
    if not new or len(there) + len(new) <= most:
        return False
    theirs = len(new) + sum(row.tenant_id == new[0].tenant_id for row in there)
    return theirs > most // KEPT_SHARE or len(there) + len(new) > MOST_BEYOND * most


class Waiting(Generic[R]):
    """Not thread-safe: its owner holds a lock."""

    def __init__(self, most_rows: int) -> None:
        self.most_rows = most_rows
        self._tenants: dict[str, _Lane[R]] = {}
        self._now = 0

    def __len__(self) -> int:
        return sum(len(lane.rows) for _, lane in self._lanes())

    def add(self, rows: list[R]) -> None:
        """All of a request's rows or none. Raises QueueFull.

        A queue that others filled is not full for a tenant with few rows in it: whoever asks most would have it alone.
        """
        if self._crowd_for(rows):
            self._drop_cancelled()
        if crowd := self._crowd_for(rows):
            raise QueueFull(crowd)
        for row in rows:
            tenant = self._tenants.setdefault(row.tenant_id, _Lane(self._now))
            tenant.people.setdefault(row.user_key, _Lane(tenant.now)).rows.append(row)

    def take(self, room: Room, running: Sequence[R] = ()) -> list[R]:
        """Who joins those that are running; empty only if nobody waits or has room. Cancelled rows are dropped."""
        self._drop_cancelled()
        taken: list[R] = []
        self._take(taken, room, room.rows, running, lambda row: row.is_due)
        prompts, is_idle = {row.prompt_key for row in taken}, not (taken or running)
        self._take(
            taken,
            room,
            min(room.rows, max(1, room.eager_rows)),
            running,
            lambda row: not row.is_due and (is_idle or row.prompt_key in prompts),
        )
        gone = set(map(id, taken))
        self._keep(lambda row: id(row) not in gone)
        return taken

    def give_back(self, row: R, tokens: int) -> None:
        """Of the room that it was given, a row that ends has not used so many."""
        if tenant := self._tenants.get(row.tenant_id):
            tenant.served -= tokens
            if lane := tenant.people.get(row.user_key):
                lane.served -= tokens

    def drain(self) -> list[R]:
        """Everything that waits, for an engine that stops."""
        rows = [row for _, lane in self._lanes() for row in lane.rows]
        self._tenants.clear()
        return rows

    def _take(
        self, taken: list[R], room: Room, most_rows: int, running: Sequence[R], is_wanted: Callable[[R], bool]
    ) -> None:
        queues = [(tenant, lane, deque(filter(is_wanted, lane.rows))) for tenant, lane in self._lanes()]
        overtaken: list[_Lane[R]] = []
        while len(running) + len(taken) < most_rows and (queues := [each for each in queues if each[2]]):
            tenant, lane, rows = next_one = min(queues, key=lambda each: (each[0].served, each[1].served))
            if not room.takes(rows[0], [*running, *taken]):
                if lane.overtaken >= PATIENCE:
                    return
                overtaken.append(lane)
                queues.remove(next_one)
                continue
            taken.append(row := rows.popleft())
            lane.overtaken = 0
            for other in overtaken:
                other.overtaken += 1
            # One that was overtaken until now may lag behind the present.
            self._now, tenant.now = max(self._now, tenant.served), max(tenant.now, lane.served)
            tenant.served += row.tokens
            lane.served += row.tokens

    def _crowd_for(self, rows: Sequence[R]) -> str:
        """Why there is no place for a request's rows; empty if there is. Only those that are due take places."""
        if len(self) + len(rows) <= self.most_rows:
            return ""
        waiting = [row for _, lane in self._lanes() for row in lane.rows]
        due, joining = ([row for row in each if row.is_due] for each in (waiting, rows))
        for there, new, most in ((due, joining, self.most_rows), (waiting, rows, MOST_SPARE * self.most_rows)):
            if _is_crowded(there, new, most):
                return f"{len(there)} rows are waiting; at most {most} may"
        return ""

    def _lanes(self) -> list[tuple[_Lane[R], _Lane[R]]]:
        """Every tenant and person known."""
        return [(tenant, lane) for tenant in self._tenants.values() for lane in tenant.people.values()]

    def _drop_cancelled(self) -> None:
        self._keep(lambda row: not row.is_cancelled)

    def _keep(self, is_kept: Callable[[R], bool]) -> None:
        for _, lane in self._lanes():
            lane.rows = deque(filter(is_kept, lane.rows))
        self._forget_idle()

    def _forget_idle(self) -> None:
        """An idle tenant or person is remembered while its debt lasts, and nobody once the queue is empty."""
        if not len(self):
            self._tenants.clear()
            return
        for tenant in self._tenants.values():
            tenant.people = {
                name: lane for name, lane in tenant.people.items() if lane.rows or lane.served > tenant.now
            }
        self._tenants = {
            name: tenant
            for name, tenant in self._tenants.items()
            if any(lane.rows for lane in tenant.people.values()) or tenant.served > self._now
        }

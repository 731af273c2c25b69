"""What an operator sees of a person's satisfaction: how it went, what the scorer believes they like, when that changed.

Everything here was written down by a worker when it listened (`app.feedback.listening`); nothing is computed by torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.feedback import repository
from app.learning.satisfaction.beliefs import Belief, changes, settled
from app.learning.satisfaction.traces import weight
from app.models import Feedback, Scorer, Trace
from app.users import service as users

REACTIONS_SHOWN: Final = 200
VERSIONS_READ: Final = 500
LATELY: Final = 10
"""Reactions, or versions, that speak for the present."""


@dataclass(frozen=True)
class Weighed:
    """A trace as it counts now."""

    trace: Trace
    age: int
    """Reactions since."""
    weight: float


@dataclass(frozen=True)
class Turn:
    """A change of what the scorer believes."""

    at: datetime
    version: int
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Tracked:
    reactions: Sequence[tuple[Feedback, int | None]]
    """The newest scored feedback with the adapter version it is about, oldest first."""
    left_out: dict[str, int]
    """Messages that are no reaction to a text, by why not (`readable.SILENT`)."""
    lately: float | None
    """Mean satisfaction of the newest ten."""
    scorer: Scorer | None
    error: float | None
    """Mean |foretold - said| of the scorer's newest ten versions, on reactions it had not learned from."""
    guess: float | None
    """The same for always saying the mean of what was said before: what `error` has to beat."""
    likes: list[Belief]
    """What the newest version believes and those before it did, the strongest first."""
    turns: list[Turn]
    """Newest first."""


def traces(session: Session, external_id: str, cursor: str | None, limit: int) -> tuple[list[Weighed], str | None]:
    """Newest first, and the cursor of the next page. Raises UnknownUser."""
    user = users.get(session, external_id)
    rows, following = repository.traces_page(session, user.id, cursor, limit)
    newest = repository.last_reply(session, user.id)
    return [Weighed(row, newest - row.reply, weight(row.confidence, newest - row.reply)) for row in rows], following


def tracked(session: Session, user_id: str) -> Tracked:
    """Of a person by their internal id."""
    reactions = repository.satisfactions(session, user_id, REACTIONS_SHOWN)
    versions = repository.scorers(session, user_id, VERSIONS_READ)
    history = [[Belief.read(report) for report in version.beliefs] for version in versions]
    return Tracked(
        reactions=reactions,
        left_out=repository.silent(session, user_id),
        lately=_mean([feedback.satisfaction for feedback, _ in reactions[-LATELY:]]),
        scorer=versions[-1] if versions else None,
        error=_mean([version.metrics.get("error") for version in versions[-LATELY:]]),
        guess=_mean([version.metrics.get("guess") for version in versions[-LATELY:]]),
        likes=settled(history),
        turns=[
            Turn(versions[change.at].created_at, versions[change.at].version, change.name, change.before, change.after)
            for change in changes(history)
        ][::-1],
    )


def foretells(seen: Tracked) -> bool:
    """Whether the person's scorer has lately foretold their reactions better than always saying their mean would."""
    return seen.error is not None and seen.guess is not None and seen.error < seen.guess


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None

"""What a running training sees of its job: ways to report, to save, to stop, to give way and to end.

No database here but the session in which it ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class JobSnapshot:
    """The job row as it was when it was claimed."""

    id: str
    tenant_id: str
    user_id: str
    recipe: str
    config: dict[str, Any]
    origin: str
    attempt: int
    retries: int = 0


class JobStopped(Exception):
    """The job must end now: its user cancelled it, or another worker holds the lease. Never a failure."""


class TrainingFailure(Exception):
    """A training cannot go on. The reason and remedy reach the user as they are."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True)
class TrainingOutcome:
    """What a finished training leaves in the job row."""

    version: int
    decision: str
    """The gate's: `promoted`, `rejected` or `undecided` (too little held-out text: the user decides)."""
    result: dict[str, Any] = field(default_factory=dict)
    is_superseded: bool = False
    """The gate would have it promoted, but somebody else promoted another version meanwhile."""

    @property
    def outcome(self) -> str:
        """What became of the version: the gate's decision, or `superseded`."""
        return "superseded" if self.is_superseded else self.decision


class JobContext(Protocol):
    job: JobSnapshot

    @property
    def folder(self) -> Path:
        """Where this job keeps its checkpoint; survives a crash, removed when the job ends for good."""
        ...

    def stage(self, name: str, progress: float) -> None:
        """Enter a stage (`curate`, `warm-start`, `reinforce`, `evaluate`, `publish`); progress of the job in [0, 1]."""
        ...

    def note(self, text: str, **data: Any) -> None:
        """A line for the job's event log. Never the person's own texts."""
        ...

    def sample(self, texts: list[str]) -> None:
        """Texts the policy wrote just now, so that people can watch a voice grow: in the stage and at the step that
        was reported last."""
        ...

    def metrics(self, stage: str, step: int, values: Mapping[str, float], progress: float) -> None: ...

    def give_way(self) -> None:
        """Call between micro-batches: waits while the engine serves, raises JobStopped if it is time to end."""
        ...

    def fence(self, session: Session) -> None:
        """Call last in a transaction that must count only while the job is held and wanted: else raises JobStopped,
        which rolls it back. The row is locked until the commit: nobody takes over or cancels the job in between."""
        ...

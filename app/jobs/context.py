"""What a running training sees of its job: ways to report, to save, to stop and to give way. No database here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


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
    """`promoted`, `rejected` (the gate said no) or `undecided` (too little held-out text: the user decides)."""
    result: dict[str, Any] = field(default_factory=dict)


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

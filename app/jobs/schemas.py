"""What callers say and hear about trainings."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.db import now
from app.learning.recipes import RECIPES, SECTIONS
from app.models import Job
from app.schemas import Body, View


class TrainingRequest(Body):
    recipe: Annotated[str, Field(max_length=40, description=", ".join(f"`{name}`" for name in RECIPES))] = "voice"
    config: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict,
            description=f"what to change of the recipe, by section: {', '.join(f'`{name}`' for name in SECTIONS)}",
            examples=[{"rl": {"steps": 40}, "reward": {"dropout": 0.3}, "lora": {"rank": 4}}],
        ),
    ]


class JobView(View):
    id: str
    user: str
    recipe: str
    config: dict[str, Any]
    origin: str
    """`api`, `admin`, or `feedback`: enough new feedback asked for it."""
    state: str
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    stage: str
    progress: Annotated[float, Field(ge=0, le=1)]
    attempt: int
    """How often a worker began it; more than one after a worker died."""
    cancel_requested: bool
    result: dict[str, Any]
    """Of a finished training: its `version`, the report of the `gate`, and what became of the version, its `outcome`:
    `promoted`, `rejected` or `undecided`, as the gate decided, or `superseded` if it would have been promoted but
    another was meanwhile, so that it waits as a candidate."""
    reason: str | None
    remedy: str | None
    seconds: float | None
    """From its first step to its end, or until now."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job, user: str) -> "JobView":
        copied = {name: getattr(job, name) for name in cls.model_fields.keys() - {"user", "seconds"}}
        ended = job.finished_at or now()
        seconds = (ended - job.started_at).total_seconds() if job.started_at else None
        return cls(user=user, seconds=seconds, **copied)


class Point(View):
    stage: str
    step: int
    name: str
    value: float


class Curves(View):
    """Every point of every curve, by stage, name and step."""

    items: list[Point]

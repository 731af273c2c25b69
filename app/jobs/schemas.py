"""What callers say and hear about trainings."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.db import now
from app.learning.recipes import RECIPES
from app.models import Job
from app.schemas import Body, View


class TrainingRequest(Body):
    recipe: Annotated[str, Field(max_length=40, description=", ".join(f"`{name}`" for name in RECIPES))] = "voice"
    config: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict,
            description="what to change of the recipe, by section",
            examples=[{"rl": {"steps": 40}, "reward": {"dropout": 0.3}}],
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
    """Of a finished training: `version`, the gate's `decision` (promoted, rejected, undecided) and its report, and the
    version's `outcome`: the same, or `superseded` if another was promoted meanwhile and it waits as a candidate."""
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

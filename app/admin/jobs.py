"""The page of one training: how far it is, its curves, what it writes, and how it ended."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from app.admin import repository
from app.admin.access import Everything, Poster, Viewer
from app.admin.rendering import PageRoute, done, page
from app.db import EVERY_TENANT, transaction
from app.errors import AppError
from app.jobs import service
from app.jobs.schemas import JobView
from app.learning.recipes import resolve
from app.learning.validation import InvalidConfig
from app.models import FINISHED, Job, JobMetric

CURVES: Final = (
    "nll", "accuracy", "reward", "satisfaction", "style", "meaning", "entities", "sentences", "fluency", "length",
    "additions",
)  # fmt: skip
STAGES: Final = ("curate", "warm-start", "prefer", "reinforce", "evaluate", "publish")
LINES_SHOWN: Final = 200

router = APIRouter(prefix="/admin/jobs/{job_id}", include_in_schema=False, route_class=PageRoute)


@router.get("")
def job(request: Request, session: Everything, job_id: str) -> Response:
    return shown(request, session, job_id)


@router.get("/metrics")
def metrics(session: Everything, job_id: str) -> dict[str, dict[str, list[float | None]]]:
    """Of each stage its steps and, aligned with them, every curve; null where a step has no point."""
    service.get(session, job_id)
    return curves(repository.points(session, job_id, CURVES))


@router.post("/cancel")
def cancel(request: Request, who: Poster, job_id: str) -> Response:
    try:
        with transaction(tenant_of_job(job_id)) as session:
            job = service.cancel(session, job_id)
    except AppError as problem:
        return show(request, job_id, problem)
    said = "It ends at its next step; the voice in use stays as it is."
    return done(f"/admin/jobs/{job_id}", "Cancelled." if job.state in FINISHED else said)


@router.post("/retry")
def retry(request: Request, who: Poster, job_id: str) -> Response:
    try:
        with transaction(tenant_of_job(job_id)) as session:
            service.retry(session, job_id)
    except AppError as problem:
        return show(request, job_id, problem)
    return done(f"/admin/jobs/{job_id}", "It begins again as soon as a worker is free.")


@router.get("/{action}")
def after_reload(who: Viewer, job_id: str, action: str) -> Response:
    """Whoever loads the address of a form again finds the page it stood on."""
    return RedirectResponse(f"/admin/jobs/{job_id}", 303)


def tenant_of_job(job_id: str) -> str:
    """Raises UnknownJob."""
    with transaction(EVERY_TENANT, read_only=True) as session:
        return service.get(session, job_id).tenant_id


def show(request: Request, job_id: str, problem: AppError) -> Response:
    """The page as it is now, with why what was asked for was not done. Raises UnknownJob."""
    with transaction(EVERY_TENANT, read_only=True) as session:
        return shown(request, session, job_id, problem)


def shown(request: Request, session: Session, job_id: str, problem: AppError | None = None) -> Response:
    job = service.get(session, job_id)
    events = repository.latest_events(session, job_id, LINES_SHOWN)
    return page(
        request,
        "job.html",
        problem=problem,
        person=repository.person(session, job.user_id),
        job=JobView.of(job, job.user_id),
        is_finished=job.state in FINISHED,
        stages=stages_of(job),
        events=events,
        last_event=events[0].id if events else 0,
    )


def stages_of(job: Job) -> list[str]:
    """The stages the job goes through; a recipe this version no longer knows may have had them all."""
    try:
        recipe = resolve(job.recipe, job.config, base_parameters=0)
    except InvalidConfig:
        return list(STAGES)
    skipped = {"warm-start": recipe.sft is None, "prefer": recipe.dpo is None, "reinforce": recipe.rl is None}
    return [stage for stage in STAGES if not skipped.get(stage)]


def curves(points: Sequence[JobMetric]) -> dict[str, dict[str, list[float | None]]]:
    """`{"reinforce": {"step": [1, 2], "reward": [.3, .4], "style": [None, .2]}}`."""
    values: dict[str, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for point in points:
        values[point.stage][point.step][point.name] = point.value
    return {
        stage: {
            "step": [float(step) for step in steps],
            **{
                name: [step.get(name) for step in steps.values()]
                for name in CURVES
                if any(name in step for step in steps.values())
            },
        }
        for stage, steps in values.items()
    }

"""Decides what may be trained, cancelled and tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from app.config import PACKAGED, get_settings
from app.db import now, transaction
from app.errors import Conflict, NotFound, Unprocessable
from app.feedback import corrections
from app.feedback import repository as feedback
from app.jobs import repository
from app.learning.recipes import SMALL_BASE_PARAMETERS, Recipe, most_rank, resolve
from app.learning.validation import InvalidConfig
from app.models import CANCELLED, FINISHED, QUEUED, Job, JobEvent, JobMetric, User
from app.queue import TRAIN, ring
from app.samples import repository as samples
from app.users import service as users

FEWEST_CORRECTIONS: Final = 4
"""Preferences learned from fewer are about these texts and nothing else."""


class UnknownJob(NotFound):
    type = "unknown-job"
    title = "There is no such job"


class InvalidTraining(Unprocessable):
    type = "invalid-training"
    title = "This training cannot be run"


class TooFewSamples(Unprocessable):
    type = "too-few-samples"
    title = "There is too little writing to learn from"


class TooFewCorrections(Unprocessable):
    type = "too-few-corrections"
    title = "There are too few corrections to learn from"


class NeverHeard(Unprocessable):
    type = "never-heard"
    title = "Too little is known of what the person likes"


class AlreadyTraining(Conflict):
    type = "already-training"
    title = "This person's voice is already being trained"


class JobFinished(Conflict):
    type = "job-finished"
    title = "The job has already ended"


class JobNotRetryable(Conflict):
    type = "job-not-retryable"
    title = "Only a failed or cancelled job can be retried"


def create(session: Session, user: User, recipe: str, config: dict[str, Any], origin: str = "api") -> Job:
    """Write the job down and ring for it.

    Raises InvalidTraining, TooFewSamples, TooFewCorrections, NeverHeard, AlreadyTraining.
    """
    try:
        asked = resolve(recipe, config, base_parameters=0)  # sizes change a recipe's defaults, never what is allowed
    except InvalidConfig as error:
        remedy = f"Correct or leave out {error.field}; what is left out takes the recipe's value."
        raise InvalidTraining(f"{error.field}: {error}", field=error.field, remedy=remedy) from error
    _check_rank(config)
    _check_detector(asked)
    needed, there = get_settings().min_training_samples, samples.count(session, user.id)
    if there < needed:
        raise TooFewSamples(
            f"{user.external_id} has {there} of at least {needed} samples",
            field="samples",
            remedy=f"Add {needed - there} more with POST /v1/users/{user.external_id}/samples; thirty make a voice.",
        )
    if asked.dpo:
        _check_corrections(session, user)
    if asked.pays_for_satisfaction and feedback.latest_scorer(session, user.id) is None:
        raise NeverHeard(
            f"{user.external_id} has not yet reacted to {get_settings().feedback_listen_every} rewrites",
            field="recipe",
            remedy="Send reactions with POST /v1/feedback; GET "
            f"/v1/users/{user.external_id}/satisfaction tells when enough was heard. Or choose a recipe that learns "
            "from samples alone.",
        )
    job = Job(tenant_id=user.tenant_id, user_id=user.id, recipe=recipe, config=config, origin=origin)
    try:
        repository.add(session, job)
    except repository.AlreadyActive as error:
        raise _already_training(session, user.id) from error
    except repository.PersonGone as error:
        raise users.UnknownUser(
            f"{user.external_id} was erased meanwhile", field="user", remedy="There is nobody left to train."
        ) from error
    repository.add_event(session, job, "state", {"state": QUEUED})
    ring(session, TRAIN, job_id=job.id)
    return job


def get(session: Session, job_id: str) -> Job:
    job = repository.get(session, job_id)
    if job is None:
        raise UnknownJob(
            f"there is no job {job_id}",
            field="job",
            remedy="List a person's jobs with GET /v1/users/{user}/training-jobs; they go when the person is erased.",
        )
    return job


def owner(session: Session, job: Job) -> str:
    """The tenant's own id of the person a job is for."""
    return repository.external_id(session, job.user_id)


def page(session: Session, user: User, cursor: str | None, limit: int) -> tuple[Sequence[Job], str | None]:
    """A user's jobs, newest first, and the cursor of the next page."""
    return repository.page(session, user.id, cursor, limit)


def metrics(session: Session, job_id: str) -> Sequence[JobMetric]:
    return repository.metrics_of(session, get(session, job_id).id)


def cancel(session: Session, job_id: str) -> Job:
    """A waiting job ends now, a running one at its next step. Raises JobFinished."""
    job = get(session, job_id)
    if repository.cancel_queued(session, job_id, now()):
        repository.add_event(session, job, "state", {"state": CANCELLED, "reason": repository.CANCELLED_ON_REQUEST})
    elif repository.request_cancel(session, job_id):
        repository.add_event(
            session, job, "note", {"text": "Cancellation requested; the training ends at its next step."}
        )
    else:
        raise JobFinished(f"job {job_id} has {job.state}", remedy="Nothing is left to cancel.")
    return get(session, job_id)


def retry(session: Session, job_id: str) -> Job:
    """Start a failed or cancelled job again, from its beginning; one whose version is published has only to decide.

    Raises JobNotRetryable, AlreadyTraining.
    """
    job = get(session, job_id)
    try:
        is_requeued = repository.requeue(session, job_id, now())
    except repository.AlreadyActive as error:
        raise _already_training(session, job.user_id) from error
    if not is_requeued:
        raise JobNotRetryable(
            f"job {job_id} is {job.state}", remedy="Wait for it to end, or create a new job for another training."
        )
    repository.forget_metrics(session, job_id)
    repository.add_event(session, job, "state", {"state": QUEUED})
    ring(session, TRAIN, job_id=job_id)
    return get(session, job_id)


def _check_rank(config: dict[str, Any]) -> None:
    """Of what was asked for itself: what a recipe asks for by itself is cut down to what there is.

    How large another base than the packaged one is, only the worker knows.
    """
    settings = get_settings()
    parameters = 0 if settings.base_model == PACKAGED else SMALL_BASE_PARAMETERS
    asked, most = config.get("lora", {}).get("rank") or 0, most_rank(settings.adapter_rank, parameters)
    if asked > most:
        raise InvalidTraining(
            f"config.lora.rank: the rank {asked} was asked for, and this server has room for {most}",
            field="config.lora.rank",
            remedy=f"Ask for at most {most}, or run web, engine and workers with IDIOLECT_ADAPTER_RANK={asked}.",
        )


def _check_detector(recipe: Recipe) -> None:
    if recipe.pays_for_humanity and get_settings().detector_model == PACKAGED:
        raise InvalidTraining(
            "config.reward.human: the packaged detector is not good enough to pay by on texts as short as a passage",
            field="config.reward.human",
            remedy="Set it to 0, or have the operator name a better detector in IDIOLECT_DETECTOR_MODEL.",
        )


def _check_corrections(session: Session, user: User) -> None:
    there = len(corrections.pairs(session, user.id))
    if there < FEWEST_CORRECTIONS:
        raise TooFewCorrections(
            f"{user.external_id} has corrected {there} of at least {FEWEST_CORRECTIONS} rewrites",
            field="recipe",
            remedy=f"Send {FEWEST_CORRECTIONS - there} more with POST /v1/feedback: what the person made of a rewrite, "
            "as `edited_text`. Or choose a recipe that learns from samples alone.",
        )


def _already_training(session: Session, user_id: str) -> AlreadyTraining:
    job = repository.active_of(session, user_id)
    name = job.id if job else "of another request"
    return AlreadyTraining(
        f"job {name} is active for this user",
        remedy=f"Follow GET /v1/jobs/{name} until it ends, or POST /v1/jobs/{name}/cancel first.",
    )


@dataclass(frozen=True)
class News:
    job: Job
    events: Sequence[JobEvent]

    @property
    def is_last(self) -> bool:
        return self.job.state in FINISHED and not self.events


def news(tenant_id: str, job_id: str, after: int, limit: int = 200) -> News:
    """The job and what its log says after this event, in a transaction of its own. Raises NotFound."""
    with transaction(tenant_id, read_only=True) as session:
        return News(get(session, job_id), repository.events_after(session, job_id, after, limit))

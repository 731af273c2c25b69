"""What nobody may depend on a message for: run every few seconds, it finds what was left lying and rings again."""

import logging
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.adapters import service as adapters
from app.config import get_settings
from app.db import EVERY_TENANT, now, transaction
from app.feedback import service as feedback
from app.feedback.tracking import foretells, tracked
from app.jobs import repository, service
from app.jobs.failures import died_too_often
from app.jobs.lease import checkpoint_folder
from app.learning.recipes import SATISFACTION_WEIGHT
from app.log import where
from app.models import CANCELLED, FAILED, QUEUED, STARTED_BY_FEEDBACK, Job
from app.queue import LISTEN, SCORE_FEEDBACK, SCORE_REWRITE, TRAIN, ring
from app.users.service import UnknownUser

log = logging.getLogger(__name__)

SILENT_AFTER: Final = timedelta(seconds=60)
"""A queued job rung for this long ago may have lost its message, or be stuck behind a long training."""
UNSCORED_AFTER: Final = timedelta(seconds=20)
GIVE_UP_AFTER: Final = timedelta(days=1)
"""What could not be scored in this time will not be."""
RING_AGAIN_AFTER: Final = timedelta(minutes=3)
AT_ONCE: Final = 50
PAUSE: Final = timedelta(hours=1)
DOUBLINGS: Final = 5
"""A day and a third is the longest pause."""
TOLD: Final[tuple[str, ...]] = ("state", "reason", "remedy")

ORPHANS: Final = "orphans"
"""Remembered among the ids of rows, none of which looks like it."""

_rung: dict[str, datetime] = {}


def sweep() -> None:
    """Each part by itself: what goes wrong in one keeps no other from its work, nor from the next sweep."""
    parts: Sequence[Callable[[], object]] = (
        recover_jobs,
        ring_for_waiting_jobs,
        ring_for_scores,
        ring_for_listening,
        train_from_feedback,
        discard_checkpoints,
        discard_orphans,
    )
    for part in parts:
        try:
            part()
        except Exception as error:
            log.error("a part of the sweep failed: %s", where(error))


def recover_jobs() -> None:
    """Jobs whose worker died wait again, unless they were cancelled meanwhile or killed too many workers."""
    with transaction(EVERY_TENANT, read_only=True) as session:
        expired = repository.expired(session, now())
    for job in expired:
        values = _fate(job)
        with transaction(job.tenant_id) as session:
            if not repository.release(session, job, now(), values):
                continue
            repository.add_event(session, job, "state", {key: values[key] for key in TOLD if key in values})
            log.warning("job %s: its worker died in attempt %d, now %s", job.id, job.attempt, values["state"])
            if values["state"] == QUEUED:
                ring(session, TRAIN, job_id=job.id)


def _fate(job: Job) -> dict[str, Any]:
    if job.cancel_requested:
        return {"state": CANCELLED, "reason": repository.CANCELLED_ON_REQUEST, "finished_at": now()}
    if job.attempt >= get_settings().job_max_attempts:
        failure = died_too_often(job.attempt)
        return {"state": FAILED, "reason": failure.reason, "remedy": failure.remedy, "finished_at": now()}
    return {"state": QUEUED, "stage": "waiting", "published_at": now()}


def ring_for_waiting_jobs() -> None:
    with transaction(EVERY_TENANT, read_only=True) as session:
        waiting = repository.silent(session, now() - SILENT_AFTER)
    for job in waiting:
        with transaction(job.tenant_id) as session:
            if job.cancel_requested:  # cancelled in the moment in which its worker handed it back
                service.cancel(session, job.id)
            elif repository.mark_rung(session, job.id, now()):
                ring(session, TRAIN, job_id=job.id)


def ring_for_scores() -> None:
    """Newest first, so that a row that can never be scored keeps nobody waiting.

    Once in a while for each: a queue that is long already must not grow with every sweep.
    """
    span = (now() - GIVE_UP_AFTER, now() - UNSCORED_AFTER)
    with transaction(EVERY_TENANT, read_only=True) as session:
        for rewrite_id in filter(_is_due, repository.unscored_rewrites(session, *span, AT_ONCE)):
            ring(session, SCORE_REWRITE, rewrite_id=rewrite_id)
        for feedback_id in filter(_is_due, repository.unscored_feedback(session, *span, AT_ONCE)):
            ring(session, SCORE_FEEDBACK, feedback_id=feedback_id)


def ring_for_listening() -> None:
    with transaction(EVERY_TENANT, read_only=True) as session:
        for user_id in filter(_is_due, feedback.people_to_hear(session, get_settings().feedback_listen_every)):
            ring(session, LISTEN, user_id=user_id)


def _is_due(row_id: str) -> bool:
    """False for what this process has rung for lately."""
    lately = now() - RING_AGAIN_AFTER
    for old in [name for name, at in _rung.items() if at < lately]:
        del _rung[old]
    if row_id in _rung:
        return False
    _rung[row_id] = now()
    return True


def train_from_feedback() -> None:
    """Closes the loop: whoever has said enough new about their rewrites, and has been silent since, is trained.

    As `voice`, the recipe that was vetted. It is also paid for what their reactions have taught, as much as
    `trace_bias` is, once their scorer foretells new reactions better than their mean does: before, it would be paid for
    noise. Either way the gate decides what speaks.
    """
    settings = get_settings()
    quiet_since = now() - timedelta(seconds=settings.feedback_quiet_s)
    with transaction(EVERY_TENANT, read_only=True) as session:
        people = repository.people_with_news(session, settings.feedback_min_new, quiet_since)
    for user in people:
        try:
            with transaction(user.tenant_id) as session:
                if _is_paused(repository.setbacks(session, user.id)):
                    continue
                knows = foretells(tracked(session, user.id))
                config = {"reward": {"satisfaction": SATISFACTION_WEIGHT}} if knows else {}
                job = service.create(session, user, "voice", config, origin=STARTED_BY_FEEDBACK)
            log.info("job %s: enough new feedback", job.id)
        except (service.TooFewSamples, service.AlreadyTraining, UnknownUser) as reason:
            log.debug("feedback of user %s starts no training: %s", user.id, reason)


def _is_paused(setbacks: Sequence[datetime]) -> bool:
    """After a training that failed or was cancelled the next waits an hour, after each further one twice as long."""
    if not setbacks:
        return False
    pause: timedelta = PAUSE * 2 ** min(len(setbacks) - 1, DOUBLINGS)
    return now() < setbacks[-1] + pause


def discard_orphans() -> None:
    """Of a bucket once in a while: listing one takes requests that are paid for."""
    if get_settings().bucket is None or _is_due(ORPHANS):
        adapters.discard_orphans()


def discard_checkpoints() -> None:
    """Folders of jobs that ended without their worker, were begun again, or were erased with their user.

    The folders are listed before the jobs are asked for: what is not needed then never will be.
    """
    root = get_settings().storage_root / "checkpoints"
    folders = [folder for folder in root.iterdir() if folder.is_dir()] if root.is_dir() else []
    if folders:
        with transaction(EVERY_TENANT, read_only=True) as session:
            needed = {checkpoint_folder(get_settings(), job) for job in repository.active(session)}
        for folder in folders:
            if folder not in needed:
                shutil.rmtree(folder, ignore_errors=True)

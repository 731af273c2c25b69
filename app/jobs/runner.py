"""Runs one training: claims its row, gives the trainer a context on that row, writes down how it ended."""

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

from sqlalchemy.orm import Session

from app.config import Settings, get_settings
from app.db import now
from app.inference.memory import give_back
from app.jobs import repository
from app.jobs.context import JobContext, JobStopped, TrainingOutcome
from app.jobs.courtesy import Courtesy
from app.jobs.failures import explain
from app.jobs.lease import Lease, checkpoint_folder, claim, plain
from app.log import where
from app.models import CANCELLED, FAILED, QUEUED, SUCCEEDED

log = logging.getLogger(__name__)

Trainer = Callable[[JobContext], TrainingOutcome]

AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""As the time of the last ring: the next sweep rings again."""

worker_is_stopping = threading.Event()
"""Set when this process was told to end: a training hands its job back at its next step, to be resumed elsewhere."""


def run_training(job_id: str, train: Trainer | None = None) -> None:
    """Run the job if it is free, from its checkpoint if it has one; a duplicate message returns at once.

    Whatever the trainer raises ends in the row with a reason and a remedy; the adapter in use stays as it is.
    """
    settings = get_settings()
    if worker_is_stopping.is_set():
        return
    lease = claim(job_id, settings)
    if lease is None:
        log.info("job %s: nothing to do", job_id)
        return
    log.info("job %s: attempt %d", job_id, lease.job.attempt)
    with lease:
        _run(lease, settings, train or _trainer)


def _trainer(context: JobContext) -> TrainingOutcome:
    from app.jobs.training import train  # here, because it imports torch

    return train(context)


def _run(lease: Lease, settings: Settings, train: Trainer) -> None:
    folder = checkpoint_folder(settings, lease.job)
    try:
        with Courtesy(settings) as courtesy:
            outcome = train(RowContext(lease, folder, courtesy))
    except JobStopped:
        if lease.is_lost.is_set():
            log.warning("job %s: another worker holds it now", lease.job.id)
        elif lease.is_cancelled.is_set():
            _end(lease, folder, {"state": CANCELLED, "reason": repository.CANCELLED_ON_REQUEST})
        else:
            # Being stopped is no fault of the job: the attempt does not count.
            lease.close(
                {"state": QUEUED, "stage": "waiting", "attempt": lease.job.attempt - 1, "published_at": AT_ONCE}
            )
    except Exception as error:
        log.error("job %s failed: %s", lease.job.id, where(error))
        failure = explain(error, settings.storage_root, lease.job.id)
        _end(lease, folder, {"state": FAILED, "reason": failure.reason, "remedy": failure.remedy})
    else:
        named = {"version": outcome.version, "outcome": outcome.outcome}
        result = plain({**outcome.result, **named})
        _end(lease, folder, {"state": SUCCEEDED, "stage": "done", "progress": 1.0, "result": result})
    give_back()  # a gigabyte, else on top of what the next training needs


def _end(lease: Lease, folder: Path, columns: dict[str, Any]) -> None:
    told = {name: columns[name] for name in ("reason", "remedy", "result") if name in columns}
    if lease.close({**columns, "finished_at": now()}, **told):
        shutil.rmtree(folder, ignore_errors=True)
        log.info("job %s: %s", lease.job.id, columns["state"])


class RowContext:
    """The job as its trainer sees it (`JobContext`), kept in the job's row."""

    def __init__(self, lease: Lease, folder: Path, courtesy: Courtesy) -> None:
        self.job = lease.job
        self._lease = lease
        self._folder = folder
        self._courtesy = courtesy
        self._waited_s = 0.0
        self._stage: str | None = None
        self._step: int | None = None

    @property
    def folder(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def stage(self, name: str, progress: float) -> None:
        self._stage, self._step = name, None
        self._lease.report(
            {"stage": name, "progress": progress}, event=("stage", {"stage": name, "progress": progress})
        )

    def note(self, text: str, **data: Any) -> None:
        self._lease.report(event=("note", {"text": text, **data}))

    def sample(self, texts: list[str]) -> None:
        self._lease.report(event=("sample", {"texts": texts, "stage": self._stage, "step": self._step}))

    def metrics(self, stage: str, step: int, values: Mapping[str, float], progress: float) -> None:
        """Also writes `waited_s`: the seconds this step gave way to requests."""
        self._stage, self._step = stage, step
        values = {**values, "waited_s": self._waited_s}
        self._waited_s = 0.0
        self._lease.report({"progress": progress}, metrics={(stage, step, name): v for name, v in values.items()})

    def give_way(self) -> None:
        started = monotonic()
        try:
            self._courtesy.wait(self._check)
        finally:
            self._waited_s += monotonic() - started

    def fence(self, session: Session) -> None:
        self._lease.fence(session)

    def _check(self) -> None:
        if self._lease.is_lost.is_set() or self._lease.is_cancelled.is_set() or worker_is_stopping.is_set():
            raise JobStopped

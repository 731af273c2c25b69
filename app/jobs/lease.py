"""Holding a job: a claimed row, renewed and reported to by one background thread until it is ended or lost.

The training thread never waits for the database: what it reports is queued here and written in short transactions. Each
of them is fenced by the lease's owner, so a worker that was taken for dead cannot write over its successor.
"""

import logging
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy.orm import Session

from app.config import Settings
from app.db import EVERY_TENANT, now, transaction
from app.jobs import repository
from app.jobs.context import JobSnapshot, JobStopped
from app.log import where
from app.models import Job, JobEvent, JobMetric

log = logging.getLogger(__name__)

WRITE_EVERY_S = 0.5
CLOSING_TRIES = 3


@dataclass
class Reports:
    """What is waiting to be written, in the order it came; later values of a column or a point replace earlier ones."""

    columns: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    metrics: dict[tuple[str, int, str], float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.columns or self.events or self.metrics)

    def followed_by(self, later: "Reports") -> "Reports":
        return Reports(self.columns | later.columns, self.events + later.events, self.metrics | later.metrics)


def checkpoint_folder(settings: Settings, job: Job | JobSnapshot) -> Path:
    """Another one for each retry: what an earlier one has left, or still writes, is none of its business."""
    return settings.storage_root / "checkpoints" / f"{job.id}.{job.retries}"


def claim(job_id: str, settings: Settings) -> "Lease | None":
    """The lease of a job that waits or whose worker died; None if there is nothing to do: a duplicate message."""
    owner, when = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}", now()
    with transaction(EVERY_TENANT) as session:
        until = when + timedelta(seconds=settings.job_lease_s)
        job = repository.claim(session, job_id, owner, when, until, settings.job_max_attempts)
        if job is None:
            return None
        repository.add_event(session, job, "state", {"state": job.state, "attempt": job.attempt})
        snapshot = JobSnapshot(
            job.id, job.tenant_id, job.user_id, job.recipe, dict(job.config), job.origin, job.attempt, job.retries
        )
    return Lease(snapshot, owner, settings)


class Lease:
    """`with claim(...) as lease:` keeps it renewed. The flags are safe to read from any thread."""

    def __init__(self, job: JobSnapshot, owner: str, settings: Settings) -> None:
        self.job = job
        self.owner = owner
        self.is_lost = threading.Event()
        self.is_cancelled = threading.Event()
        self._settings = settings
        self._reports = Reports()
        self._guard = threading.Lock()
        self._end = threading.Event()
        self._renewed_at = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{job.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_keeping()

    def report(
        self,
        columns: Mapping[str, Any] | None = None,
        event: tuple[str, dict[str, Any]] | None = None,
        metrics: Mapping[tuple[str, int, str], float] | None = None,
    ) -> None:
        """Queue what row, log and curves should say. A point that is not finite is left out of its curve."""
        finite = {key: float(value) for key, value in (metrics or {}).items() if math.isfinite(value)}
        self._put(Reports(dict(columns or {}), [(event[0], plain(event[1]))] if event else [], finite))

    def close(self, columns: Mapping[str, Any], **told: Any) -> bool:
        """Write the last word about this attempt and let go of the row; False if another worker holds it now."""
        self._stop_keeping()
        self.report(
            {**columns, "lease_owner": None, "lease_until": None}, ("state", {"state": columns["state"], **told})
        )
        for attempt in range(CLOSING_TRIES):
            try:
                return self._write()
            except Exception as error:
                log.error("job %s: could not write how it ended: %s", self.job.id, where(error))
                time.sleep(attempt + 1)
        return False

    def fence(self, session: Session) -> None:
        """As `JobContext.fence` says."""
        if not repository.write_held(session, self.job.id, self.owner, {"heartbeat_at": now()}):
            self.is_lost.set()
        elif repository.is_cancel_requested(session, self.job.id, self.owner):
            self.is_cancelled.set()
        else:
            return
        raise JobStopped

    def _stop_keeping(self) -> None:
        self._end.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._end.wait(WRITE_EVERY_S) and not self.is_lost.is_set():
            try:
                self._tend()
            except Exception as error:  # a database that is down for a moment must not end a training
                log.error("job %s: could not renew its lease: %s", self.job.id, where(error))
            if time.monotonic() - self._renewed_at > self._settings.job_lease_s:
                self.is_lost.set()

    def _tend(self) -> None:
        is_due = time.monotonic() - self._renewed_at >= self._settings.job_heartbeat_s
        if is_due or self._reports:
            when = now()
            self._put(
                Reports({"lease_until": when + timedelta(seconds=self._settings.job_lease_s), "heartbeat_at": when})
            )
            if not self._write():
                return
        with transaction(self.job.tenant_id, read_only=True) as session:
            is_cancelled = repository.is_cancel_requested(session, self.job.id, self.owner)
        if is_cancelled is None:
            self.is_lost.set()
        elif is_cancelled:
            self.is_cancelled.set()

    def _put(self, later: Reports) -> None:
        with self._guard:
            self._reports = self._reports.followed_by(later)

    def _write(self) -> bool:
        with self._guard:
            reports, self._reports = self._reports, Reports()
        started = time.monotonic()
        try:
            is_held = self._write_held(reports)
        except BaseException:
            with self._guard:
                self._reports = reports.followed_by(self._reports)
            raise
        if is_held:
            self._renewed_at = started
        else:
            self.is_lost.set()
        return is_held

    def _write_held(self, reports: Reports) -> bool:
        keys = {"tenant_id": self.job.tenant_id, "job_id": self.job.id}
        points = [
            JobMetric(**keys, stage=stage, step=step, name=name, value=value)
            for (stage, step, name), value in reports.metrics.items()
        ]
        with transaction(self.job.tenant_id) as session:
            if not repository.write_held(session, self.job.id, self.owner, reports.columns):
                return False
            session.add_all(JobEvent(**keys, kind=kind, data=data) for kind, data in reports.events)
            repository.put_metrics(session, points)
        return True


def plain(value: Any) -> Any:
    """What JSON can hold and every database takes: no NaN or infinity, no tuples, no numbers of other libraries."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return plain(value.item()) if hasattr(value, "item") else str(value)

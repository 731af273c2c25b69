"""The last steps of a training: its version is published once and, if the gate said so, promoted.

A worker may be killed, or taken for dead, between any two of them. So a job has one version, which the database
guarantees; every transaction counts only while the job is held and wanted; and who takes over a job that has its
version already goes on from there.
"""

from typing import Any

from app.adapters import service as adapters
from app.config import get_settings
from app.db import transaction
from app.jobs.context import JobContext, TrainingOutcome
from app.jobs.patience import patiently
from app.models import Adapter
from app.storage import open_storage


def publish(
    context: JobContext, content: bytes, *, gate: dict[str, Any], metrics: dict[str, Any], **columns: Any
) -> TrainingOutcome:
    """Store the adapter and write its version down; `columns` are further ones of `adapters.service.publish`.

    Raises JobStopped if the job was lost or cancelled: nothing is left then or, if that came in between, a candidate.
    """
    storage = open_storage(get_settings())
    digest = patiently(context, "store the new version", lambda: storage.put(content))
    with transaction(context.job.tenant_id) as session:
        version = adapters.publish(
            session,
            user_id=context.job.user_id,
            digest=digest,
            size_bytes=len(content),
            job_id=context.job.id,
            gate=gate,
            metrics=metrics,
            **columns,
        )
        context.fence(session)
    return _decided(context, version)


def finished(context: JobContext) -> TrainingOutcome | None:
    """What comes of the version that an earlier attempt at this job has published; None if there is none."""
    with transaction(context.job.tenant_id, read_only=True) as session:
        version = adapters.of_job(session, context.job.id)
    return _decided(context, version) if version else None


def _decided(context: JobContext, version: Adapter) -> TrainingOutcome:
    decision = version.gate["decision"]
    is_superseded = decision == "promoted" and not _promoted(context, version)
    result = {"gate": version.gate, "metrics": version.metrics}
    return TrainingOutcome(version.version, decision, result, is_superseded)


def _promoted(context: JobContext, version: Adapter) -> bool:
    """In a transaction of its own: a pointer that somebody else moved meanwhile must not cost the trained version."""
    if version.promoted_at is not None:  # by an earlier attempt; what people did with it since is their decision
        return True
    try:
        with transaction(context.job.tenant_id) as session:
            adapters.promote(session, context.job.user_id, version.version, expected=version.parent_version)
            context.fence(session)
    except adapters.StalePointer:
        context.note("Another version was promoted during this training; this one waits as a candidate.")
        return False
    return True

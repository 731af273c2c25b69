"""However a training ends, the version in use keeps speaking; the person is told why, and nothing half-made stays."""

import errno
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from torch import Tensor

from app.adapters import service as adapters
from app.config import Settings
from app.db import now, transaction
from app.inference.policy import LoraPolicy
from app.jobs import service
from app.jobs.runner import run_training
from app.jobs.sweeper import recover_jobs
from app.models import FAILED, RUNNING, SUCCEEDED, Adapter, Job, StyleSample, User
from app.storage import LocalStorage

pytestmark = pytest.mark.slow

FEW_STEPS = {"sft": {"steps": 2, "batch_size": 2}}


@pytest.fixture
def max(settings: Settings, writer: Callable[..., User]) -> User:
    """Somebody whose first version speaks."""
    user = writer("max", 12)
    first = submitted(user)
    run_training(first.id)
    done = seen(first)
    assert done.state == SUCCEEDED, done.reason
    with transaction(user.tenant_id) as session:
        adapters.promote(session, user.id, done.result["version"], expected=None)
    return user


def submitted(user: User) -> Job:
    with transaction(user.tenant_id) as session:
        return service.create(session, user, "sft", FEW_STEPS)


def seen(job: Job) -> Job:
    with transaction(job.tenant_id, read_only=True) as session:
        return service.get(session, job.id)


def fill_the_disk(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def put(self: LocalStorage, content: bytes) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalStorage, "put", put)
    run_training(job.id)


def diverge(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    imitate = LoraPolicy.imitation_logprobs

    def broken(self: LoraPolicy, pairs: Any) -> tuple[Tensor, Tensor]:
        logprobs_B_T, mask_B_T = imitate(self, pairs)
        return logprobs_B_T * math.nan, mask_B_T

    monkeypatch.setattr(LoraPolicy, "imitation_logprobs", broken)
    run_training(job.id)


def lose_the_samples(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction(job.tenant_id) as session:
        session.query(StyleSample).filter_by(user_id=job.user_id).delete()
    run_training(job.id)


def die_once_too_often(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a killed worker leaves the row: running, its lease over, no attempt left."""
    with transaction(job.tenant_id) as session:
        row = service.get(session, job.id)
        row.state, row.attempt, row.lease_owner = RUNNING, 3, "a worker that is gone"
        row.lease_until = row.heartbeat_at = now() - timedelta(minutes=5)
    recover_jobs()


@pytest.mark.parametrize(
    ("end", "why", "remedy"),
    [
        (fill_the_disk, "The disk is full", "Free space"),
        (diverge, "became unstable", "smaller learning_rate"),
        (lose_the_samples, "0 different passages", "Add samples"),
        (die_once_too_often, "The worker died 3 times", "retry the job"),
    ],
    ids=["disk full", "NaN", "no samples", "killed"],
)
def test_the_version_in_use_keeps_speaking(
    max: User, settings: Settings, monkeypatch: pytest.MonkeyPatch, end: Callable[..., None], why: str, remedy: str
) -> None:
    with transaction(max.tenant_id, read_only=True) as session:
        before = adapters.active(session, max.id)
        assert before is not None
    job = submitted(max)
    with monkeypatch.context() as patch:
        end(job, patch)
    failed = seen(job)
    assert failed.state == FAILED
    assert why in failed.reason
    assert remedy in failed.remedy
    with transaction(max.tenant_id, read_only=True) as session:
        speaking = adapters.active(session, max.id)
        assert speaking is not None
        assert (speaking.version, speaking.digest) == (before.version, before.digest)
        assert session.query(Adapter).filter_by(user_id=max.id).count() == 1
    storage = LocalStorage(settings)
    assert storage.digests() == {before.digest}
    assert not list((settings.storage_root / "checkpoints").glob(f"{job.id}.*"))

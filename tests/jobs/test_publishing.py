"""One version a job, whoever is killed, suspended or cancelled between any two of its last steps."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.adapters import service as adapters
from app.config import Settings
from app.db import after_commit, now, transaction
from app.jobs import publishing, runner, sweeper
from app.jobs.context import JobContext, TrainingOutcome
from app.models import Adapter, Job, User
from app.storage import LocalStorage

PROMOTED = {"decision": "promoted", "checks": []}
REJECTED = {"decision": "rejected", "checks": []}


def trains(content: bytes = b"adapter", gate: dict[str, Any] = PROMOTED) -> runner.Trainer:
    """Ends as every training does; resumes as every training does."""

    def train(context: JobContext) -> TrainingOutcome:
        return publishing.finished(context) or publishing.publish(
            context, content, gate=gate, metrics={"style": 0.6}, base_digest="0" * 64, parent_version=None
        )

    return train


def versions_of(user: User) -> Sequence[Adapter]:
    with transaction(user.tenant_id, read_only=True) as session:
        return adapters.page(session, user, None, 10)[0]


def active_of(user: User) -> int | None:
    with transaction(user.tenant_id, read_only=True) as session:
        version = adapters.active(session, user.id)
        return version.version if version else None


def dies(desk: Any, job: Job) -> None:
    """Its worker is taken for dead, whether or not it renews its lease meanwhile."""
    while desk.row(job).state == "running":
        desk.change(job, lease_until=now() - timedelta(hours=1))
        sweeper.recover_jobs()


@pytest.mark.parametrize("gate", [PROMOTED, REJECTED], ids=["promoted", "rejected"])
def test_a_training_publishes_and_obeys_its_gate(desk: Any, ada: User, settings: Settings, gate: Any) -> None:
    job = desk.submit(ada)
    runner.run_training(job.id, trains(gate=gate))
    assert desk.row(job).result == {
        "version": 1, "outcome": gate["decision"], "gate": gate, "metrics": {"style": 0.6},
    }  # fmt: skip
    [version] = versions_of(ada)
    assert LocalStorage(settings).path(version.digest).read_bytes() == b"adapter"
    assert active_of(ada) == (1 if gate is PROMOTED else None)


DIES_BEFORE_ITS_LAST_WORD = """
import os, signal, sys
from app.jobs import runner
from app.jobs.lease import Lease
from tests.jobs.test_publishing import trains
Lease.close = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
runner.run_training(sys.argv[1], trains())
"""


def test_a_worker_killed_after_publishing_leaves_one_version_that_serves(desk: Any, ada: User) -> None:
    job = desk.submit(ada)
    command = [sys.executable, "-c", DIES_BEFORE_ITS_LAST_WORD, job.id]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -9
    assert (desk.row(job).state, active_of(ada)) == ("running", 1)
    dies(desk, job)
    runner.run_training(job.id)  # the server's own: were it to train, it would find nothing to learn from
    row = desk.row(job)
    assert (row.state, row.attempt) == ("succeeded", 2), row.reason
    assert (row.result["version"], row.result["outcome"]) == (1, "promoted")
    assert (len(versions_of(ada)), active_of(ada)) == (1, 1)


def interrupted(monkeypatch: pytest.MonkeyPatch, after_publishing: Callable[[], object]) -> None:
    """Have this happen between the transaction that publishes and the one that promotes."""
    publish = adapters.publish

    def then(session: Any, **columns: Any) -> Adapter:
        monkeypatch.setattr(adapters, "publish", publish)
        after_commit(session, after_publishing)
        return publish(session, **columns)

    monkeypatch.setattr(adapters, "publish", then)


def test_who_takes_over_promotes_what_was_published(desk: Any, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.submit(ada)
    interrupted(monkeypatch, lambda: dies(desk, job))
    runner.run_training(job.id, trains())
    assert (desk.row(job).state, active_of(ada)) == ("queued", None)
    runner.run_training(job.id, trains(b"other bytes"))
    assert (desk.row(job).result["outcome"], active_of(ada)) == ("promoted", 1)
    assert len(versions_of(ada)) == 1


def test_who_was_taken_for_dead_publishes_nothing(desk: Any, ada: User) -> None:
    job = desk.submit(ada)

    def suspended(context: JobContext) -> TrainingOutcome:
        dies(desk, job)
        return trains()(context)

    runner.run_training(job.id, suspended)
    assert versions_of(ada) == []
    assert desk.row(job).state == "queued"


def test_cancelling_before_the_last_steps_leaves_no_version(desk: Any, ada: User) -> None:
    job = desk.submit(ada)

    def cancelled(context: JobContext) -> TrainingOutcome:
        desk.cancel(job)
        return trains()(context)

    runner.run_training(job.id, cancelled)
    assert desk.row(job).state == "cancelled"
    assert versions_of(ada) == []


def test_cancelling_between_them_leaves_a_candidate(desk: Any, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = desk.submit(ada)
    interrupted(monkeypatch, lambda: desk.cancel(job))
    runner.run_training(job.id, trains())
    assert desk.row(job).state == "cancelled"
    assert ([version.promoted_at for version in versions_of(ada)], active_of(ada)) == ([None], None)


def test_the_gates_verdict_and_what_became_of_it_are_two_things(
    desk: Any, ada: User, monkeypatch: pytest.MonkeyPatch, make_adapter: Any
) -> None:
    job = desk.submit(ada)
    interrupted(monkeypatch, lambda: make_adapter(ada, b"of somebody faster", promote=True))
    runner.run_training(job.id, trains())
    result = desk.row(job).result
    assert (result["gate"]["decision"], result["outcome"]) == ("promoted", "superseded")
    assert (result["version"], active_of(ada)) == (1, 2)
    [note] = desk.events(job, "note")
    assert "waits as a candidate" in note["text"]

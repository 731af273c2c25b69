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
from app.jobs import patience, publishing, runner, sweeper
from app.jobs.context import JobContext, TrainingOutcome
from app.models import Adapter, Job, User
from app.storage import LocalStorage, StorageUnavailable

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


class Lost:
    """A storage that cannot be reached for the first few times."""

    def __init__(self, settings: Settings, times: int) -> None:
        self.storage, self.times = LocalStorage(settings), times

    def put(self, content: bytes) -> str:
        self.times -= 1
        if self.times >= 0:
            raise StorageUnavailable("the object storage cannot be reached (no connection)")
        return self.storage.put(content)


@pytest.fixture
def lost(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Lost:
    monkeypatch.setattr(patience, "WAITS_S", (0.01, 0.01))
    lost = Lost(settings, 2)
    monkeypatch.setattr(publishing, "open_storage", lambda _: lost)
    return lost


def test_a_training_waits_for_a_storage_that_is_out_of_reach(desk: Any, ada: User, lost: Lost) -> None:
    job = desk.submit(ada)
    runner.run_training(job.id, trains())
    assert desk.row(job).state == "succeeded"
    assert active_of(ada) == 1
    notes = [note["text"] for note in desk.events(job, "note")]
    assert notes == ["Waiting to store the new version: the object storage cannot be reached (no connection)."] * 2


def test_a_storage_that_stays_out_of_reach_ends_the_job_with_a_remedy(desk: Any, ada: User, lost: Lost) -> None:
    lost.times = 99
    job = desk.submit(ada)
    runner.run_training(job.id, trains())
    row = desk.row(job)
    assert row.state == "failed"
    assert "cannot be reached (no connection). The voice in use is unchanged" in row.reason
    assert "IDIOLECT_STORAGE_URL" in row.remedy
    assert versions_of(ada) == []


def test_a_training_that_waits_can_be_cancelled(
    desk: Any, ada: User, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost.times = 99
    monkeypatch.setattr(patience, "WAITS_S", (600,))
    job = desk.submit(ada)

    def train(context: JobContext) -> TrainingOutcome:
        desk.cancel(job)
        return trains()(context)

    runner.run_training(job.id, train)
    assert desk.row(job).state == "cancelled"


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

"""The life of a job on a real PostgreSQL, by a role that row-level security binds."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.config import Settings, get_settings
from app.db import get_engine, now
from app.jobs import runner, service, sweeper
from app.jobs.context import JobContext, TrainingOutcome
from app.jobs.lease import claim

pytestmark = pytest.mark.slow


@pytest.fixture
def database(settings: Settings, postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("IDIOLECT_DATABASE_URL", postgres_database)
    get_settings.cache_clear()
    yield postgres_database
    get_engine(get_settings().resolved_database_url).dispose()


def trains(context: JobContext) -> TrainingOutcome:
    for step in (1, 2):
        context.give_way()
        context.metrics("reinforce", step, {"reward": step / 2, "kl": float("nan")}, step / 2)
    return TrainingOutcome(1, "promoted", {"style": float("nan")})


def test_a_job_lives_and_dies_as_on_sqlite(desk: Any) -> None:
    ada, bob = desk.add_person("ada"), desk.add_person("bob")
    job = desk.submit(ada)
    with pytest.raises(service.AlreadyTraining):
        desk.submit(ada)
    with pytest.raises(service.UnknownJob):
        service.news(bob.tenant_id, job.id, 0)

    lease = claim(job.id, get_settings())
    desk.change(job, lease_until=now() - timedelta(hours=1))
    sweeper.sweep()
    with lease:
        assert not lease.close({"state": "succeeded"})
    runner.run_training(job.id, trains)

    row = desk.row(job)
    assert (row.state, row.attempt, row.result["style"]) == ("succeeded", 2, None)
    assert desk.curve(job, "reward") == {1: 0.5, 2: 1.0}
    assert [event["state"] for event in desk.events(job, "state")] == [
        "queued", "running", "queued", "running", "succeeded",
    ]  # fmt: skip


def test_of_many_who_claim_at_once_one_wins(desk: Any) -> None:
    job = desk.submit(desk.add_person("ada"))
    start, winners = threading.Barrier(8), []

    def try_it() -> None:
        start.wait()
        if claim(job.id, get_settings()) is not None:
            winners.append(threading.get_ident())

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    assert desk.row(job).attempt == 1


def test_of_many_who_ask_at_once_one_is_trained(desk: Any) -> None:
    ada = desk.add_person("ada")
    start, answers = threading.Barrier(6), []

    def ask() -> None:
        start.wait()
        try:
            answers.append(desk.submit(ada).state)
        except service.AlreadyTraining:
            answers.append("refused")

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["queued"] + ["refused"] * 5

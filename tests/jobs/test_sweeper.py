from datetime import timedelta
from typing import Any

import pytest

from app.config import Settings
from app.db import now, transaction
from app.jobs import repository, runner, service, sweeper
from app.jobs.context import TrainingOutcome
from app.jobs.lease import checkpoint_folder, claim
from app.learning.recipes import resolve
from app.models import Feedback, Job, Rewrite, Scorer, Trace, User

LONG_AGO = now() - timedelta(hours=1)


def dies(desk: Any, job: Job) -> None:
    """A worker claims the job and is never heard of again."""
    assert claim(job.id, runner.get_settings()) is not None
    desk.change(job, lease_until=LONG_AGO)


def rewrites(user: Any, count: int, **columns: Any) -> list[Rewrite]:
    values = {"text": "t", "outputs": ["o"], "base_digest": "b", "seed": 0} | columns
    rows = [Rewrite(tenant_id=user.tenant_id, user_id=user.id, **values) for _ in range(count)]
    with transaction(user.tenant_id) as session:
        session.add_all(rows)
    return rows


def says(user: Any, count: int, **columns: Any) -> list[Feedback]:
    [rewrite] = rewrites(user, 1, scored_at=now())
    values = {"text": "nice", "created_at": LONG_AGO, "satisfaction": 0.8, "scored_at": LONG_AGO} | columns
    rows = [Feedback(tenant_id=user.tenant_id, user_id=user.id, rewrite_id=rewrite.id, **values) for _ in range(count)]
    with transaction(user.tenant_id) as session:
        session.add_all(rows)
    return rows


def jobs_of(user: Any) -> list[Job]:
    with transaction(user.tenant_id, read_only=True) as session:
        return list(service.page(session, user, None, 10)[0])


def test_a_dead_workers_job_waits_again_and_is_rung(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    dies(desk, job)
    sweeper.recover_jobs()
    assert (desk.row(job).state, desk.row(job).lease_owner) == ("queued", None)
    assert desk.rung("jobs.train") == [{"job_id": job.id}] * 2
    runner.run_training(job.id, lambda context: TrainingOutcome(1, "promoted"))
    assert (desk.row(job).state, desk.row(job).attempt) == ("succeeded", 2)


def test_a_living_workers_job_is_left_alone(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    lease = claim(job.id, runner.get_settings())
    sweeper.sweep()
    assert desk.row(job).lease_owner == lease.owner
    assert len(desk.rung("jobs.train")) == 1


def test_a_job_that_kills_its_workers_fails_with_a_reason(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    for _ in range(3):
        dies(desk, job)
        sweeper.recover_jobs()
    row = desk.row(job)
    assert row.state == "failed"
    assert "died 3 times" in row.reason
    assert "retry" in row.remedy
    assert claim(job.id, runner.get_settings()) is None


def test_a_worker_that_wakes_up_cannot_take_its_job_back(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    lease = claim(job.id, runner.get_settings())
    desk.change(job, lease_until=LONG_AGO)
    sweeper.recover_jobs()
    with lease:
        assert not lease.close({"state": "succeeded"})
    assert desk.row(job).state == "queued"


def test_a_cancelled_job_whose_worker_died_is_cancelled(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    dies(desk, job)
    desk.cancel(job)
    sweeper.recover_jobs()
    assert desk.row(job).state == "cancelled"


def test_a_job_handed_back_while_it_was_cancelled_is_cancelled(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    desk.change(job, cancel_requested=True, published_at=runner.AT_ONCE)
    sweeper.ring_for_waiting_jobs()
    assert desk.row(job).state == "cancelled"


def test_the_bell_is_rung_again_only_for_jobs_silent_for_a_while(desk: Any, ada: Any) -> None:
    lost, fresh = desk.submit(ada), desk.submit(desk.add_person("bob"))
    desk.change(lost, published_at=LONG_AGO)
    sweeper.ring_for_waiting_jobs()
    sweeper.ring_for_waiting_jobs()
    assert desk.rung("jobs.train") == [{"job_id": lost.id}, {"job_id": fresh.id}, {"job_id": lost.id}]


def test_bells_do_not_pile_up_behind_a_busy_worker(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "RUNG_AT_ONCE", 2)
    jobs = [desk.submit(desk.add_person(name)) for name in "abcd"]
    desk.change(jobs[3], cancel_requested=True)
    for _ in range(3):
        for job in jobs:
            desk.change(job, published_at=LONG_AGO)
        sweeper.ring_for_waiting_jobs()
    assert desk.row(jobs[3]).state == "cancelled"
    again = [message["job_id"] for message in desk.rung("jobs.train")[len(jobs) :]]
    assert again == [jobs[0].id, jobs[1].id] * 3
    desk.change(jobs[0], state="running")
    sweeper.ring_for_waiting_jobs()
    assert desk.rung("jobs.train")[-1] == {"job_id": jobs[2].id}


def test_what_goes_wrong_in_one_part_keeps_no_other_from_its_work(
    desk: Any, ada: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def goes_wrong(*_: Any) -> None:
        raise service.JobFinished("a secret text", remedy="none")

    handed_back = desk.submit(desk.add_person("bob"))
    desk.change(handed_back, cancel_requested=True, published_at=LONG_AGO)
    monkeypatch.setattr(service, "cancel", goes_wrong)
    says(ada, 5)
    orphan = checkpoint_folder(settings, Job(id="erased", retries=0))
    orphan.mkdir(parents=True)
    sweeper.sweep()
    assert len(jobs_of(ada)) == 1
    assert not orphan.exists()
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "ring_for_waiting_jobs" in line
    assert "JobFinished" in line
    assert "secret" not in line


def test_a_long_queue_does_not_grow_with_every_sweep(desk: Any, ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    [waiting] = rewrites(ada, 1, created_at=now() - timedelta(minutes=1))
    for _ in range(3):
        sweeper.ring_for_scores()
    assert desk.rung("rewrites.score") == [{"rewrite_id": waiting.id}]
    later = now() + sweeper.RING_AGAIN_AFTER + timedelta(seconds=1)
    monkeypatch.setattr(sweeper, "now", lambda: later)
    sweeper.ring_for_scores()
    assert desk.rung("rewrites.score") == [{"rewrite_id": waiting.id}] * 2


def test_what_was_never_scored_is_rung_for_within_bounds(desk: Any, ada: Any) -> None:
    minute, week = now() - timedelta(minutes=1), now() - timedelta(days=7)
    rewrites(ada, 1)
    rewrites(ada, 1, created_at=week)
    rewrites(ada, 1, created_at=minute, scored_at=now())
    waiting = rewrites(ada, 60, created_at=minute)
    [unheard] = says(ada, 1, created_at=minute, scored_at=None, satisfaction=None)
    sweeper.ring_for_scores()
    newest_first = [{"rewrite_id": rewrite.id} for rewrite in reversed(waiting)]
    assert desk.rung("rewrites.score") == newest_first[:50]
    assert desk.rung("feedback.score") == [{"feedback_id": unheard.id}]


def test_reactions_nobody_listened_to_are_rung_for(desk: Any, ada: Any) -> None:
    def react(user: Any, count: int) -> None:
        remarks = says(user, count)
        values = {"prompt": "t", "output": "o", "origin": "reply", "static_score": 0.8, "doubt": 0, "confidence": 1}
        with transaction(user.tenant_id) as session:
            session.add_all(
                Trace(
                    tenant_id=user.tenant_id, user_id=user.id, feedback_id=row.id, reply=1, score=0.8, draw=0, **values
                )
                for row in remarks
            )

    react(ada, 3)
    sweeper.ring_for_listening()
    assert desk.rung("feedback.listen") == []
    react(ada, 1)
    sweeper.ring_for_listening()
    assert desk.rung("feedback.listen") == [{"user_id": ada.id}]


def test_enough_feedback_and_silence_start_a_training_once(desk: Any, ada: Any) -> None:
    says(ada, 5)
    sweeper.train_from_feedback()
    sweeper.train_from_feedback()
    [job] = jobs_of(ada)
    assert (job.origin, job.recipe) == ("feedback", "voice")
    runner.run_training(job.id, lambda context: TrainingOutcome(1, "rejected"))
    sweeper.train_from_feedback()
    assert len(jobs_of(ada)) == 1, "old feedback does not ask twice"
    says(ada, 5, scored_at=now(), created_at=LONG_AGO)
    sweeper.train_from_feedback()
    assert len(jobs_of(ada)) == 2


def understood(user: User, error: float) -> None:
    """Their scorer has a version that was off by this much, where their mean was off by .2."""
    found = {"version": 2, "replies": 8, "features": "f", "state": b"w", "metrics": {"error": error, "guess": 0.2}}
    with transaction(user.tenant_id) as session:
        session.add(Scorer(tenant_id=user.tenant_id, user_id=user.id, **found))


@pytest.mark.parametrize(("error", "weight"), [(0.1, 3.0), (0.2, 0.0), (0.3, 0.0)])
def test_what_their_scorer_learned_pays_once_it_is_better_than_a_guess(
    desk: Any, ada: Any, error: float, weight: float
) -> None:
    understood(ada, error)
    says(ada, 5)
    sweeper.train_from_feedback()
    [job] = jobs_of(ada)
    assert resolve(job.recipe, job.config, base_parameters=0).reward.satisfaction == weight


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_training_that_came_to_nothing_is_tried_again_after_a_pause(desk: Any, ada: Any, state: str) -> None:
    says(ada, 5)
    for tries, pause in enumerate([timedelta(hours=1), timedelta(hours=2), timedelta(hours=4)], start=1):
        sweeper.train_from_feedback()
        newest, *others = jobs_of(ada)
        assert len(others) == tries - 1
        for old in others:
            desk.change(old, finished_at=now() - timedelta(days=1))
        soon, late = pause - timedelta(minutes=1), pause + timedelta(minutes=1)
        desk.change(newest, state=state, finished_at=now() - soon)
        sweeper.train_from_feedback()
        assert len(jobs_of(ada)) == tries, "not with every sweep"
        desk.change(newest, finished_at=now() - late)
    sweeper.train_from_feedback()
    newest, *_ = jobs_of(ada)
    runner.run_training(newest.id, lambda context: TrainingOutcome(1, "rejected"))
    sweeper.train_from_feedback()
    assert len(jobs_of(ada)) == 4, "what was learned from asks no more"


@pytest.mark.parametrize(
    ("count", "columns"),
    [
        (4, {}),
        (5, {"scored_at": None, "satisfaction": None}),
        (5, {"created_at": "now"}),
        (5, {"satisfaction": 0.5, "scorer": "injection"}),
        (5, {"satisfaction": 0.5, "scorer": "unread"}),
    ],
    ids=["too few", "not scored", "still talking", "orders to the machine", "not English"],
)
def test_feedback_that_does_not_start_a_training(desk: Any, ada: Any, count: int, columns: dict[str, Any]) -> None:
    # The moment is taken here: the suite may run for minutes before it comes to this test.
    says(ada, count, **{name: now() if value == "now" else value for name, value in columns.items()})
    sweeper.train_from_feedback()
    assert jobs_of(ada) == []


def test_one_who_cannot_be_trained_keeps_nobody_else_waiting(desk: Any, ada: Any) -> None:
    brief = desk.add_person("brief", samples=1)
    says(brief, 5)
    says(ada, 5)
    sweeper.train_from_feedback()
    assert jobs_of(brief) == []
    assert len(jobs_of(ada)) == 1


def test_checkpoints_live_as_long_as_their_jobs(desk: Any, ada: Any, settings: Any) -> None:
    waiting = desk.submit(ada)
    desk.change(waiting, retries=1)
    jobs = [Job(id=waiting.id, retries=1), Job(id=waiting.id, retries=0), Job(id="erased", retries=0)]
    folders = [checkpoint_folder(settings, job) for job in jobs]
    for folder in folders:
        folder.mkdir(parents=True)
    sweeper.discard_checkpoints()
    assert [folder.exists() for folder in folders] == [True, False, False]
    desk.cancel(waiting)
    sweeper.sweep()
    assert not folders[0].exists()


def test_a_bucket_is_listed_once_in_a_while_and_a_folder_with_every_sweep(
    database: str, settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[bool] = []
    monkeypatch.setattr(sweeper, "_rung", {})
    monkeypatch.setattr(sweeper.adapters, "discard_orphans", lambda: swept.append(True))
    for _ in range(3):
        sweeper.sweep()
    assert len(swept) == 3
    request.getfixturevalue("bucket")
    for _ in range(3):
        sweeper.sweep()
    assert len(swept) == 4
    monkeypatch.setattr(sweeper, "RING_AGAIN_AFTER", timedelta(0))
    sweeper.sweep()
    assert len(swept) == 5

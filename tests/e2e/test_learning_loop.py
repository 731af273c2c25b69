"""Training, failure, resumption and the feedback loop on a tiny random base. Quality is not the point here."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from app.adapters import service as adapters
from app.config import Settings
from app.db import now, transaction
from app.inference import adapter_file
from app.inference.architecture import Architecture
from app.inference.base import ensure_base, read_card
from app.jobs import service, sweeper
from app.jobs.context import JobStopped
from app.jobs.runner import RowContext, run_training
from app.models import CANCELLED, FAILED, QUEUED, SUCCEEDED, Feedback, Job, JobEvent, JobMetric, Rewrite, User
from app.storage import LocalStorage
from app.users import service as users

pytestmark = pytest.mark.slow

SMALL = {
    "sft": {"steps": 3, "batch_size": 2},
    "rl": {"steps": 2, "prompts_per_step": 2, "group_size": 2, "max_tokens": 8},
}


def submit(user: User, recipe: str = "voice", config: dict[str, Any] | None = None) -> Job:
    with transaction(user.tenant_id) as session:
        return service.create(session, user, recipe, SMALL if config is None else config)


def seen(job: Job) -> Job:
    with transaction(job.tenant_id, read_only=True) as session:
        return service.get(session, job.id)


def texts_of(job: Job, kind: str) -> list[dict[str, Any]]:
    with transaction(job.tenant_id, read_only=True) as session:
        return [event.data for event in session.query(JobEvent).filter_by(job_id=job.id, kind=kind)]


def curve(job: Job, stage: str, name: str) -> list[float]:
    with transaction(job.tenant_id, read_only=True) as session:
        rows = session.query(JobMetric).filter_by(job_id=job.id, stage=stage, name=name).order_by(JobMetric.step)
        return [row.value for row in rows]


def test_a_training_publishes_a_version_with_its_report(settings: Settings, writer: Callable[..., User]) -> None:
    user = writer("sam", 36)
    job = submit(user)
    run_training(job.id)
    done = seen(job)
    assert done.state == SUCCEEDED, done.reason
    with transaction(user.tenant_id, read_only=True) as session:
        version = adapters.get(session, user.id, done.result["version"])
    base = ensure_base(settings)
    content = LocalStorage(settings).path(version.digest).read_bytes()
    adapter = adapter_file.unpack(
        content, Architecture.load(base), base_digest=read_card(base).digest, digest=version.digest
    )
    assert {mode["tag"] for mode in version.modes} == set(adapter.voices) == {"work", "friends"}
    assert all(branch.up["o"].any() for branch in adapter.voices.values())
    assert version.size_bytes == len(content)
    names = {check["name"] for check in version.gate["checks"]}
    assert names == {"held-out", "style", "meaning", "entities", "length", "fluency", "voices", "own-words"}
    assert len(version.manifest["samples"]) == 36
    assert len(curve(job, "warm-start", "nll")) == 3
    assert len(curve(job, "reinforce", "reward")) == 2
    # Random weights write nonsense, and the gate must not let it speak.
    assert done.result["decision"] == "rejected"
    with transaction(user.tenant_id, read_only=True) as session:
        assert users.get(session, "sam").active_version is None


def test_a_stopped_training_resumes_to_the_same_numbers(
    settings: Settings, writer: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = writer("max", 12)
    straight = submit(user)
    run_training(straight.id)
    interrupted = submit(user)
    done = stopped_and_run_again(interrupted, monkeypatch)
    assert done.state == SUCCEEDED, done.reason
    assert any("Resumed" in note["text"] for note in texts_of(interrupted, "note"))
    for stage, name in (("warm-start", "nll"), ("reinforce", "reward")):
        assert curve(interrupted, stage, name) == pytest.approx(curve(straight, stage, name), abs=1e-6)


def stopped_and_run_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> Job:
    """Stop the job in the middle of its warm start, as a worker that is told to end does; then run it again."""
    metrics = RowContext.metrics

    def stop_after_two(self: RowContext, stage: str, step: int, values: Any, progress: float) -> None:
        metrics(self, stage, step, values, progress)
        if step == 2:
            raise JobStopped

    with monkeypatch.context() as patch:
        patch.setattr(RowContext, "metrics", stop_after_two)
        run_training(job.id)
    assert seen(job).state == QUEUED
    run_training(job.id)
    return seen(job)


def test_the_article_and_imitation_alone_are_recipes_too(settings: Settings, writer: Callable[..., User]) -> None:
    user = writer("max", 12)
    for recipe, config in (("sft", {"sft": SMALL["sft"]}), ("article", {"rl": SMALL["rl"]})):
        job = submit(user, recipe, config)
        run_training(job.id)
        assert seen(job).state == SUCCEEDED, seen(job).reason
        assert seen(job).result["decision"] == "undecided"


def test_a_training_that_diverges_says_so_and_changes_nothing(
    settings: Settings, writer: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.learning import losses

    user = writer("max", 12)
    monkeypatch.setattr(
        losses, "nll", lambda logprobs, mask: losses.Loss(logprobs.sum() * torch.nan, {"nll": float("nan")})
    )
    job = submit(user)
    run_training(job.id)
    done = seen(job)
    assert done.state == FAILED
    assert done.reason is not None
    assert "unstable" in done.reason
    assert "learning_rate" in (done.remedy or "")
    with transaction(user.tenant_id, read_only=True) as session:
        assert users.get(session, "max").active_version is None


def test_cancelling_ends_a_training_within_a_step(
    settings: Settings, writer: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = writer("max", 12)
    job = submit(user, config={"sft": {"steps": 400, "batch_size": 2}, "rl": SMALL["rl"]})
    metrics = RowContext.metrics

    def cancel_at_once(self: RowContext, stage: str, step: int, values: Any, progress: float) -> None:
        metrics(self, stage, step, values, progress)
        if step == 1:
            with transaction(user.tenant_id) as session:
                service.cancel(session, job.id)
            self._lease.is_cancelled.wait(30)

    monkeypatch.setenv("IDIOLECT_JOB_HEARTBEAT_S", "0.1")
    monkeypatch.setattr(RowContext, "metrics", cancel_at_once)
    run_training(job.id)
    assert seen(job).state == CANCELLED
    assert len(curve(job, "warm-start", "nll")) <= 2


def test_feedback_alone_leads_to_a_new_gated_version(settings: Settings, writer: Callable[..., User]) -> None:
    user = writer("max", 12)
    say(user, "perfect, exactly me", satisfaction=0.9, edited=None)
    say(user, "no, I would write it like this", satisfaction=0.3, edited="train was 2 hrs late again")
    sweeper.sweep()
    with transaction(user.tenant_id, read_only=True) as session:
        assert service.page(session, user, None, 10)[0] == [], "two remarks are not enough for a training"
    say(user, "too stiff", satisfaction=0.1, edited=None)
    sweeper.sweep()
    with transaction(user.tenant_id, read_only=True) as session:
        [job], _ = service.page(session, user, None, 10)
    assert (job.origin, job.recipe) == ("feedback", "voice")
    run_training(job.id)
    done = seen(job)
    assert done.state == SUCCEEDED, done.reason
    with transaction(user.tenant_id, read_only=True) as session:
        version = adapters.get(session, user.id, done.result["version"])
    assert version.gate["decision"] == done.result["decision"]
    assert len(version.manifest["feedback"]) == 3
    sweeper.sweep()
    with transaction(user.tenant_id, read_only=True) as session:
        assert len(service.page(session, user, None, 10)[0]) == 1, "the same feedback must not train twice"


def say(user: User, words: str, *, satisfaction: float, edited: str | None) -> None:
    with transaction(user.tenant_id) as session:
        rewrite = Rewrite(
            tenant_id=user.tenant_id,
            user_id=user.id,
            text="The train was two hours late again.",
            outputs=["the train was two hours late again"],
            base_digest="0" * 64,
            seed=0,
        )
        session.add(rewrite)
        session.flush()
        session.add(
            Feedback(
                tenant_id=user.tenant_id,
                user_id=user.id,
                rewrite_id=rewrite.id,
                text=words,
                edited_text=edited,
                satisfaction=satisfaction,
                scorer="test",
                scored_at=now(),
            )
        )

"""Training, failure, resumption and the feedback loop on a tiny random base. Quality is not the point here."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient

from app.adapters import service as adapters
from app.config import Settings, get_settings
from app.db import transaction
from app.feedback.service import DISLIKED_UP_TO, LIKED_FROM
from app.inference import adapter_file
from app.inference.architecture import Architecture
from app.inference.base import ensure_base, read_card
from app.inference.sampling import NotFinite
from app.jobs import service, sweeper
from app.jobs.context import JobStopped
from app.jobs.runner import RowContext, run_training
from app.models import CANCELLED, FAILED, QUEUED, SUCCEEDED, Adapter, Job, JobEvent, JobMetric, User
from app.queue import LISTEN, SCORE_FEEDBACK, TRAIN
from app.storage import LocalStorage
from workers import scoring, training

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


def speaking(user: User) -> int | None:
    """The version that speaks for them."""
    with transaction(user.tenant_id, read_only=True) as session:
        version = adapters.active(session, user.id)
        return version.version if version else None


def trained(job: Job) -> tuple[Job, Adapter]:
    """Run to its end; with the version that it made."""
    run_training(job.id)
    done = seen(job)
    assert done.state == SUCCEEDED, done.reason
    with transaction(job.tenant_id, read_only=True) as session:
        return done, adapters.get(session, job.user_id, done.result["version"])


def written(settings: Settings, version: Adapter) -> tuple[bytes, adapter_file.Adapter]:
    """A version's file, and what it says."""
    base, content = ensure_base(settings), LocalStorage(settings).path(version.digest).read_bytes()
    return content, adapter_file.unpack(
        content, Architecture.load(base), base_digest=read_card(base).digest, digest=version.digest
    )


def curve(job: Job, stage: str, name: str) -> list[float]:
    with transaction(job.tenant_id, read_only=True) as session:
        rows = session.query(JobMetric).filter_by(job_id=job.id, stage=stage, name=name).order_by(JobMetric.step)
        return [row.value for row in rows]


def test_a_training_publishes_a_version_with_its_report(settings: Settings, writer: Callable[..., User]) -> None:
    user = writer("sam", 36)
    # Enough pairs that both voices are among them.
    job = submit(user, config=SMALL | {"sft": {"steps": 12, "batch_size": 4}})
    done, version = trained(job)
    content, adapter = written(settings, version)
    assert {mode["tag"] for mode in version.modes} == set(adapter.voices) == {"work", "friends"}
    assert all(branch.up["o"].any() for branch in adapter.voices.values())
    assert version.size_bytes == len(content)
    names = {check["name"] for check in version.gate["checks"]}
    kept = {"meaning", "entities", "sentences", "length", "own-words"}
    assert names == {"held-out", "style", "fluency", "voices"} | kept
    assert len(version.manifest["samples"]) == 36
    assert len(curve(job, "warm-start", "nll")) == 12
    assert len(curve(job, "reinforce", "reward")) == 2
    # Random weights write nonsense, and the gate must not let it speak.
    assert done.result["outcome"] == "rejected"
    assert speaking(user) is None


def test_voices_may_be_told_to_one_adapter_without_branches(settings: Settings, writer: Callable[..., User]) -> None:
    user = writer("sam", 36)
    job = submit(user, config=SMALL | {"lora": {"branches": False}})
    _, version = trained(job)
    _, adapter = written(settings, version)
    assert {mode["tag"] for mode in version.modes} == {"work", "friends"}
    assert (dict(adapter.voices), adapter.voice_rank) == ({}, 0)


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


def test_a_stopped_training_starts_over_if_there_are_other_samples(
    settings: Settings,
    writer: Callable[..., User],
    make_samples: Callable[..., object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = writer("max", 12)
    job = submit(user, "sft", {"sft": SMALL["sft"]})
    meanwhile = lambda: make_samples(user, ["This was written while the training waited."])
    done = stopped_and_run_again(job, monkeypatch, meanwhile)
    assert done.state == SUCCEEDED, done.reason
    assert len(curve(job, "warm-start", "nll")) == 3
    notes = [note["text"] for note in texts_of(job, "note")]
    assert any("starts over: state.safetensors was made from other samples" in note for note in notes)
    assert not any("Resumed" in note for note in notes)


def stopped_and_run_again(
    job: Job, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object] = lambda: None
) -> Job:
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
    meanwhile()
    run_training(job.id)
    return seen(job)


def test_the_article_and_imitation_alone_are_recipes_too(settings: Settings, writer: Callable[..., User]) -> None:
    user = writer("max", 12)
    for recipe, config in (("sft", {"sft": SMALL["sft"]}), ("article", {"rl": SMALL["rl"]})):
        job = submit(user, recipe, config)
        run_training(job.id)
        assert seen(job).state == SUCCEEDED, seen(job).reason
        assert seen(job).result["outcome"] == "undecided"


def test_a_training_that_diverges_says_so_and_changes_nothing(
    settings: Settings,
    writer: Callable[..., User],
    make_adapter: Callable[..., Adapter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from app.learning import losses

    user = writer("max", 12)
    make_adapter(user, promote=True)
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
    assert speaking(user) == 1


def test_a_voice_that_cannot_be_tried_has_diverged_too(
    settings: Settings, writer: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.jobs import training

    def broken(*_: Any) -> None:
        raise NotFinite("the model's output is not finite")

    monkeypatch.setattr(training, "compared", broken)
    job = submit(writer("max", 12), "sft", {"sft": SMALL["sft"]})
    run_training(job.id)
    done = seen(job)
    assert done.state == FAILED
    assert "became unstable and was stopped: the model's output is not finite" in (done.reason or "")


def test_cancelling_ends_a_training_within_a_step(
    settings: Settings,
    writer: Callable[..., User],
    make_adapter: Callable[..., Adapter],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    user = writer("max", 12)
    make_adapter(user, promote=True)
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
    assert speaking(user) == 1


def test_words_alone_lead_to_a_new_gated_version(
    settings: Settings, writer: Callable[..., User], client: TestClient
) -> None:
    user = writer("max", 12)
    pleased = say(client, "perfect, exactly me")
    corrected = say(client, "no, I would write it like this", edited_text="train was 2 hrs late again")
    work_off(settings)
    sweeper.sweep()
    assert jobs_of(user) == [], "two remarks are not enough for a training"
    displeased = say(client, "This is terrible, far too stiff, I hate it.")
    unread = say(client, "Das klingt gar nicht nach mir.")
    approved = say(client, "I love it, thank you!")
    assert [seen_by(client, remark)["satisfaction"] for remark in (displeased, approved)] == [None, None]
    work_off(settings)
    satisfaction = {remark: seen_by(client, remark)["satisfaction"] for remark in (pleased, displeased, approved)}
    assert satisfaction[displeased] < DISLIKED_UP_TO < LIKED_FROM < min(satisfaction[pleased], satisfaction[approved])
    heard = client.get("/v1/users/max/satisfaction").json()
    assert (heard["scorer"]["version"], heard["scorer"]["replies"]) == (1, 4), "but what could not be read"

    sweeper.sweep()
    [job] = jobs_of(user)
    assert (job.origin, job.recipe) == ("feedback", "voice")
    work_off(settings)
    done = seen(job)
    assert done.state == SUCCEEDED, done.reason
    with transaction(user.tenant_id, read_only=True) as session:
        version = adapters.get(session, user.id, done.result["version"])
    assert version.gate["decision"] == done.result["outcome"]
    assert set(version.manifest["feedback"]) == {pleased, corrected, displeased, approved}
    assert unread not in version.manifest["feedback"]
    sweeper.sweep()
    assert len(jobs_of(user)) == 1, "the same feedback must not train twice"


def test_what_feedback_led_to_replaces_no_version_that_it_does_not_beat(
    settings: Settings, writer: Callable[..., User], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = writer("sam", 36)
    run_training(submit(user).id)
    with transaction(user.tenant_id) as session:
        adapters.promote(session, user.id, 1)
    for words in ("perfect, exactly me", "I love it, thank you!", "This is terrible, I hate it."):
        say(client, words, who="sam")
    work_off(settings)

    monkeypatch.setenv("IDIOLECT_FEEDBACK_QUIET_S", "300")
    get_settings.cache_clear()
    sweeper.sweep()
    assert len(jobs_of(user)) == 1, "who is still talking is left to finish"
    monkeypatch.setenv("IDIOLECT_FEEDBACK_QUIET_S", "0")
    get_settings.cache_clear()
    sweeper.sweep()
    job = next(job for job in jobs_of(user) if job.origin == "feedback")
    work_off(settings)
    done = seen(job)
    assert (done.state, done.result["version"], done.result["outcome"]) == (SUCCEEDED, 2, "rejected"), done.reason
    assert {check["name"] for check in done.result["gate"]["checks"] if not check["passed"]}
    assert speaking(user) == 1


def say(client: TestClient, words: str, who: str = "max", **more: str) -> str:
    """What somebody answers to a rewrite of theirs; the id of the remark."""
    asked = {"user_id": who, "text": "The train was two hours late again."}
    rewrite = client.post("/v1/rewrite", json=asked).json()["rewrite_id"]
    answer = client.post("/v1/feedback", json={"rewrite_id": rewrite, "text": words, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["feedback_id"])


def seen_by(client: TestClient, remark: str) -> dict[str, Any]:
    return dict(client.get(f"/v1/feedback/{remark}").json())


def jobs_of(user: User) -> list[Job]:
    with transaction(user.tenant_id, read_only=True) as session:
        return list(service.page(session, user, None, 10)[0])


TASKS = {SCORE_FEEDBACK: scoring.score_feedback, LISTEN: scoring.listen, TRAIN: training.train}


def work_off(settings: Settings) -> None:
    """Do what rang, and what rings by that, by the workers' own functions. Scores of rewrites decide nothing here."""
    folder = settings.data_dir / "queue" / "messages"
    while paths := sorted(folder.glob("*.msg")):
        message = json.loads(paths[0].read_text())
        paths[0].unlink()
        if task := TASKS.get(message["headers"]["task"]):
            task(**json.loads(b64decode(message["body"]))[1])

"""Recipes of every algorithm through the real training on a tiny random base: curves, checkpoints, and one gate."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from app.config import Settings, get_settings
from app.db import transaction
from app.feedback.listening import packaged_ears
from app.jobs import service
from app.jobs.context import JobStopped
from app.jobs.runner import RowContext, run_training
from app.learning.recipes import resolve
from app.learning.satisfaction.arf import ArfScorer
from app.learning.satisfaction.state import packed
from app.models import FAILED, QUEUED, SUCCEEDED, Adapter, Feedback, Job, JobEvent, JobMetric, Rewrite, Scorer, User
from app.storage import LocalStorage
from tests.published import build_desklib

pytestmark = pytest.mark.slow

SIZES = {
    "sft": {"steps": 2, "batch_size": 2},
    "rl": {"steps": 3, "prompts_per_step": 2, "group_size": 2, "max_tokens": 8},
    "dpo": {"steps": 3, "batch_size": 2},
}
TOLD_BY = {"sft": "nll", "rl": "reward", "dpo": "accuracy"}
STAGES = {"sft": "warm-start", "rl": "reinforce", "dpo": "prefer"}


@pytest.fixture
def max(writer: Callable[..., User], corrected: Callable[[User], None]) -> User:
    """Somebody with samples, corrections, and a scorer that has heard nothing but is there."""
    user = writer("max", 12)
    corrected(user)
    ears = packaged_ears()
    heard = {"version": 1, "replies": 8, "features": ears.name, "metrics": {}, "beliefs": []}
    state = packed(ArfScorer(ears.features(["."], ["."]).shape[1]))
    with transaction(user.tenant_id) as session:
        session.add(Scorer(tenant_id=user.tenant_id, user_id=user.id, state=state, **heard))
    return user


@pytest.fixture
def corrected() -> Callable[[User], None]:
    def correct(user: User) -> None:
        owner = {"tenant_id": user.tenant_id, "user_id": user.id}
        with transaction(user.tenant_id) as session:
            for number in range(5):
                asked, written = f"I will come at {number}.", [f"i come {number}"]
                rewrite = Rewrite(**owner, text=asked, outputs=written, base_digest="0" * 64, seed=0)
                session.add(rewrite)
                session.flush()
                session.add(Feedback(**owner, rewrite_id=rewrite.id, edited_text=f"be there at {number} ok"))

    return correct


def submit(user: User, recipe: str) -> Job:
    parts = resolve(recipe, {}, base_parameters=0)
    with transaction(user.tenant_id) as session:
        return service.create(session, user, recipe, {name: SIZES[name] for name in SIZES if getattr(parts, name)})


def seen(job: Job) -> Job:
    with transaction(job.tenant_id, read_only=True) as session:
        return service.get(session, job.id)


def points(job: Job) -> dict[tuple[str, int, str], float]:
    """All numbers of a training but for what time it took."""
    with transaction(job.tenant_id, read_only=True) as session:
        rows = session.query(JobMetric).filter_by(job_id=job.id)
        return {
            (row.stage, row.step, row.name): row.value
            for row in rows
            if not row.name.startswith("seconds") and row.name != "waited_s"
        }


def finished(job: Job) -> Job:
    run_training(job.id)
    done = seen(job)
    assert done.state == SUCCEEDED, done.reason
    return done


@pytest.mark.parametrize("recipe", ["dapo", "iterative_dpo", "trace_bias"])
def test_it_trains_and_is_judged(settings: Settings, max: User, recipe: str) -> None:
    done = finished(submit(max, recipe))
    assert {check["name"] for check in done.result["gate"]["checks"]} >= {"held-out", "style", "meaning", "entities"}
    measured = points(done)
    for section, name in TOLD_BY.items():
        steps = {step for stage, step, told in measured if (stage, told) == (STAGES[section], name)}
        planned = getattr(resolve(recipe, done.config, base_parameters=0), section)
        assert steps == (set(range(1, planned.steps + 1)) if planned else set())


@pytest.mark.parametrize("recipe", ["rloo", "dpo", "ppo"])
def test_stopped_in_its_last_loop_it_resumes_to_the_same_numbers(
    settings: Settings, max: User, monkeypatch: pytest.MonkeyPatch, recipe: str
) -> None:
    """What these keep beside the adapter must survive, too: the policy as the loop found it."""
    straight = finished(submit(max, recipe))
    stopped = submit(max, recipe)
    metrics = RowContext.metrics

    def stop_after_two(self: RowContext, stage: str, step: int, values: Any, progress: float) -> None:
        metrics(self, stage, step, values, progress)
        if step == 2 and stage != STAGES["sft"]:
            raise JobStopped

    with monkeypatch.context() as patch:
        patch.setattr(RowContext, "metrics", stop_after_two)
        run_training(stopped.id)
    assert seen(stopped).state == QUEUED
    assert points(finished(stopped)) == pytest.approx(points(straight), abs=1e-5)


@pytest.mark.parametrize(("room", "rank"), [(32, 32), (8, 8)])
def test_the_article_has_its_own_adapter_as_far_as_there_is_room(
    settings: Settings, max: User, monkeypatch: pytest.MonkeyPatch, room: int, rank: int
) -> None:
    monkeypatch.setenv("IDIOLECT_ADAPTER_RANK", str(room))
    get_settings.cache_clear()
    done = finished(submit(max, "article"))
    with transaction(done.tenant_id, read_only=True) as session:
        version = session.query(Adapter).filter_by(job_id=done.id).one()
        notes = [str(event.data.get("text")) for event in session.query(JobEvent).filter_by(job_id=done.id)]
    with safe_open(LocalStorage(get_settings()).path(version.digest), "pt") as file:
        written = file.metadata()
    assert (written["rank"], written["alpha"]) == (str(rank), "16.0")
    assert version.manifest["recipe"]["lora"] == {"rank": rank, "alpha": 16.0, "branches": True}
    assert any("asks for an adapter of rank 32" in note for note in notes) == (rank < 32)
    assert any("idiolect models warm-up" in note for note in notes), "this base was never warmed up"


@pytest.fixture
def name_detector(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`name_detector(folder)` is what the operator does for web and workers; "packaged" takes it back."""

    def name(source: str) -> None:
        monkeypatch.setenv("IDIOLECT_DETECTOR_MODEL", source)
        get_settings.cache_clear()

    return name


def paid_for_humanity(user: User) -> Job:
    with transaction(user.tenant_id) as session:
        return service.create(session, user, "article", {"rl": SIZES["rl"], "reward": {"human": 1}})


def test_a_detector_that_the_operator_names_pays_for_reading_like_a_person(
    max: User, tmp_path: Path, name_detector: Callable[[str], None]
) -> None:
    name_detector(str(build_desklib(tmp_path)))
    job = paid_for_humanity(max)
    run_training(job.id)
    assert seen(job).state == SUCCEEDED, seen(job).reason
    paid = [value for (_, _, name), value in points(job).items() if name == "human"]
    assert len(paid) == SIZES["rl"]["steps"]
    assert all(0 <= value <= 1 for value in paid)


def test_a_detector_that_is_not_there_ends_the_training_before_it_learns(
    max: User, tmp_path: Path, name_detector: Callable[[str], None]
) -> None:
    name_detector(str(tmp_path))
    job = paid_for_humanity(max)
    run_training(job.id)
    failed = seen(job)
    assert failed.state == FAILED
    assert "of IDIOLECT_DETECTOR_MODEL cannot be used" in failed.reason
    assert "unset IDIOLECT_DETECTOR_MODEL" in failed.remedy
    assert points(job) == {}


def test_a_worker_without_that_detector_says_what_it_lacks(
    max: User, tmp_path: Path, name_detector: Callable[[str], None]
) -> None:
    name_detector(str(tmp_path))
    job = paid_for_humanity(max)
    name_detector("packaged")
    run_training(job.id)
    failed = seen(job)
    assert failed.state == FAILED
    assert "no detector" in failed.reason
    assert "IDIOLECT_DETECTOR_MODEL" in failed.remedy

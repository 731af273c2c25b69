from typing import Any

import pytest
from sqlalchemy import delete

from app.config import get_settings
from app.db import transaction
from app.errors import NotFound
from app.jobs import runner, service
from app.jobs.context import JobContext, TrainingFailure, TrainingOutcome
from app.models import User


def test_a_new_job_waits_and_the_bell_is_rung_once(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    assert (job.state, job.stage, job.origin) == ("queued", "waiting", "api")
    assert desk.rung("jobs.train") == [{"job_id": job.id}]


@pytest.mark.parametrize(
    ("recipe", "config", "field"),
    [
        ("vocie", {}, "recipe"),
        ("voice", {"sft": {"steps": 0}}, "config.sft.steps"),
        ("voice", {"rl": {"stepz": 3}}, "config.rl.stepz"),
        ("voice", {"optimiser": {}}, "config.optimiser"),
        ("voice", {"sft": 3}, "config.sft"),
        ("article", {"sft": {"steps": 3}}, "config.sft"),
        ("voice", {"rl": {"learning_rate": float("nan")}}, "config.rl.learning_rate"),
        ("voice", {"lora": {"rank": 9}}, "config.lora.rank"),
        ("article", {"lora": {"rank": 32, "alpha": 16}}, "config.lora.rank"),
        ("voice", {"lora": {"alpha": 0}}, "config.lora.alpha"),
    ],
)
def test_a_configuration_that_cannot_run_names_its_field(
    desk: Any, ada: Any, recipe: str, config: dict[str, Any], field: str
) -> None:
    with pytest.raises(service.InvalidTraining) as caught:
        desk.submit(ada, recipe, config)
    assert caught.value.field == field
    assert desk.rung("jobs.train") == []


def test_a_rank_is_taken_as_far_as_the_server_has_room(desk: Any, ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"lora": {"rank": 32, "alpha": 16}}
    with pytest.raises(service.InvalidTraining) as caught:
        desk.submit(ada, "article", asked)
    assert "at most 8" in caught.value.remedy
    assert "IDIOLECT_ADAPTER_RANK=32" in caught.value.remedy
    monkeypatch.setenv("IDIOLECT_ADAPTER_RANK", "32")
    get_settings.cache_clear()
    assert desk.submit(ada, "article", asked).config == asked


def test_a_server_of_another_base_has_room_for_the_articles_rank(
    desk: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDIOLECT_BASE_MODEL", "some/model-of-3b")
    get_settings.cache_clear()
    with pytest.raises(service.InvalidTraining, match="room for 32"):
        desk.submit(ada, "article", {"lora": {"rank": 33}})
    assert desk.submit(ada, "article", {"lora": {"rank": 32}})


@pytest.mark.parametrize("samples", [0, 1, 3])
def test_too_few_samples_are_refused_with_the_number_that_is_missing(desk: Any, samples: int) -> None:
    person = desk.add_person("brief", samples)
    with pytest.raises(service.TooFewSamples) as caught:
        desk.submit(person)
    assert (caught.value.field, caught.value.type) == ("samples", "too-few-samples")
    assert f"Add {4 - samples} more" in caught.value.remedy


def test_one_training_at_a_time_for_one_person(desk: Any, ada: Any) -> None:
    first, other = desk.submit(ada), desk.add_person("bob")
    with pytest.raises(service.AlreadyTraining, match=first.id):
        desk.submit(ada)
    assert desk.submit(other).state == "queued"
    desk.cancel(first)
    assert desk.submit(ada).state == "queued"


def test_a_job_of_another_tenant_does_not_exist(desk: Any, ada: Any) -> None:
    job, stranger = desk.submit(ada), desk.add_person("bob")
    for act in (service.get, service.cancel, service.retry, service.metrics):
        with pytest.raises(NotFound), transaction(stranger.tenant_id) as session:
            act(session, job.id)
    with pytest.raises(NotFound):
        service.news(stranger.tenant_id, job.id, 0)
    assert desk.row(job).state == "queued"


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    assert desk.cancel(job).state == "cancelled"
    runner.run_training(job.id, lambda context: TrainingOutcome(1, "promoted"))
    assert desk.row(job).state == "cancelled"
    with pytest.raises(service.JobFinished):
        desk.cancel(job)


def test_retry_starts_from_the_beginning(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)

    def fails(context: JobContext) -> TrainingOutcome:
        context.metrics("reinforce", 1, {"reward": 0.5}, 0.5)
        raise TrainingFailure("reason", "remedy")

    runner.run_training(job.id, fails)
    assert desk.curve(job, "reward") == {1: 0.5}
    again = desk.retry(job)
    assert (again.state, again.attempt, again.progress, again.reason) == ("queued", 0, 0.0, None)
    assert desk.curve(job, "reward") == {}
    assert desk.rung("jobs.train") == [{"job_id": job.id}] * 2
    with pytest.raises(service.JobNotRetryable):
        desk.retry(job)
    runner.run_training(job.id, lambda context: TrainingOutcome(1, "promoted"))
    with pytest.raises(service.JobNotRetryable):
        desk.retry(job)


def test_a_retry_waits_for_the_training_that_took_its_place(desk: Any, ada: Any) -> None:
    old = desk.submit(ada)
    desk.cancel(old)
    new = desk.submit(ada)
    with pytest.raises(service.AlreadyTraining, match=new.id):
        desk.retry(old)
    assert desk.row(old).state == "cancelled"


def test_pages_go_from_new_to_old(desk: Any, ada: Any) -> None:
    jobs = []
    for _ in range(5):
        jobs.append(desk.submit(ada))
        desk.cancel(jobs[-1])
    newest_first = [job.id for job in reversed(jobs)]
    with transaction(ada.tenant_id, read_only=True) as session:
        first, cursor = service.page(session, ada, None, 2)
        assert [job.id for job in first] == newest_first[:2]
        rest, end = service.page(session, ada, cursor, 10)
    assert [job.id for job in rest] == newest_first[2:]
    assert end is None


def test_news_continue_after_the_last_event_seen(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    first = service.news(ada.tenant_id, job.id, 0)
    assert [event.data["state"] for event in first.events] == ["queued"]
    runner.run_training(job.id, lambda context: TrainingOutcome(1, "promoted"))
    second = service.news(ada.tenant_id, job.id, first.events[-1].id)
    assert [event.data["state"] for event in second.events] == ["running", "succeeded"]
    assert not second.is_last
    assert service.news(ada.tenant_id, job.id, second.events[-1].id).is_last


def test_who_was_erased_meanwhile_is_not_trained(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = desk.add_person("ada")
    monkeypatch.setattr(service.samples, "count", lambda *_: 36)
    with transaction(ada.tenant_id) as session:
        session.execute(delete(User).where(User.id == ada.id))
        with pytest.raises(NotFound, match="erased"):
            service.create(session, ada, "voice", {})

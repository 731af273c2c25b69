import threading
import time
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.db import now, transaction
from app.inference.packaged import BaseUnavailable
from app.jobs import runner
from app.jobs.context import JobContext, TrainingFailure, TrainingOutcome
from app.jobs.lease import checkpoint_folder
from app.users import service as users

DONE = TrainingOutcome(3, "promoted", {"table": []})


def trains(context: JobContext) -> TrainingOutcome:
    context.stage("warm-start", 0.1)
    context.note("modes found", modes=2)
    context.sample(["a text"])
    for step in range(1, 4):
        context.give_way()
        context.metrics("warm-start", step, {"loss": 1 / step}, step / 4)
    context.sample(["a later one", "another"])
    context.stage("evaluate", 0.9)
    context.sample(["the last"])
    return DONE


def fails(error: Exception) -> runner.Trainer:
    def train(context: JobContext) -> TrainingOutcome:
        raise error

    return train


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_training_leaves_its_result_log_and_curve(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    runner.run_training(job.id, trains)
    row = desk.row(job)
    assert (row.state, row.stage, row.progress, row.attempt) == ("succeeded", "done", 1.0, 1)
    assert row.result == {"version": 3, "outcome": "promoted", "table": []}
    assert row.lease_owner is None
    assert row.finished_at is not None
    assert desk.curve(job, "loss") == {1: 1.0, 2: 0.5, 3: 1 / 3}
    assert [event["state"] for event in desk.events(job, "state")] == ["queued", "running", "succeeded"]
    assert desk.events(job, "note") == [{"text": "modes found", "modes": 2}]
    assert desk.events(job, "sample") == [
        {"texts": ["a text"], "stage": "warm-start", "step": None},
        {"texts": ["a later one", "another"], "stage": "warm-start", "step": 3},
        {"texts": ["the last"], "stage": "evaluate", "step": None},
    ]


def test_a_duplicate_message_finds_nothing_to_do(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    runs: list[str] = []

    def train(context: JobContext) -> TrainingOutcome:
        runs.append(context.job.id)
        runner.run_training(job.id, train)  # the same message again, while the first is worked on
        return DONE

    runner.run_training(job.id, train)
    runner.run_training(job.id, train)
    runner.run_training("no-such-job", train)
    assert runs == [job.id]
    assert desk.row(job).attempt == 1


def test_a_lease_is_renewed_while_a_step_takes_long(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)

    def train(context: JobContext) -> TrainingOutcome:
        time.sleep(1.5)  # longer than the lease of one second
        assert desk.row(job).lease_until > now()
        return DONE

    runner.run_training(job.id, train)
    assert desk.row(job).state == "succeeded"


def test_who_lost_the_lease_writes_nothing_more(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    other = {"lease_owner": "another worker", "lease_until": now() + timedelta(minutes=1)}

    def train(context: JobContext) -> TrainingOutcome:
        desk.change(job, **other)
        context.metrics("warm-start", 1, {"loss": 1.0}, 0.5)
        while True:
            context.give_way()
            time.sleep(0.02)

    runner.run_training(job.id, train)
    row = desk.row(job)
    assert (row.state, row.lease_owner, row.progress) == ("running", "another worker", 0.0)
    assert desk.curve(job, "loss") == {}


def test_a_result_that_comes_after_the_lease_was_lost_is_not_written(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)

    def train(context: JobContext) -> TrainingOutcome:
        desk.change(job, lease_owner="another worker", lease_until=now() + timedelta(minutes=1))
        return DONE

    runner.run_training(job.id, train)
    assert desk.row(job).state == "running"
    assert desk.row(job).result == {}


def test_cancelling_ends_a_running_training_at_its_next_step(desk: Any, ada: Any, settings: Any) -> None:
    job = desk.submit(ada)

    def train(context: JobContext) -> TrainingOutcome:
        (context.folder / "step").write_text("1")
        desk.cancel(job)
        while True:
            context.give_way()
            time.sleep(0.02)

    runner.run_training(job.id, train)
    row = desk.row(job)
    assert (row.state, row.reason) == ("cancelled", "Cancelled on request.")
    assert not checkpoint_folder(settings, job).exists()


def test_a_stopping_worker_hands_the_job_back_with_its_checkpoint(desk: Any, ada: Any, settings: Any) -> None:
    job = desk.submit(ada)

    def stopped(context: JobContext) -> TrainingOutcome:
        (context.folder / "step").write_text("7")
        runner.worker_is_stopping.set()
        context.give_way()
        raise AssertionError("give_way must not return")

    def resumed(context: JobContext) -> TrainingOutcome:
        return TrainingOutcome(int((context.folder / "step").read_text()), "promoted")

    runner.run_training(job.id, stopped)
    assert (desk.row(job).state, desk.row(job).attempt) == ("queued", 0)
    runner.run_training(job.id, resumed)
    assert desk.row(job).state == "queued", "a stopping worker takes no job"
    runner.worker_is_stopping.clear()
    runner.run_training(job.id, resumed)
    assert desk.row(job).result["version"] == 7
    assert not checkpoint_folder(settings, job).exists()


def test_a_retry_begins_without_the_checkpoint_of_before(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    found: list[str] = []

    def stopped(context: JobContext) -> TrainingOutcome:
        found.extend(path.name for path in context.folder.iterdir())
        (context.folder / "step").write_text("7")
        runner.worker_is_stopping.set()
        context.give_way()
        return DONE

    runner.run_training(job.id, stopped)
    desk.cancel(job)
    assert desk.row(job).state == "cancelled", "it waited, so no worker is there to tidy up"
    desk.retry(job)
    runner.worker_is_stopping.clear()
    runner.run_training(job.id, stopped)
    assert found == []
    runner.worker_is_stopping.clear()
    runner.run_training(job.id, stopped)
    assert found == ["step"], "but within one try the checkpoint is what it goes on from"


def writes_to_a_full_disk(context: JobContext) -> TrainingOutcome:
    (context.folder / "checkpoint").symlink_to("/dev/full")
    with (context.folder / "checkpoint").open("wb") as file:
        file.write(bytes(100_000))
    return DONE


@pytest.mark.parametrize(
    ("train", "reason", "remedy"),
    [
        (writes_to_a_full_disk, "The disk is full", "Free space"),
        (fails(TrainingFailure("The loss became NaN.", "Lower sft.learning_rate.")), "The loss became NaN.", "Lower"),
        (fails(MemoryError()), "not enough memory", "smaller rl.group_size"),
        (
            fails(BaseUnavailable("The disk of the hub is gone. Ask for another.")),
            "The base model cannot be used",
            "IDIOLECT",
        ),
        (fails(KeyError("x")), "ended unexpectedly (KeyError)", "Retry the job"),
    ],
)
def test_a_failure_tells_why_and_what_to_do(
    desk: Any, ada: Any, settings: Any, make_adapter: Any, train: runner.Trainer, reason: str, remedy: str
) -> None:
    make_adapter(ada, promote=True)
    job = desk.submit(ada)
    runner.run_training(job.id, train)
    with transaction(ada.tenant_id, read_only=True) as session:
        assert users.get(session, "ada").active_version == 1
    row = desk.row(job)
    assert row.state == "failed"
    assert reason in row.reason
    assert remedy in row.remedy
    assert desk.events(job, "state")[-1]["reason"] == row.reason
    assert row.attempt == 1, "a failure is not tried again by itself"
    assert not checkpoint_folder(settings, job).exists()


def test_numbers_that_are_not_finite_do_not_stop_the_others(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)

    def train(context: JobContext) -> TrainingOutcome:
        context.metrics("reinforce", 1, {"reward": float("nan"), "kl": float("inf"), "loss": 2.0}, 0.5)
        context.note("measured", similarity=float("nan"), shares=(0.5, Path("x")))
        return TrainingOutcome(1, "undecided", {"table": [{"style": float("inf")}]})

    runner.run_training(job.id, train)
    assert desk.curve(job, "loss") == {1: 2.0}
    assert desk.curve(job, "reward") == {}
    assert desk.events(job, "note") == [{"text": "measured", "similarity": None, "shares": [0.5, "x"]}]
    assert desk.row(job).result["table"] == [{"style": None}]
    assert desk.row(job).state == "succeeded"


def test_a_resumed_training_draws_over_the_steps_it_repeats(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)

    def dies(context: JobContext) -> TrainingOutcome:
        context.metrics("reinforce", 1, {"reward": 0.1}, 0.1)
        context.metrics("reinforce", 2, {"reward": 0.2}, 0.2)
        until(lambda: desk.curve(job, "reward") == {1: 0.1, 2: 0.2})
        runner.worker_is_stopping.set()
        context.give_way()
        return DONE

    def repeats(context: JobContext) -> TrainingOutcome:
        context.metrics("reinforce", 2, {"reward": 0.7}, 0.2)
        return DONE

    runner.run_training(job.id, dies)
    runner.worker_is_stopping.clear()
    runner.run_training(job.id, repeats)
    assert desk.curve(job, "reward") == {1: 0.1, 2: 0.7}


class Engine(BaseHTTPRequestHandler):
    waiting = 1
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        body = b'{"waiting": %d, "running": 0}' % self.waiting
        is_ours = self.path == "/load" and self.headers["Authorization"].startswith("Bearer ")
        self.send_response(200 if is_ours else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def test_training_waits_while_requests_wait(desk: Any, ada: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = HTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("IDIOLECT_ENGINE_URL", f"http://127.0.0.1:{server.server_port}")
    runner.get_settings.cache_clear()
    job = desk.submit(ada)
    returned_at: list[int] = []

    def train(context: JobContext) -> TrainingOutcome:
        threading.Timer(0.6, lambda: setattr(Engine, "waiting", 0)).start()
        context.give_way()
        returned_at.append(Engine.waiting)
        context.metrics("reinforce", 1, {"reward": 1.0}, 0.5)
        asked = Engine.asked
        for _ in range(100):
            context.give_way()
        assert Engine.asked == asked, "a free engine is not asked at every micro-batch"
        return DONE

    runner.run_training(job.id, train)
    server.shutdown()
    assert desk.row(job).reason is None
    assert returned_at == [0]
    assert 0.5 < desk.curve(job, "waited_s")[1] < 3


def test_the_worker_leaves_no_thread_behind(desk: Any, ada: Any) -> None:
    job = desk.submit(ada)
    runner.run_training(job.id, trains)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease-")]

"""A worker dies in the middle of a training; the sweep finds out, and another goes on from the checkpoint."""

import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.config import get_settings
from app.db import EVERY_TENANT, transaction
from app.jobs.lease import checkpoint_folder, claim
from app.queue import SCORE_REWRITE, ring

STEPS = 60


@pytest.mark.slow
def test_a_killed_training_resumes_from_its_checkpoint_and_finishes(shop: Any) -> None:
    job = shop.submit()
    trainer = shop.start_worker("train")
    shop.start_worker("score")
    shop.until(lambda: len(shop.curve(job)) > STEPS / 4)
    trainer.send_signal(signal.SIGKILL)
    trainer.wait()
    row = shop.row(job)
    assert (row.state, row.attempt) == ("running", 1), "a killed worker tells nobody"
    checkpoint = int((checkpoint_folder(get_settings(), job) / "step").read_text())

    shop.start_worker("train")
    shop.until(lambda: shop.row(job).state == "succeeded")
    row = shop.row(job)
    assert (row.attempt, row.result["begun_at"]) == (2, checkpoint)
    assert shop.beginnings(job) == [0, checkpoint]
    assert checkpoint >= STEPS / 4
    drawn = shop.curve(job)
    assert set(range(checkpoint + 1, STEPS + 1)) <= set(drawn)
    assert max(drawn) == STEPS
    assert not checkpoint_folder(get_settings(), job).exists()


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_worker_told_to_stop_hands_its_job_back_at_once(
    shop: Any, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """The pool is a thread on a CPU and a process on CUDA (of which nothing is used here)."""
    monkeypatch.setenv("IDIOLECT_DEVICE", device)
    job = shop.submit()
    trainer = shop.start_worker("train")
    shop.until(lambda: len(shop.curve(job)) > 3)
    trainer.terminate()
    assert trainer.wait(20) == 0
    row = shop.row(job)
    assert (row.state, row.attempt, row.lease_owner) == ("queued", 0, None)
    shop.start_worker("train")
    shop.start_worker("score")
    shop.until(lambda: shop.row(job).state == "succeeded")
    assert shop.row(job).attempt == 1
    assert shop.row(job).result["begun_at"] > 3


@pytest.mark.slow
def test_a_killed_worker_leaves_no_process_behind(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on CUDA, where the pool is a process of its own."""
    monkeypatch.setenv("IDIOLECT_DEVICE", "cuda")
    job = shop.submit()
    worker = shop.start_worker("train,score")
    shop.until(lambda: len(shop.curve(job)) > 3)
    pool = psutil.Process(worker.pid).children(recursive=True)
    assert pool
    worker.kill()
    worker.wait()
    shop.until(lambda: not any(process.is_running() and process.status() != "zombie" for process in pool))
    shop.start_worker("train,score")
    shop.until(lambda: shop.row(job).state == "succeeded")
    assert shop.row(job).attempt == 2


@pytest.mark.slow
def test_dead_workers_are_noticed_while_scores_pile_up(shop: Any) -> None:
    job = shop.submit()
    assert claim(job.id, get_settings()), "by a worker that is never heard of again"
    with transaction(EVERY_TENANT) as session:
        for number in range(3):
            ring(session, SCORE_REWRITE, rewrite_id=str(number))
    messages: Path = get_settings().data_dir / "queue" / "messages"
    shop.start_worker("score", "tests.faults.busy_worker")
    shop.until(lambda: len(list(messages.glob("*.score.msg"))) < 3)
    shop.until(lambda: shop.row(job).state == "queued")
    assert list(messages.glob("*.score.msg")), "the queue never became empty"


@pytest.mark.slow
def test_the_message_that_died_with_a_worker_is_sent_again(shop: Any) -> None:
    """The doorbell may break: here every message is lost before anybody heard it."""
    job = shop.submit()
    messages: Path = get_settings().data_dir / "queue" / "messages"
    [message] = messages.glob("*.train.msg")
    message.unlink()
    shop.forget_ring(job)
    shop.start_worker("score")
    shop.start_worker("train")
    shop.until(lambda: shop.row(job).state == "succeeded")
    assert shop.row(job).attempt == 1, "only the message was lost, and with it nobody's work"

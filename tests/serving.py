"""A whole server small enough for tests: the real web on a real port, an engine without a model, a worker that learns
nothing. What is rung is read from the real queue and done by the functions that the real workers call."""

import json
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import uvicorn

from app.config import Settings
from app.db import transaction
from app.feedback.scoring import score_feedback
from app.inference.fake import BASE_DIGEST, FakeEngine
from app.jobs.context import JobContext, TrainingFailure, TrainingOutcome
from app.jobs.runner import run_training
from app.queue import SCORE_FEEDBACK, TRAIN
from app.storage import LocalStorage

GATE = {
    "decision": "promoted",
    "checks": [
        {"name": "style", "passed": True, "value": 0.5, "bound": "above 0", "words": "closer to [your] own style"}
    ],
}
UNTRAINABLE = "sft"
"""The recipe with which the small worker fails, so that failures can be looked at."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(engine: FakeEngine, port: int) -> Iterator[None]:
    """The web on this port, ready when the block begins."""
    from app.main import create_app

    server = uvicorn.Server(uvicorn.Config(create_app(engine), port=port, log_config=None, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, name="web")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """One worker for both queues, in a thread, until the block ends."""
    has_ended = threading.Event()
    thread = threading.Thread(target=_work, args=(settings, has_ended), name="worker")
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def _work(settings: Settings, has_ended: threading.Event) -> None:
    folder = settings.data_dir / "queue" / "messages"
    while not has_ended.wait(0.02):
        for path in sorted(folder.glob("[!.]*.msg")):
            message = json.loads(path.read_text())
            path.unlink()
            _do(message["headers"]["task"], json.loads(b64decode(message["body"]))[1], settings)


def _do(task: str, ids: dict[str, str], settings: Settings) -> None:
    if task == TRAIN:
        run_training(ids["job_id"], train=Learner(settings))
    elif task == SCORE_FEEDBACK:
        score_feedback(ids["feedback_id"], ByLength())  # type: ignore[arg-type]  # asked for nothing else


class ByLength:
    """Long feedback pleases."""

    @staticmethod
    def mood_reader() -> Callable[[Sequence[str]], torch.Tensor]:
        def read(texts: Sequence[str]) -> torch.Tensor:
            pleased = [min(len(text) / 100, 1.0) for text in texts]
            return torch.tensor([[1 - share, 0.0, share] for share in pleased])

        return read


class Learner:
    """Goes through the stages of a training and publishes a version that holds nothing."""

    def __init__(self, settings: Settings) -> None:
        self.storage = LocalStorage(settings)

    def __call__(self, context: JobContext) -> TrainingOutcome:
        from app.adapters import service as adapters

        if context.job.recipe == UNTRAINABLE:
            raise TrainingFailure("These [samples] teach nothing.", "Write more of them.")
        context.stage("reinforce", 0.25)
        for step in (1, 2, 3):
            context.give_way()
            context.metrics("reinforce", step, {"reward": step / 4}, 0.25 + step / 5)
        content = f"adapter of {context.job.id}".encode()
        with transaction(context.job.tenant_id) as session:
            version = adapters.publish(
                session,
                user_id=context.job.user_id,
                digest=self.storage.put(content),
                base_digest=BASE_DIGEST,
                size_bytes=len(content),
                job_id=context.job.id,
                gate=GATE,
            )
            adapters.promote(session, context.job.user_id, version.version)
            number = version.version
        return TrainingOutcome(number, "promoted", {"gate": GATE})

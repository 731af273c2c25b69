"""Training in a worker. Torch is imported when the first job runs, not when the worker starts."""

from celery import shared_task

from app.jobs.runner import run_training
from app.queue import TRAIN


@shared_task(name=TRAIN)  # type: ignore[untyped-decorator]
def train(job_id: str) -> None:
    run_training(job_id)

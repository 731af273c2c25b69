"""The sweep, rung by the clock of one worker."""

from celery import shared_task

from app.jobs.sweeper import sweep as sweep_everything
from app.queue import SWEEP


@shared_task(name=SWEEP)  # type: ignore[untyped-decorator]
def sweep() -> None:
    sweep_everything()

"""The Celery application of the workers: `celery -A workers.main worker -Q train,score`.

On a CPU run one process per queue: its pool is one thread, so that a training can be told to stop and hand its job
back. On CUDA the pool is one process started by spawn, one worker per device: a CUDA context does not survive a fork.
Every worker of the `score` queue also keeps the clock that rings for the sweep; several clocks do no harm.
"""

import logging
from typing import Any

from celery import bootsteps
from celery.beat import EmbeddedService

from app.config import get_settings
from app.queue import ROUTES, SWEEP, build_celery

settings = get_settings()
celery = build_celery(settings)
celery.set_default()
celery.conf.update(
    imports=["workers.lifecycle", "workers.training", "workers.scoring", "workers.maintenance"],
    worker_concurrency=1,
    worker_pool="prefork" if settings.device == "cuda" else "threads",
    worker_pool_start_method="spawn",
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        SWEEP: {
            "task": SWEEP,
            "schedule": settings.sweep_every_s,
            # A sweep that waited behind a long score is as good as the next one.
            "options": {"expires": settings.sweep_every_s},
        }
    },
)
# Every sweep and every look at the engine would drown what a log is for; what a task did is still said at its end.
for name in ("celery.beat", "celery.worker.strategy", "httpx"):
    logging.getLogger(name).setLevel(logging.WARNING)


class Clock(bootsteps.StartStopStep):  # type: ignore[misc]
    """Celery's beat as a thread: the process that `-B` starts may outlive its worker, and is spawned without our code.

    Its schedule lives in memory, as every sweep is as good as any other.
    """

    def include_if(self, worker: Any) -> bool:
        return ROUTES[SWEEP] in worker.app.amqp.queues.consume_from

    def create(self, worker: Any) -> Any:
        return EmbeddedService(worker.app, thread=True, scheduler_cls=worker.app.conf.beat_scheduler)


celery.steps["worker"].add(Clock)

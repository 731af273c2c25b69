"""The Celery application of the workers: `celery -A workers.main worker -Q train,score`.

On a CPU run one process per queue: its pool is one thread, so that a training can be told to stop and hand its job
back. On CUDA the pool is one process started by spawn, one worker per device: a CUDA context does not survive a fork.
Every worker also keeps a clock: one of the `score` queue sweeps, others clear left checkpoints of their own machine.
"""

import logging

from app.config import get_settings
from app.queue import build_celery
from workers.clock import ClockStep

settings = get_settings()
celery = build_celery(settings)
celery.set_default()
celery.conf.update(
    imports=["workers.lifecycle", "workers.training", "workers.scoring"],
    worker_concurrency=1,
    worker_pool="prefork" if settings.device == "cuda" else "threads",
    worker_pool_start_method="spawn",
)
# Every look at the engine would drown what a log is for; what a task did is still said at its end.
for name in ("celery.worker.strategy", "httpx"):
    logging.getLogger(name).setLevel(logging.WARNING)

celery.steps["worker"].add(ClockStep)

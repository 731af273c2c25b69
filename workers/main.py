"""The Celery application of the workers: `celery -A workers.main worker -Q train,score`.

On a CPU one process per queue with `-P threads -c 1`, so that a training can be told to stop and hand its job back. On
CUDA the pool is prefork started by spawn, one process per device: a CUDA context does not survive a fork. One worker of
the installation also runs the clock (`-B`), which rings for the sweep.
"""

import os
from typing import Any

from celery.signals import beat_embedded_init, worker_process_init, worker_shutting_down

from app.config import get_settings
from app.jobs.runner import worker_is_stopping
from app.processes import die_with_parent
from app.queue import SWEEP, build_celery

started_as = os.getpid()
settings = get_settings()
celery = build_celery(settings)
celery.set_default()
celery.conf.update(
    imports=["workers.training", "workers.scoring", "workers.maintenance"],
    beat_schedule={
        SWEEP: {
            "task": SWEEP,
            "schedule": settings.sweep_every_s,
            # A sweep that waited behind a long score is as good as the next one.
            "options": {"expires": settings.sweep_every_s},
        }
    },
    beat_schedule_filename=str(settings.data_dir.resolve() / "beat-schedule"),
    beat_max_loop_interval=settings.sweep_every_s,
)
if settings.device == "cuda":
    celery.conf.update(worker_pool="prefork", worker_pool_start_method="spawn", worker_concurrency=1)
else:
    celery.conf.update(worker_pool="threads", worker_concurrency=1)


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def hand_jobs_back(**_: Any) -> None:
    worker_is_stopping.set()


@beat_embedded_init.connect  # type: ignore[untyped-decorator]
@worker_process_init.connect  # type: ignore[untyped-decorator]
def leave_no_orphan(**_: Any) -> None:
    # A forked child knows its parent from before the fork; a spawned one has imported this module itself.
    die_with_parent(started_as if started_as != os.getpid() else None)

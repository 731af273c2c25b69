"""The real workers with a trainer that only counts: `celery -A tests.faults.small_worker worker`.

It takes the place of `app.jobs.training` before the runner imports it, saves its step as a checkpoint after every step,
and says in its log where it began.
"""

import os
import sys
import time
from types import ModuleType

from app.jobs.context import JobContext, TrainingOutcome
from workers.main import celery

__all__ = ["celery"]

STEPS = 60
celery.conf.imports = [*celery.conf.imports, __name__]  # for processes that are spawned


def train(context: JobContext) -> TrainingOutcome:
    checkpoint = context.folder / "step"
    begun_at = int(checkpoint.read_text()) if checkpoint.exists() else 0
    context.note("begun", step=begun_at, process=os.getpid())
    context.stage("reinforce", begun_at / STEPS)
    for step in range(begun_at + 1, STEPS + 1):
        context.give_way()
        time.sleep(0.05)
        temporary = checkpoint.with_suffix(".new")
        temporary.write_text(str(step))
        temporary.replace(checkpoint)
        context.metrics("reinforce", step, {"reward": step / STEPS}, step / STEPS)
    return TrainingOutcome(1, "promoted", {"begun_at": begun_at})


small = ModuleType("app.jobs.training")
small.train = train  # type: ignore[attr-defined]
sys.modules["app.jobs.training"] = small

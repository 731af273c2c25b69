"""The real workers where a score takes forever: `celery -A tests.faults.busy_worker worker`."""

import sys
import time
from types import ModuleType

from workers.main import celery

__all__ = ["celery"]


def score_rewrite(rewrite_id: str) -> None:
    time.sleep(3600)


busy = ModuleType("app.feedback.scoring")
busy.score_rewrite = score_rewrite  # type: ignore[attr-defined]
sys.modules["app.feedback.scoring"] = busy

"""The real workers, where listening to a person stops half-way through what it writes down:
`celery -A tests.faults.halfway_worker worker`.
"""

import time
from pathlib import Path
from typing import Any

from app.config import get_settings
from app.feedback import listening
from workers.main import celery

__all__ = ["celery"]

MARK = "half-way"


def stop(*_: Any) -> None:
    """The version is in the transaction, the traces are not marked yet."""
    Path(get_settings().data_dir / MARK).touch()
    time.sleep(3600)


listening._relabel = stop

"""Waiting for a storage that cannot be reached: hours of training shall not be lost to a few minutes."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from app.jobs.context import JobContext
from app.storage import StorageUnavailable

T = TypeVar("T")

WAITS_S: Final = (5, 10, 20, 40, 60, 60, 60)


def patiently(context: JobContext, purpose: str, act: Callable[[], T]) -> T:
    """What `act` answers. `purpose` follows "Waiting to". Raises StorageUnavailable if it stays so, JobStopped."""
    for wait_s in WAITS_S:
        try:
            return act()
        except StorageUnavailable as error:
            context.note(f"Waiting to {purpose}: {error.detail}.")
            until = time.monotonic() + wait_s
            while time.monotonic() < until:
                context.give_way()
                time.sleep(min(1.0, wait_s))
    return act()

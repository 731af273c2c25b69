"""How a worker logs, what it does when it is told to stop, and what its pool does when it dies. Imported into both."""

import logging
import os
import signal
from contextlib import suppress
from typing import Any, Final

import billiard  # type: ignore[import-untyped]
from celery.signals import setup_logging, worker_process_init, worker_shutting_down

from app.jobs.runner import worker_is_stopping
from app.log import configure
from app.processes import die_with_parent

ASIDE: Final = signal.SIGURG
"""Harmless to a process that has not begun to listen for it, and left alone by the pool."""


@setup_logging.connect  # type: ignore[untyped-decorator]
def log_like_everybody(loglevel: int = logging.INFO, **_: Any) -> None:
    """Celery sets up nothing of its own then. Its default of warnings would hide what became of the jobs."""
    configure(min(loglevel, logging.INFO))


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def hand_jobs_back(**_: Any) -> None:
    """Tell the training, in this process or in those of the pool, which hear nothing of the request themselves."""
    worker_is_stopping.set()
    for process in billiard.active_children():
        with suppress(ProcessLookupError):
            os.kill(process.pid, ASIDE)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def live_with_the_worker(**_: Any) -> None:
    signal.signal(ASIDE, lambda *_: worker_is_stopping.set())
    die_with_parent()

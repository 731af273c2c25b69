"""The clock of the sweep, beside the pool of a worker: rung by message, sweeps would wait in line behind scores."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from celery import bootsteps

from app.config import get_settings
from app.jobs.sweeper import discard_checkpoints, sweep
from app.log import where
from app.queue import ROUTES, SCORE_REWRITE

log = logging.getLogger(__name__)

STOPS_WITHIN_S: Final = 5.0


class Clock:
    """A thread that sweeps every few seconds, however long the queues are and whether or not the broker is there."""

    def __init__(self, every_s: float, strike: Callable[[], None] = sweep) -> None:
        self._every_s = every_s
        self._strike = strike
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(STOPS_WITHIN_S)

    def _run(self) -> None:
        while not self._end.wait(self._every_s):
            self._strike()


class ClockStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Every worker keeps a clock; several do no harm. One that does not score clears its own folder only, which may be
    on a machine that no other worker sees.
    """

    def create(self, worker: Any) -> Clock:
        is_sweeping = ROUTES[SCORE_REWRITE] in worker.app.amqp.queues.consume_from
        return Clock(get_settings().sweep_every_s, sweep if is_sweeping else _clear)


def _clear() -> None:
    try:
        discard_checkpoints()
    except Exception as error:  # the database may be away for a moment
        log.error("left checkpoints could not be cleared: %s", where(error))

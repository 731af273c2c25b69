"""How long a computation works, whatever else the machine does meanwhile."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def worked_within(seconds: float) -> Iterator[None]:
    """Fails if what is done inside takes this thread more processor time than that.

    Not what a clock on the wall says: suites and benchmarks share a machine. Nor the collector of garbage, whose time
    is that of all objects which earlier tests left in the process.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    started = time.thread_time()
    try:
        yield
        worked = time.thread_time() - started
    finally:
        if was_collecting:
            gc.enable()
    assert worked < seconds

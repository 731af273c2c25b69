"""Whose threads compute in a process that serves.

Every thread that computes on several cores gets helpers of its own from OpenMP, which stay as long as it does. Once
they are more than the cores, GNU's OpenMP lets helpers sleep between any two loops instead of waiting a moment for the
next, and a step of decoding, hundreds of short loops, took 1.5 times as long (measured on two cores). So the engine's
thread alone has helpers, and whoever must compute much before does it in a thread that ends.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import TypeVar

import torch

Result = TypeVar("Result")


def apart(work: Callable[[], Result]) -> Result:
    """What the work returns, or raises, from a thread that has ended then, and its helpers with it."""
    with ThreadPoolExecutor(1, thread_name_prefix="apart") as ended:
        return ended.submit(work).result()


def start_computing(run: Callable[[], None], name: str, threads: int = 0) -> Thread:
    """A started thread that computes on so many cores. The caller, and every thread that first computes from now on,
    does so on one. 0: on as many as anybody, and nothing changes for others.
    """
    is_set = Event()

    def computing() -> None:
        if threads:
            torch.set_num_threads(threads)
        torch.get_num_threads()  # torch takes the number over when a thread first asks, and it changes below
        is_set.set()
        run()

    thread = Thread(target=computing, name=name, daemon=True)
    thread.start()
    is_set.wait()
    if threads:
        torch.set_num_threads(1)
    return thread

"""Whose threads compute: only of such a process one can ask, since the numbers are the process's own."""

import subprocess
import sys

import pytest
import torch

from app.inference.threads import apart

COUNTED = """
import threading
import torch
from app.inference.threads import start_computing

def seen(counts):
    torch.ones(10).sum()
    counts.append(torch.get_num_threads())

torch.set_num_threads(3)
counts, started = [], threading.Event()
def run():
    started.wait()
    seen(counts)
thread = start_computing(run, "engine", 2)
other = threading.Thread(target=seen, args=(counts,))
other.start()
other.join()
seen(counts)
started.set()
thread.join()
print(thread.name, counts)
"""


def test_one_thread_computes_on_many_cores_and_all_others_on_one() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["engine", "[1, 1, 2]\n"]


def test_work_that_is_done_apart_returns_or_raises_as_if_it_were_not() -> None:
    assert apart(lambda: torch.ones(2).sum().item()) == 2
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 / 0)

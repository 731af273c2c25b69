import subprocess
import sys

IMPORTS = """
import sys
import psutil, torch
from app.inference.memory import give_back, keep_large_blocks_apart

def resident():
    return psutil.Process().memory_info().rss / 2**20
"""

SMALL = """
# Each below the size that is mapped, and given back, on its own; the last one keeps the heap from shrinking.
blocks = [torch.ones(15_000) for _ in range(4000)]
kept, grown = blocks[-1], resident()
del blocks
freed = resident()
give_back()
print(grown, freed, resident(), kept.sum().item())
"""

LARGE = """
if sys.argv[1] == "apart":
    keep_large_blocks_apart()
# Freeing one of 31 MiB makes glibc keep all up to its size in the heap.
torch.ones(31 * 2**18)
blocks = [torch.ones(size) for _ in range(60) for size in (2**20, 1000)]
kept, grown = blocks[1::2], resident()
del blocks
print(grown, resident())
"""


def run(program: str, *arguments: str) -> list[float]:
    command = [sys.executable, "-c", IMPORTS + program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def test_freed_memory_goes_back_to_the_system() -> None:
    grown, freed, left, kept = run(SMALL)
    assert kept == 15_000
    assert freed > grown - 50, "the allocator keeps what is freed"
    assert left < grown - 150


def test_large_blocks_go_back_as_they_are_freed() -> None:
    grown, left = run(LARGE, "together")
    assert left > grown - 50, "the allocator keeps what is freed"
    grown, left = run(LARGE, "apart")
    assert left < grown - 200

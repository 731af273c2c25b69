import subprocess
import sys

PROGRAM = """
import psutil, torch
from app.inference.memory import give_back

def resident():
    return psutil.Process().memory_info().rss / 2**20

# Each below the size that is mapped, and given back, on its own; the last one keeps the heap from shrinking.
blocks = [torch.ones(15_000) for _ in range(4000)]
kept, grown = blocks[-1], resident()
del blocks
freed = resident()
give_back()
print(grown, freed, resident(), kept.sum().item())
"""


def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    grown, freed, left, kept = map(float, done.stdout.split())
    assert kept == 15_000
    assert freed > grown - 50, "the allocator keeps what is freed"
    assert left < grown - 150

import psutil
import pytest
import torch

from app.inference.memory import give_back


def test_freed_memory_goes_back_to_the_system() -> None:
    give_back()
    process = psutil.Process()
    before = process.memory_info().rss
    # Below the size that is mapped on its own, and so given back at once; the last one keeps the heap from shrinking.
    blocks = [torch.ones(2**18) for _ in range(200)]
    grown = process.memory_info().rss
    if grown - before < 150 * 2**20:
        pytest.skip("the blocks fitted into free pages")
    last = blocks[-1]
    del blocks
    give_back()
    assert last.sum() == 2**18
    assert process.memory_info().rss < grown - 150 * 2**20

"""Adapters in memory: fetched once for all who ask, bounded by bytes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from app.inference import shelf as shelf_module
from app.inference.shelf import Shelf, ShelfFull


class Sized:
    """An adapter, as far as a shelf looks at one."""

    def __init__(self, size: int) -> None:
        self.tensors = {"up": SimpleNamespace(nbytes=size)}


def of(size: int) -> Any:
    return Sized(size)


def never(_: str) -> Any:
    raise AssertionError("it is there")


def test_what_is_there_is_not_read_again() -> None:
    asked: list[str] = []

    def read(digest: str) -> Any:
        asked.append(digest)
        return of(1)

    shelf = Shelf(10, read)
    assert shelf.get("a") is None
    assert shelf.fetch("a") is shelf.fetch("a") is shelf.get("a")
    assert (asked, shelf.digests) == (["a"], {"a"})
    shelf.forget(["a", "unknown"])
    assert shelf.get("a") is None


def test_the_least_recently_used_makes_room() -> None:
    shelf = Shelf(10, never)
    for name in "abc":
        shelf.put(name, of(3))
    shelf.get("a")
    shelf.put("d", of(4))
    assert shelf.digests == {"a", "c", "d"}
    shelf.put("large", of(99))
    assert shelf.digests == {"large"}, "it must be somewhere while it is used"


def test_what_somebody_holds_is_there_even_after_it_made_room() -> None:
    shelf = Shelf(10, of_nine)
    held = shelf.fetch("a")
    shelf.fetch("b")
    assert shelf.digests == {"a", "b"}
    assert shelf.fetch("a") is held
    shelf.fetch("c")
    assert shelf.digests == {"a", "c"}, "b was held by nobody"
    del held
    assert shelf.get("a") is None
    again = shelf.fetch("d")
    shelf.forget(["d"])
    assert again
    assert shelf.get("d") is None, "what is forgotten is not found again, whoever holds it"


def of_nine(_: str) -> Any:
    return of(9)


def test_what_was_alive_alone_is_on_the_shelf_again_once_it_is_used() -> None:
    shelf = Shelf(10, of_nine)
    held = shelf.fetch("a")
    shelf.fetch("b")
    assert shelf.fetch("a") is held
    del held
    assert shelf.digests == {"a"}, "the last that was used"


def test_many_may_fetch_and_free_at_once() -> None:
    shelf = Shelf(20, of_nine)

    def work(seed: int) -> int:
        return sum(len(shelf.fetch(f"{seed}-{number % 7}").tensors) + len(shelf.digests) for number in range(400))

    with ThreadPoolExecutor(8) as pool:
        assert all(found > 400 for found in pool.map(work, range(8)))


def test_only_so_much_may_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf_module, "LEAST_ROOM", 20)
    shelf = Shelf(2, of_nine)
    held = [shelf.fetch(name) for name in "abc"]
    with pytest.raises(ShelfFull, match="take 0 MB"):
        shelf.fetch("d")
    assert shelf.fetch("a") is held[0], "what is there costs nothing"
    held.clear()
    assert shelf.fetch("d")


def together(count: int, ask: Callable[[], Any]) -> list[Any]:
    """What so many threads get who ask while the first is still waiting."""
    with ThreadPoolExecutor(count) as pool:
        coming = [pool.submit(ask) for _ in range(count)]
        return [each.exception() or each.result() for each in coming]


def test_many_who_ask_at_once_have_it_read_once() -> None:
    asked, waiting = [], threading.Barrier(2)

    def read(digest: str) -> Any:
        asked.append(digest)
        waiting.wait(60)
        return of(1)

    shelf = Shelf(10, read)
    threading.Thread(target=lambda: (_until(lambda: bool(asked)), time.sleep(0.1), waiting.wait(60))).start()
    assert len({id(adapter) for adapter in together(8, lambda: shelf.fetch("a"))}) == 1
    assert asked == ["a"]


def test_who_waits_for_a_failure_hears_of_it_and_the_next_tries_again() -> None:
    asked, waiting = [], threading.Barrier(2)

    def read(digest: str) -> Any:
        asked.append(digest)
        if len(asked) > 1:
            return of(1)
        waiting.wait(60)
        raise OSError("lost")

    shelf = Shelf(10, read)
    threading.Thread(target=lambda: (_until(lambda: bool(asked)), time.sleep(0.1), waiting.wait(60))).start()
    assert {str(failure) for failure in together(4, lambda: shelf.fetch("a"))} == {"lost"}
    assert shelf.fetch("a").tensors
    assert len(asked) == 2


def test_a_slow_one_keeps_nobody_from_another() -> None:
    go_on = threading.Event()

    def read(digest: str) -> Any:
        if digest == "slow":
            assert go_on.wait(60)
        return of(1)

    shelf = Shelf(10, read)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(shelf.fetch, "slow")
        assert shelf.fetch("quick").tensors
        assert not slow.done()
        go_on.set()
        assert slow.result(60).tensors


def _until(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_failure_leaves_nothing() -> None:
    def read(_: str) -> Any:
        raise KeyboardInterrupt

    shelf = Shelf(10, read)
    with pytest.raises(KeyboardInterrupt):
        shelf.fetch("a")
    assert not shelf.digests
    assert not shelf._coming

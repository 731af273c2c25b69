import threading
import time
from types import SimpleNamespace

import pytest

from app.config import Settings, get_settings
from workers import clock
from workers.clock import Clock, ClockStep


def test_it_strikes_again_and_again_until_it_is_stopped() -> None:
    struck = threading.Semaphore(0)
    ticking = Clock(0.01, struck.release)
    ticking.start()
    for _ in range(3):
        assert struck.acquire(timeout=10)
    ticking.stop()
    while struck.acquire(blocking=False):
        pass
    assert not struck.acquire(timeout=0.1)


def test_stopping_it_does_not_wait_for_its_hour() -> None:
    ticking = Clock(3600, lambda: None)
    ticking.start()
    ticking.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "clock"]


@pytest.mark.parametrize(("queues", "is_sweeping"), [({"train"}, False), ({"score"}, True), ({"train", "score"}, True)])
def test_who_scores_sweeps_and_all_others_clear_their_own_folder(
    settings: Settings, database: str, monkeypatch: pytest.MonkeyPatch, queues: set[str], is_sweeping: bool
) -> None:
    monkeypatch.setenv("IDIOLECT_SWEEP_EVERY_S", "0.01")
    get_settings.cache_clear()
    left = settings.storage_root / "checkpoints" / "gone.0"
    left.mkdir(parents=True)
    swept = threading.Event()
    monkeypatch.setattr(clock, "sweep", swept.set)
    amqp = SimpleNamespace(queues=SimpleNamespace(consume_from=queues))
    ticking = ClockStep.create(None, SimpleNamespace(app=SimpleNamespace(amqp=amqp)))
    ticking.start()
    limit = time.monotonic() + 20
    while left.exists() and not swept.is_set():
        assert time.monotonic() < limit
        time.sleep(0.01)
    ticking.stop()
    assert (swept.is_set(), left.exists()) == (is_sweeping, is_sweeping)

import threading

from workers.clock import Clock


def test_it_strikes_again_and_again_until_it_is_stopped() -> None:
    struck = threading.Semaphore(0)
    clock = Clock(0.01, struck.release)
    clock.start()
    for _ in range(3):
        assert struck.acquire(timeout=10)
    clock.stop()
    while struck.acquire(blocking=False):
        pass
    assert not struck.acquire(timeout=0.1)


def test_stopping_it_does_not_wait_for_its_hour() -> None:
    clock = Clock(3600, lambda: None)
    clock.start()
    clock.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "clock"]

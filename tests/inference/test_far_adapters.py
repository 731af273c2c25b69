"""An engine whose adapters lie far away: it fetches what it has not, keeps nobody waiting who needs no network, and
serves what it has when the storage is lost.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.inference import adapter_file, fetching
from app.inference.engine import Engine
from app.inference.fetching import Fetching
from app.inference.types import EngineError, RewriteSpec
from app.storage.near import Copies
from tests.inference.voices import WAIT_S, Gate, adapter, answer
from tests.storage.far import Far

ROOM = 2**30


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def copies(far: Far, tmp_path: Path) -> Copies:
    return Copies(far, tmp_path / "copies", ROOM)


@pytest.fixture
def engine(make: Callable[..., Engine], copies: Copies) -> Engine:
    return make(copies)


def put(far: Far, engine: Engine, seed: int, base: str | None = None) -> str:
    """The digest of a random adapter that only the storage has."""
    made = adapter(engine.model.architecture, 4, seed, base=engine.card.digest if base is None else base)
    return far.put(adapter_file.pack(made))


def refused(engine: Engine, digest: str) -> str:
    with pytest.raises(EngineError) as caught:
        answer(engine, adapter_digest=digest)
    return caught.value.code


def test_what_it_has_not_is_fetched_once_and_survives_an_outage(engine: Engine, far: Far, copies: Copies) -> None:
    digest, other = put(far, engine, 1), put(far, engine, 2)
    texts = answer(engine, adapter_digest=digest).texts
    assert texts != answer(engine).texts
    far.is_lost = True
    assert answer(engine, adapter_digest=digest).texts == texts
    assert refused(engine, other) == "storage-unavailable"
    assert (far.asked, copies.copies()) == ([digest, other], {digest})
    engine.seats.shelf.forget([digest])
    assert answer(engine, adapter_digest=digest).texts == texts, "its copy is on this disk"


def test_it_says_what_is_missing_what_is_damaged_and_what_is_foreign(engine: Engine, far: Far) -> None:
    digest, foreign = put(far, engine, 1), put(far, engine, 2, base="f" * 64)
    assert refused(engine, "0" * 64) == "unknown-adapter"
    assert refused(engine, "../../etc/passwd") == "unknown-adapter"
    assert refused(engine, foreign) == "invalid-adapter"
    far.contents[digest] = b"noise"
    assert refused(engine, digest) == "invalid-adapter"


def test_whoever_waits_for_a_slow_storage_waits_alone(engine: Engine, far: Far) -> None:
    near, slow = put(far, engine, 1), put(far, engine, 2)
    engine.warm(near)
    far.is_open.clear()
    waiting = [threading.Thread(target=engine.warm, args=(slow,)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    assert answer(engine, adapter_digest=near).texts
    assert all(thread.is_alive() for thread in waiting)
    far.is_open.set()
    for thread in waiting:
        thread.join(WAIT_S)
    assert far.asked.count(slow) == 1
    assert answer(engine, adapter_digest=slow).texts


def test_the_writing_thread_asks_no_network(
    make: Callable[..., Engine], far: Far, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make(copies, cache_bytes=1)  # one slot
    first, copied, gone = (put(far, engine, seed) for seed in (1, 2, 3))
    gate = Gate(monkeypatch)
    running = engine.submit(RewriteSpec("It rained all day.", first, max_tokens=6))
    gate.wait()
    tickets = [engine.submit(RewriteSpec("It rained all day.", digest, max_tokens=4)) for digest in (copied, gone)]
    engine.seats.shelf.forget([copied, gone])
    copies.forget([gone])
    far.is_open.clear()
    gate.open()
    assert running.answer.result(WAIT_S).texts
    assert tickets[0].answer.result(WAIT_S).texts
    with pytest.raises(EngineError, match="had to make room") as caught:
        tickets[1].answer.result(WAIT_S)
    assert caught.value.code == "busy"
    far.is_open.set()
    assert answer(engine, adapter_digest=gone).texts


def test_whoever_waits_keeps_their_adapter_at_hand(
    make: Callable[..., Engine], far: Far, copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the shelf: nothing is read again for it, from no network and no disk."""
    engine = make(copies, cache_bytes=1)  # one slot, and a shelf for one
    first, *others = (put(far, engine, seed) for seed in range(1, 5))
    gate = Gate(monkeypatch)
    running = engine.submit(RewriteSpec("It rained all day.", first, max_tokens=6))
    gate.wait()
    tickets = [engine.submit(RewriteSpec("It rained all day.", digest, max_tokens=4)) for digest in others]
    for digest in others:
        (copies.folder / f"{digest}.safetensors").unlink()
    far.is_lost = True
    gate.open()
    assert running.answer.result(WAIT_S).texts
    assert all(ticket.answer.result(WAIT_S).texts for ticket in tickets)
    assert sorted(far.asked) == sorted([first, *others])


def test_what_the_storage_has_no_more_is_tidied_away(engine: Engine, far: Far, copies: Copies) -> None:
    erased, kept = put(far, engine, 1), put(far, engine, 2)
    for digest in (erased, kept):
        engine.warm(digest)
    far.delete(erased)
    assert answer(engine, adapter_digest=erased).texts, "nobody has told it yet"
    engine.seats.tidy()
    assert {speaker.digest for speaker in engine.seats.residency.resident} == {kept}
    assert engine.seats.shelf.digests == copies.copies() == {kept}
    assert refused(engine, erased) == "unknown-adapter"


def test_it_forgets_copies_too(engine: Engine, far: Far, copies: Copies) -> None:
    engine.warm(digest := put(far, engine, 1))
    engine.seats.forget([digest])
    assert copies.copies() == set()


def test_who_is_far_is_fetched_beside_the_threads_that_take_requests_in(engine: Engine, far: Far) -> None:
    digest = put(far, engine, 1)

    async def have() -> tuple[float, float]:
        fetched = Fetching()
        far.is_open.clear()
        coming = [asyncio.create_task(fetched.have(engine, digest, WAIT_S)) for _ in range(20)]
        while not far.asked:
            await asyncio.sleep(0.01)
        # As many threads as there are must be free for others.
        assert await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(answer, engine) for _ in range(8))), WAIT_S)
        far.is_open.set()
        return min(await asyncio.gather(*coming)), await fetched.have(engine, digest, WAIT_S)

    waited, at_hand = asyncio.run(have())
    assert waited > 0
    assert at_hand == 0.0
    assert far.asked == [digest]
    assert fetching.AT_ONCE < 20


def test_a_deadline_ends_the_waiting_and_not_the_fetching(engine: Engine, far: Far) -> None:
    digest = put(far, engine, 1)
    far.is_open.clear()
    with pytest.raises(EngineError, match="not fetched within") as caught:
        asyncio.run(Fetching().have(engine, digest, 0.05))
    assert caught.value.code == "timeout"
    far.is_open.set()
    limit = time.monotonic() + WAIT_S
    while digest not in engine.seats.shelf.digests:
        assert time.monotonic() < limit
        time.sleep(0.01)

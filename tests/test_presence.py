"""Work that ends with its client, through ASGI's own `receive`."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from starlette.requests import Request
from starlette.types import Message

from app.presence import ClientGone, while_present


def request_from(receive: Callable[[], Awaitable[Message]]) -> Request:
    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def stay() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("nobody leaves here")


async def leave() -> Message:
    return {"type": "http.disconnect"}


def in_a_loop(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(_whole(test), 10))


async def _whole(test: Callable[[], Awaitable[None]]) -> None:
    before = asyncio.all_tasks()
    await test()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before, "nobody goes on listening"


async def _slow(ended: list[str]) -> str:
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        ended.append("cancelled")
        raise
    return "done"


def test_the_result_of_who_stays_is_theirs() -> None:
    async def test() -> None:
        assert await while_present(request_from(stay), asyncio.sleep(0, "done")) == "done"

    in_a_loop(test)


def test_an_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise KeyError("broken")

    async def test() -> None:
        with pytest.raises(KeyError, match="broken"):
            await while_present(request_from(stay), fail())

    in_a_loop(test)


def test_work_ends_when_the_client_leaves_and_the_task_goes_on() -> None:
    async def test() -> None:
        ended: list[str] = []
        with pytest.raises(ClientGone):
            await while_present(request_from(leave), _slow(ended))
        assert ended == ["cancelled"]
        await asyncio.sleep(0.01)  # raises if the task were still to be cancelled

    in_a_loop(test)


def test_a_future_is_cancelled_too() -> None:
    async def test() -> None:
        future = asyncio.get_running_loop().create_future()
        with pytest.raises(ClientGone):
            await while_present(request_from(leave), future)
        assert future.cancelled()

    in_a_loop(test)


def test_who_ends_the_task_is_obeyed() -> None:
    async def test() -> None:
        ended: list[str] = []
        task = asyncio.ensure_future(while_present(request_from(stay), _slow(ended)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cancelled"]

    in_a_loop(test)


def test_who_leaves_just_when_the_work_is_done_stops_nothing_that_comes_after() -> None:
    async def test() -> None:
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def work() -> str:
            await asyncio.sleep(0)
            gone.set()
            return "done"

        assert await while_present(request_from(receive), work()) == "done"
        for _ in range(5):
            await asyncio.sleep(0)  # a late cancellation would come here

    in_a_loop(test)


def test_who_left_while_others_end_the_task_changes_nothing() -> None:
    async def test() -> None:
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        ended: list[str] = []
        task = asyncio.ensure_future(while_present(request_from(receive), _slow(ended)))
        await asyncio.sleep(0)
        task.cancel()
        gone.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cancelled"]

    in_a_loop(test)


def test_work_that_fails_as_it_ends_is_still_left() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError as error:
            raise ValueError("could not be undone") from error
        return "done"

    async def test() -> None:
        with pytest.raises(ClientGone):
            await while_present(request_from(leave), stubborn())
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0, "else nobody could leave a second time"

    in_a_loop(test)


def test_work_that_does_not_mind_ends_as_it_likes() -> None:
    async def deaf() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(5)
        return "done"

    async def test() -> None:
        assert await while_present(request_from(leave), deaf()) == "done"
        with pytest.raises(ClientGone):
            await while_present(request_from(leave), _slow([]))

    in_a_loop(test)

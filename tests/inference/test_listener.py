"""Lines of a ticket that is answered in time, too late, or never."""

import asyncio
import json
from typing import Any

from starlette.types import Message

from app.inference.listener import Listener, Told
from app.inference.passages import split
from app.inference.ticket import Ticket
from app.inference.types import Heard, RewriteSpec

TEXT = "It rained.\u2028Twice.\u0085"
MOST = 9


def ticket() -> Ticket:
    return Ticket(RewriteSpec(TEXT), split(TEXT, 40), 5, "d" * 64)


def written() -> Ticket:
    made = ticket()
    made.write(0, 0, "", 1, is_finished=True)  # what is left empty stays as it was
    made.answer_if_done()
    return made


def told(made: Ticket, timeout_s: float, *news: Heard) -> list[dict[str, Any]]:
    """The lines until they end, or the first of too many."""

    async def listen() -> list[dict[str, Any]]:
        listener, found = Listener(), []
        for each in news:
            listener.tell(each)
        async for line in listener.lines(made, timeout_s):
            found += [json.loads(part) for part in line.decode().splitlines()]
            if len(found) == MOST:
                break
        return found

    return asyncio.run(listen())


def test_an_answer_that_is_there_when_time_is_over_is_told_at_once() -> None:
    first, last = told(written(), 0)
    assert first == {"heard": {"sample": 0, "text": "", "is_replacement": False}}
    assert last["outcome"]["texts"] == [TEXT]


def test_without_an_answer_the_time_runs_out() -> None:
    made = ticket()
    for timeout_s in (0, 0.01):
        assert told(made, timeout_s)[-1]["code"] == "timeout"


def test_whoever_left_before_the_first_line_gets_no_text_written() -> None:
    made = ticket()

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def unheard(_: Message) -> None:
        await asyncio.sleep(9)

    async def respond() -> None:
        await Told(Listener(), made, 9)({"type": "http"}, gone, unheard)

    asyncio.run(respond())
    assert made.is_cancelled


def test_a_line_is_one_line_whatever_the_text_holds() -> None:
    _, heard, last = told(written(), 9, Heard(0, TEXT))
    assert heard["heard"]["text"] == TEXT
    assert last["outcome"]["texts"] == [TEXT]

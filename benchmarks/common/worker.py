"""The contestant's side of the conversation: one JSON object a line, a question in, an answer out.

Standard library only, since it runs inside the virtual environments of others.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

Message = dict[str, Any]
Answer = Callable[[Message], Message]


class Channel:
    """Takes standard output away from the libraries around: what they print goes to the log, ours to the parent."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def questions(self) -> Iterator[Message]:
        """Until the parent closes the pipe."""
        for line in sys.stdin:
            yield json.loads(line)

    def say(self, message: Message) -> None:
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()


def serve(open_contestant: Callable[[Message], tuple[Answer, Message]]) -> None:
    """Open with the first question, tell the facts, then answer one question after the other.

    A question that fails is answered with `error`; a contestant that cannot be opened says so and ends.
    """
    channel = Channel()
    questions = channel.questions()
    try:
        answer, facts = open_contestant(next(questions))
    except Exception as error:
        channel.say({"error": told(error)})
        raise SystemExit(1) from error
    channel.say(facts)
    for question in questions:
        try:
            channel.say(answer(question))
        except Exception as error:
            traceback.print_exc()
            channel.say({"error": told(error)})
    # Not every library lets its threads end.
    os._exit(0)


def told(error: BaseException) -> str:
    """In a line for the report."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:400]}"

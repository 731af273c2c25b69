"""How long a rewritten passage may become. No torch.

What is reserved for a row is taken from everybody else's: one row of 4,000 tokens has the whole batch wait for it. So
a request may limit what is written, but not have more kept free than a rewrite can use.
"""

from typing import Final

from app.inference.types import EngineError

USUAL_FACTOR, USUAL_TOKENS = 2, 16
"""Unless the request sets its own limit: about twice as long and a little more."""
MOST_FACTOR, MOST_TOKENS = 4, 128
"""Whatever the request says. Nothing longer would count as a rewrite."""


def room_for(passage_tokens: int, asked: int | None, context_tokens: int) -> int:
    """Tokens to keep free for the rewrite of a passage; `asked` is the caller's limit.

    Raises EngineError too-long or too-much-room, if that and the passage do not fit in the context.
    """
    wanted: Final = asked or USUAL_FACTOR * passage_tokens + USUAL_TOKENS
    if passage_tokens + wanted > context_tokens:
        raise EngineError(
            "too-much-room" if asked and passage_tokens < context_tokens else "too-long",
            f"a passage of {passage_tokens} tokens and room for {wanted} more exceed the context of {context_tokens}",
        )
    return min(wanted, MOST_FACTOR * passage_tokens + MOST_TOKENS)

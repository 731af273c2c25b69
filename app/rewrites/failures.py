"""Why a rewrite was refused or could not be written, each with its status and its remedy."""

from typing import Final

from app.errors import AppError, Internal, TooLarge, Unavailable, Unprocessable
from app.inference.types import EngineError

RETRY_UNAVAILABLE_S: Final = 5
RETRY_BUSY_S: Final = 2


class EmptyText(Unprocessable):
    type = "empty-text"
    title = "There is nothing to rewrite"


class TextTooLong(TooLarge):
    type = "text-too-long"
    title = "The text is too long"


class PromptTooLong(Unprocessable):
    type = "prompt-too-long"
    title = "The text does not fit into the model's context"


class EngineUnavailable(Unavailable):
    type = "engine-unavailable"
    title = "The language model is not available"


class EngineBusy(Unavailable):
    type = "engine-busy"
    title = "The language model has too much to do"


class AdapterUnusable(Unavailable):
    type = "adapter-unusable"
    title = "The chosen version cannot be loaded"


class EngineMismatch(Internal):
    type = "engine-mismatch"
    title = "The language model does not understand this server"


class EngineTimeout(AppError):
    status = 504
    type = "engine-timeout"
    title = "The language model took too long"


class CallerGone(AppError):
    status = 499
    type = "caller-gone"
    title = "The caller left before it was written"


def explained(error: EngineError, external_id: str, version: int | None) -> AppError:
    """What the engine's failure means for the caller of a rewrite."""
    if error.code == "too-long":
        return PromptTooLong(
            str(error),
            field="text",
            remedy="Shorten the text or its longest words, or ask for a smaller max_tokens.",
        )
    if error.code == "busy":
        return EngineBusy(
            "more rewrites wait for the language model than it takes",
            remedy=f"Try again in {RETRY_BUSY_S} seconds.",
            headers={"Retry-After": str(RETRY_BUSY_S)},
        )
    if error.code == "timeout":
        return EngineTimeout(str(error), remedy="Try again, with a shorter text, a smaller n or a smaller max_tokens.")
    if error.code in ("unknown-adapter", "invalid-adapter"):
        return AdapterUnusable(
            f"version {version} of {external_id}: {error}",
            field="adapter",
            remedy=f"Ask for another version, or go back to one: POST /v1/users/{external_id}/adapters/rollback.",
        )
    if error.code == "invalid-request":
        # What callers may send is checked before, within narrower bounds: this one is ours.
        return EngineMismatch(
            str(error),
            remedy="Nothing is wrong with what you sent. Have the operator restart web and engine in the same version.",
        )
    return EngineUnavailable(
        str(error),
        remedy=f"Try again in {RETRY_UNAVAILABLE_S} seconds; if it stays, have the operator look at the engine's log.",
        headers={"Retry-After": str(RETRY_UNAVAILABLE_S)},
    )

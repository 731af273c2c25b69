"""Why a rewrite was refused or could not be written, each with its status and its remedy."""

from app import engine
from app.engine import AdapterUnusable, EngineTimeout
from app.errors import AppError, TooLarge, Unprocessable
from app.inference.types import EngineError


class EmptyText(Unprocessable):
    type = "empty-text"
    title = "There is nothing to rewrite"


class TextTooLong(TooLarge):
    type = "text-too-long"
    title = "The text is too long"


class PromptTooLong(Unprocessable):
    type = "prompt-too-long"
    title = "The text does not fit into the model's context"


class TooManyVersions(Unprocessable):
    type = "too-many-versions"
    title = "So many versions of so long a text are too many"


class TooMuchRoom(Unprocessable):
    type = "max-tokens-too-large"
    title = "So many tokens more do not fit into the model's context"


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
            remedy="Shorten the text or its longest words, or send it in parts.",
        )
    if error.code == "too-many":
        return TooManyVersions(str(error), field="n", remedy="Ask for a smaller n, or send the text in parts.")
    if error.code == "too-much-room":
        return TooMuchRoom(
            str(error), field="max_tokens", remedy="Ask for a smaller max_tokens, or leave it out: it is then chosen."
        )
    if error.code == "timeout":
        return EngineTimeout(str(error), remedy="Try again, with a shorter text, a smaller n or a smaller max_tokens.")
    if error.code in ("unknown-adapter", "invalid-adapter"):
        return AdapterUnusable(
            f"version {version} of {external_id}: {error}",
            field="adapter",
            remedy=f"Ask for another version, or go back to one: POST /v1/users/{external_id}/adapters/rollback.",
        )
    return engine.explained(error)

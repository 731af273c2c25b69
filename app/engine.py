"""The engine as endpoints ask for it: `engine: EngineDep`, and what its failures mean for whoever asked.

Tests put a fake into `create_app(engine=...)`.
"""

from typing import Annotated, Final

from fastapi import Depends, FastAPI, Request

from app.config import get_settings
from app.errors import AppError, Internal, Unavailable
from app.inference.client import HttpEngine
from app.inference.types import Engine, EngineError
from app.storage import StorageUnavailable

RETRY_UNAVAILABLE_S: Final = 5
RETRY_BUSY_S: Final = 2


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


def engine_of(app: FastAPI) -> Engine:
    """The application's engine, made from the settings when it is first needed."""
    if app.state.engine is None:
        app.state.engine = HttpEngine.of(get_settings())
    engine: Engine = app.state.engine
    return engine


async def _engine(request: Request) -> Engine:
    return engine_of(request.app)


EngineDep = Annotated[Engine, Depends(_engine)]


def explained(error: EngineError) -> AppError:
    """A failure that has nothing to do with what was asked. Whoever asks explains the others, in their own terms."""
    if error.code == "busy":
        return EngineBusy(
            "more waits for the language model than it takes",
            remedy=f"Try again in {RETRY_BUSY_S} seconds.",
            headers={"Retry-After": str(RETRY_BUSY_S)},
        )
    if error.code == "storage-unavailable":
        return StorageUnavailable(str(error))
    if error.code == "timeout":
        return EngineTimeout(str(error), remedy="Try again; if it stays, have the operator look at the engine's log.")
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

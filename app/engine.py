"""The engine as endpoints ask for it: `engine: EngineDep`. Tests put a fake into `create_app(engine=...)`."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request

from app.config import get_settings
from app.inference.client import HttpEngine
from app.inference.types import Engine


def engine_of(app: FastAPI) -> Engine:
    """The application's engine, made from the settings when it is first needed."""
    if app.state.engine is None:
        app.state.engine = HttpEngine.of(get_settings())
    engine: Engine = app.state.engine
    return engine


async def _engine(request: Request) -> Engine:
    return engine_of(request.app)


EngineDep = Annotated[Engine, Depends(_engine)]

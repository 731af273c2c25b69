"""The web process: `uvicorn app.main:app`. It validates, authorises, writes rows and asks the engine; no torch here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from app import errors, log
from app.api import ROUTERS
from app.config import MOST_ARCHIVE_BYTES, get_settings
from app.inference.client import HttpEngine
from app.inference.types import Engine
from app.middleware import BodyLimit, RequestContext


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    log.configure()
    yield
    if isinstance(app.state.engine, HttpEngine):
        await app.state.engine.close()


def create_app(engine: Engine | None = None) -> FastAPI:
    """The application; without an engine it connects to the one in the settings when first asked."""
    app = FastAPI(
        title="Idiolect",
        summary="Rewrites text in each user's own voice.",
        version=version("idiolect"),
        lifespan=lifespan,
        responses=errors.RESPONSES,
    )
    app.state.engine = engine
    errors.install(app)
    larger = {"/adapters/import": MOST_ARCHIVE_BYTES}
    app.add_middleware(BodyLimit, max_bytes=get_settings().max_body_bytes, larger=larger)
    app.add_middleware(RequestContext)
    for router in ROUTERS:
        app.include_router(router)
    return app


app = create_app()

"""The engine as a process: HTTP on loopback for the web and the workers. `python -m app.inference.server`.

The port answers at once; /readyz says what is still missing until the base is loaded and the self-check has passed.
"""

import asyncio
import hmac
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import torch
import uvicorn
from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, TypeAdapter

from app.config import Settings, engine_token, get_settings
from app.inference.base import ensure_base, read_card
from app.inference.engine import Engine, Ticket
from app.inference.model import LlamaModel
from app.inference.selfcheck import PROBE, prove
from app.inference.tokens import Tokens
from app.inference.types import EngineError, RewriteSpec

log = logging.getLogger(__name__)

STATUS: Final = {
    "unavailable": 503,
    "busy": 503,
    "unknown-adapter": 404,
    "too-long": 422,
    "invalid-adapter": 422,
    "timeout": 504,
}
RETRY_AFTER_S: Final = 2
LOOK_FOR_CLIENT_EVERY_S: Final = 0.25


class Loader:
    """Brings the engine up in a thread of its own, so that the server can say how far it is."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine: Engine | None = None
        self.missing = "starting"
        self._thread = threading.Thread(target=self._load, name="loader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self.engine is not None:
            self.engine.stop()

    def ready(self) -> Engine:
        if self.engine is None:
            raise EngineError("unavailable", f"the engine is not ready: {self.missing}")
        return self.engine

    def _load(self) -> None:
        settings = self.settings
        try:
            if settings.threads:
                torch.set_num_threads(settings.threads)
            self.missing = "preparing the base model"
            base = ensure_base(settings)
            self.missing = "loading the base model"
            model, tokens = LlamaModel.load(base, device=settings.device), Tokens.load(base)
            self.missing = "checking that adapters are told apart"
            prove(model, tokens.prompt(PROBE))
            engine = Engine(
                model,
                tokens,
                read_card(base),
                settings.storage_root / "adapters",
                rank=max(settings.adapter_rank, 8),
                cache_bytes=settings.adapter_cache_mb * 2**20,
                max_batch_rows=settings.max_batch_rows,
                max_queue_rows=settings.max_queue_rows,
            )
            engine.start()
            self.engine, self.missing = engine, ""
            log.info("ready: %s on %s, %d adapter slots", engine.card.name, model.device, engine.bank.slots)
        except Exception as error:
            log.exception("the engine cannot start")
            self.missing = f"it cannot start: {error}"


class Warm(BaseModel):
    adapter_digest: str


def create_app(settings: Settings) -> FastAPI:
    loader = Loader(settings)
    token = engine_token(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loader.start()
        yield
        await asyncio.to_thread(loader.stop)

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise Refused

    app = FastAPI(title="Idiolect engine", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    guarded = [Depends(authorised)]

    @app.exception_handler(EngineError)
    async def explain(_: Request, error: Exception) -> JSONResponse:
        code = error.code if isinstance(error, EngineError) else "unavailable"
        headers = {"Retry-After": str(RETRY_AFTER_S)} if STATUS[code] == 503 else None
        return JSONResponse({"code": code, "message": str(error)}, STATUS[code], headers)

    @app.exception_handler(Refused)
    async def refuse(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"code": "refused", "message": "the engine's token is missing or wrong"}, 401)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        if loader.engine is None:
            return JSONResponse({"status": "not ready", "missing": loader.missing}, 503)
        return JSONResponse({"status": "ready"})

    @app.get("/info", dependencies=guarded)
    async def info() -> dict[str, Any]:
        return asdict(loader.ready().info)

    @app.get("/load", dependencies=guarded)
    async def load() -> dict[str, Any]:
        return asdict(loader.ready().load)

    @app.post("/warm", dependencies=guarded)
    async def warm(body: Warm) -> dict[str, float]:
        return {"milliseconds": await asyncio.to_thread(loader.ready().warm, body.adapter_digest)}

    @app.post("/rewrite", dependencies=guarded)
    async def rewrite(request: Request) -> dict[str, Any]:
        engine = loader.ready()
        spec = TypeAdapter(RewriteSpec).validate_python(await request.json())
        ticket = await asyncio.to_thread(engine.submit, spec)
        return asdict(await _answer(ticket, request, settings.rewrite_timeout_s))

    return app


class Refused(Exception):
    """A caller without the engine's token."""


async def _answer(ticket: Ticket, request: Request, timeout_s: float) -> Any:
    """Wait for the ticket, give up when the client has gone or the time is over."""
    answer = asyncio.wrap_future(ticket.answer)
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    while True:
        done, _ = await asyncio.wait({answer}, timeout=LOOK_FOR_CLIENT_EVERY_S)
        if done:
            return answer.result()
        if await request.is_disconnected():
            ticket.cancel()
            raise EngineError("timeout", "the client has gone")
        if loop.time() > until:
            ticket.cancel()
            raise EngineError("timeout", f"not written within {timeout_s:g} s")


def main() -> None:
    settings = get_settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    address = urlsplit(settings.engine_url)
    uvicorn.run(
        create_app(settings),
        host=address.hostname or "127.0.0.1",
        port=address.port or 8471,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()

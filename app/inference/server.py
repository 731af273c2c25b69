"""The engine as a process: HTTP on loopback for the web and the workers. `python -m app.inference.server`.

The port answers at once; /readyz says what is still missing until the base is loaded and the self-check has passed.
Where that fails, or the engine's thread dies, the process ends with status 1: whoever started it starts another.
"""

import asyncio
import hmac
import math
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import structlog
import uvicorn
from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.config import MOST_CANDIDATES, Settings, engine_token, get_settings
from app.inference.fetching import Fetching
from app.inference.listener import Listener, Told
from app.inference.loader import Loader
from app.inference.ticket import Ticket
from app.inference.types import CODES, DEFAULT_TEMPERATURE, EngineError, Heard, RewriteOutcome, RewriteSpec
from app.log import configure
from app.presence import ClientGone, while_present

log = structlog.get_logger(__name__)

RETRY_AFTER_S: Final = 2
GRACE_S: Final = 5
"""What is being written when the process is asked to end may still be finished within this time."""
MOST_SAMPLES: Final = 64


class Refused(Exception):
    """A caller without the engine's token."""


class Warm(BaseModel):
    adapter_digest: str


class Forget(BaseModel):
    adapter_digests: list[str]


def _whole(text: str) -> str:
    """JSON can carry half an emoji, which no tokenizer takes."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds half of a surrogate pair")
    return text


Text = Annotated[str, AfterValidator(_whole)]


class Wanted(BaseModel):
    """A RewriteSpec as it arrives, with the bounds within which an engine can serve it."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    adapter_digest: str | None = None
    tag: Text | None = None
    n: int = Field(default=1, ge=1, le=MOST_SAMPLES)
    temperature: float = Field(default=DEFAULT_TEMPERATURE, ge=0, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int = 0
    tenant_id: str = ""
    user_key: str = ""
    stop: list[Annotated[Text, Field(min_length=1)]] = Field(default=[], max_length=16)
    wants_logprobs: bool = False
    timeout_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    candidates: int = Field(default=1, ge=1, le=MOST_CANDIDATES)

    def spec(self) -> RewriteSpec:
        return RewriteSpec(**self.model_dump())


def create_app(settings: Settings) -> FastAPI:
    loader = Loader(settings)
    token = engine_token(settings)
    fetching = Fetching()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loader.start()
        yield
        await asyncio.to_thread(loader.stop)

    def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise Refused

    app = FastAPI(title="Idiolect engine", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.loader = loader
    guarded = [Depends(authorised)]

    @app.exception_handler(EngineError)
    async def explain(_: Request, error: Exception) -> JSONResponse:
        code = error.code if isinstance(error, EngineError) else "unavailable"
        headers = {"Retry-After": str(RETRY_AFTER_S)} if CODES[code] == 503 else None
        return JSONResponse({"code": code, "message": str(error)}, CODES[code], headers)

    @app.exception_handler(Refused)
    async def refuse(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"code": "refused", "message": "the engine's token is missing or wrong"}, 401)

    @app.exception_handler(RequestValidationError)
    async def correct(_: Request, error: Exception) -> JSONResponse:
        # Field and rule only: the value may be a person's text.
        found = error.errors() if isinstance(error, RequestValidationError) else []
        message = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found)
        return JSONResponse({"code": "invalid-request", "message": message}, CODES["invalid-request"])

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        try:
            route = loader.ready().info.route
        except EngineError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
        return JSONResponse({"status": "ready", "route": route})

    @app.get("/info", dependencies=guarded)
    async def info() -> dict[str, Any]:
        return asdict(loader.ready().info)

    @app.get("/load", dependencies=guarded)
    async def load() -> dict[str, Any]:
        return asdict(loader.ready().load)

    @app.post("/warm", dependencies=guarded)
    async def warm(body: Warm) -> dict[str, float]:
        engine, digest = loader.ready(), body.adapter_digest
        fetched_s = await fetching.have(engine, digest, settings.rewrite_timeout_s)
        return {"milliseconds": 1000 * fetched_s + await asyncio.to_thread(engine.warm, digest)}

    @app.post("/forget", dependencies=guarded)
    async def forget(body: Forget) -> dict[str, Any]:
        await asyncio.to_thread(loader.ready().seats.forget, body.adapter_digests)
        return {}

    @app.post("/rewrite", dependencies=guarded)
    async def rewrite(request: Request, wanted: Wanted) -> dict[str, Any]:
        ticket, left_s = await submitted(wanted)
        return asdict(await _answer(ticket, request, left_s))

    @app.post("/rewrite/stream", dependencies=guarded)
    async def stream(wanted: Wanted) -> Told:
        listener = Listener()
        return Told(listener, *await submitted(wanted, listener.tell))

    @app.get("/adapters/{digest}/peft", dependencies=guarded)
    async def export_peft(digest: str, voice: str | None = None) -> Response:
        engine = loader.ready()
        await fetching.have(engine, digest, settings.rewrite_timeout_s)
        archive = await asyncio.to_thread(engine.export_peft, digest, voice)
        return Response(archive, media_type="application/zip")

    @app.post("/adapters/peft", dependencies=guarded)
    async def import_peft(request: Request) -> Response:
        archive = await request.body()
        packed = await asyncio.to_thread(loader.ready().import_peft, archive)
        return Response(packed, media_type="application/octet-stream")

    async def submitted(wanted: Wanted, tell: Callable[[Heard], None] | None = None) -> tuple[Ticket, float]:
        """With the seconds that it may take."""
        engine, within_s = loader.ready(), min(wanted.timeout_s or math.inf, settings.rewrite_timeout_s)
        fetched_s = await fetching.have(engine, wanted.adapter_digest, within_s)
        return await asyncio.to_thread(engine.submit, wanted.spec(), tell), within_s - round(fetched_s, 1)

    return app


async def _answer(ticket: Ticket, request: Request, timeout_s: float) -> RewriteOutcome:
    """Wait for the ticket; give it up when the client has gone, the time is over or the server stops."""
    try:
        async with asyncio.timeout(timeout_s):
            return await while_present(request, asyncio.wrap_future(ticket.answer))
    except TimeoutError as error:
        raise EngineError("timeout", f"not written within {timeout_s:g} s") from error
    except ClientGone as error:
        raise EngineError("timeout", "the client has gone") from error
    finally:
        ticket.cancel()  # means nothing to a ticket that is answered


class GentleServer(uvicorn.Server):
    """Asked to end, it takes nothing new, lets what is under way go on for GRACE_S, then has the engine decline it.

    uvicorn's own limit would cut connections without a word. It also ends, by itself, when its engine is lost.
    """

    def __init__(self, config: uvicorn.Config, loader: Loader) -> None:
        super().__init__(config)
        self.loader = loader
        self.has_failed = False

    async def on_tick(self, counter: int) -> bool:
        if self.loader.is_lost:
            log.error("the engine is lost: its process ends")
            self.has_failed = True
            return True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        stop = threading.Thread(target=self.loader.stop, daemon=True)
        timer = asyncio.get_running_loop().call_later(GRACE_S, stop.start)
        await super().shutdown(sockets)
        timer.cancel()


def main() -> None:
    settings = get_settings()
    configure()
    address = urlsplit(settings.engine_url)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=address.hostname or "127.0.0.1",
        port=address.port or 8471,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S + 2,
    )
    server = GentleServer(config, app.state.loader)
    server.run()
    if server.has_failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

"""The engine server as the other processes see it: HTTP on loopback, every failure an `EngineError` with a code."""

from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final, Self

import httpx

from app.config import Settings, engine_token
from app.inference.types import EngineError, EngineInfo, EngineLoad, RewriteOutcome, RewriteSpec

CONNECT_TIMEOUT_S: Final = 2.0
STATUS_TIMEOUT_S: Final = 5.0
LOAD_TIMEOUT_S: Final = 1.0

# Shorter than the 5 s after which uvicorn drops an idle connection, so that we never write into a closing one.
LIMITS: Final = httpx.Limits(max_connections=512, max_keepalive_connections=32, keepalive_expiry=2.5)

CODES: Final = frozenset({"unavailable", "busy", "too-long", "unknown-adapter", "invalid-adapter", "timeout"})


class HttpEngine:
    """An `Engine` on the other end of a pool of HTTP connections.

    Use it from one event loop and close it there. `timeout_s` bounds the wait for a rewrite or a warm-up.
    `transport` replaces the network in tests and in front of a Unix socket.
    """

    def __init__(
        self, url: str, token: str, timeout_s: float, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=url, headers=_headers(token), limits=LIMITS, trust_env=False, transport=transport
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.engine_url, engine_token(settings), settings.rewrite_timeout_s)

    async def info(self) -> EngineInfo:
        return EngineInfo(**await self._call("GET", "/info", STATUS_TIMEOUT_S))

    async def load(self) -> EngineLoad:
        return EngineLoad(**await self._call("GET", "/load", STATUS_TIMEOUT_S))

    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
        return RewriteOutcome(**await self._call("POST", "/rewrite", self._timeout_s, asdict(spec)))

    async def warm(self, adapter_digest: str) -> float:
        answer = await self._call("POST", "/warm", self._timeout_s, {"adapter_digest": adapter_digest})
        return float(answer["milliseconds"])

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, path: str, timeout_s: float, body: dict[str, Any] | None = None) -> Any:
        try:
            response = await self._client.request(
                method, path, json=body, timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
            )
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise EngineError("unavailable", "the engine cannot be reached") from error
        except httpx.TimeoutException as error:
            raise EngineError("timeout", f"the engine did not answer within {timeout_s:g} s") from error
        except httpx.TransportError as error:
            raise EngineError("unavailable", "the engine cannot be reached") from error
        return _answer(response)


def engine_load(settings: Settings) -> EngineLoad | None:
    """The engine's load for a worker that wants to give way, or None when no engine answers (nobody to give way to).

    Blocks for at most `LOAD_TIMEOUT_S`; safe to call from any thread.
    """
    try:
        response = _status_client(settings.engine_url, engine_token(settings)).get("/load")
        return EngineLoad(**_answer(response))
    except (httpx.HTTPError, EngineError):
        return None


@lru_cache(maxsize=4)
def _status_client(url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers=_headers(token), timeout=LOAD_TIMEOUT_S, limits=LIMITS, trust_env=False)


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _answer(response: httpx.Response) -> Any:
    if response.status_code in (401, 403):
        raise EngineError("unavailable", "the engine refused our token: both must read the same engine token")
    try:
        body = response.json()
    except ValueError as error:
        raise EngineError("unavailable", f"the engine answered {response.status_code} without JSON") from error
    if response.is_success:
        return body
    code = body.get("code") if isinstance(body, dict) else None
    if code in CODES:
        raise EngineError(code, str(body.get("message", "")))
    raise EngineError("unavailable", f"the engine answered {response.status_code}")

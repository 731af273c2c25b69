"""The engine server as the other processes see it: HTTP on loopback, every failure an `EngineError` with a code."""

import json
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar

import httpx

from app.config import Settings, engine_token
from app.inference.types import CODES, EngineError, EngineInfo, EngineLoad, Heard, RewriteOutcome, RewriteSpec

CONNECT_TIMEOUT_S: Final = 5.0
STATUS_TIMEOUT_S: Final = 5.0

# Shorter than the 5 s after which uvicorn drops an idle connection, so that we never write into a closing one.
LIMITS: Final = httpx.Limits(max_connections=512, max_keepalive_connections=32, keepalive_expiry=2.5)

Answer = TypeVar("Answer", EngineInfo, EngineLoad, RewriteOutcome, Heard)


class HttpEngine:
    """An `Engine` on the other end of a pool of HTTP connections.

    Use it from one event loop and close it there. `timeout_s` bounds the wait for a rewrite or a warm-up.
    """

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, limits=LIMITS, trust_env=False
        )

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(settings.engine_url, engine_token(settings), settings.rewrite_timeout_s)

    async def info(self) -> EngineInfo:
        return _read(EngineInfo, await self._call("GET", "/info", STATUS_TIMEOUT_S))

    async def load(self) -> EngineLoad:
        return _read(EngineLoad, await self._call("GET", "/load", STATUS_TIMEOUT_S))

    async def rewrite(self, spec: RewriteSpec) -> RewriteOutcome:
        return _read(RewriteOutcome, await self._call("POST", "/rewrite", self._timeout_s, asdict(spec)))

    async def stream(self, spec: RewriteSpec) -> AsyncGenerator[Heard | RewriteOutcome, None]:
        """See `Engine.stream`. Whoever stops listening closes the connection, and the engine stops writing."""
        with _named(self._timeout_s):
            async with self._client.stream(
                "POST", "/rewrite/stream", json=asdict(spec), timeout=_patience(self._timeout_s)
            ) as response:
                if not response.is_success:
                    await response.aread()
                    _answer(response)
                async for line in response.aiter_lines():
                    yield _piece(line)

    async def warm(self, adapter_digest: str) -> float:
        answer = await self._call("POST", "/warm", self._timeout_s, {"adapter_digest": adapter_digest})
        return float(answer["milliseconds"])

    async def forget(self, adapter_digests: Collection[str]) -> None:
        await self._call("POST", "/forget", STATUS_TIMEOUT_S, {"adapter_digests": sorted(adapter_digests)})

    async def export_peft(self, adapter_digest: str, voice: str | None = None) -> bytes:
        query = {} if voice is None else {"voice": voice}
        return await self._bytes("GET", f"/adapters/{adapter_digest}/peft", query=query)

    async def import_peft(self, archive: bytes) -> bytes:
        return await self._bytes("POST", "/adapters/peft", archive)

    async def _bytes(
        self, method: str, path: str, content: bytes | None = None, query: Mapping[str, str] = MappingProxyType({})
    ) -> bytes:
        with _named(self._timeout_s):
            response = await self._client.request(
                method, path, content=content, params=query, timeout=_patience(self._timeout_s)
            )
        if not response.is_success:
            _answer(response)
        return response.content

    async def close(self) -> None:
        await self._client.aclose()

    async def _call(self, method: str, path: str, timeout_s: float, body: dict[str, Any] | None = None) -> Any:
        with _named(timeout_s):
            response = await self._client.request(method, path, json=body, timeout=_patience(timeout_s))
        return _answer(response)


def _patience(timeout_s: float) -> httpx.Timeout:
    return httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))


@contextmanager
def _named(timeout_s: float) -> Iterator[None]:
    """Whatever goes wrong on the way is an EngineError."""
    try:
        yield
    except (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError) as error:
        raise EngineError("unavailable", "the engine cannot be reached") from error
    except httpx.TimeoutException as error:
        raise EngineError("timeout", f"the engine did not answer within {timeout_s:g} s") from error
    except httpx.TransportError as error:
        raise EngineError("unavailable", "the engine went away while it was asked") from error


def _piece(line: str) -> Heard | RewriteOutcome:
    try:
        said = json.loads(line)
        if "heard" in said:
            return _read(Heard, said["heard"])
        if "outcome" in said:
            return _read(RewriteOutcome, said["outcome"])
        code = said["code"]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError("unavailable", "the engine's stream cannot be read: is it of our version?") from error
    raise EngineError(code if code in CODES else "unavailable", str(said.get("message", "")))


def _read(kind: type[Answer], body: Any) -> Answer:
    """What we know of the answer; a newer engine may say more."""
    try:
        return kind(**{each.name: body[each.name] for each in fields(kind) if each.name in body})
    except TypeError as error:
        raise EngineError(
            "unavailable", f"the engine's {kind.__name__} lacks a field: is it of our version?"
        ) from error


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

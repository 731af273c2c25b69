"""A rewrite as server-sent events: `start`, then `text` and `replace` while it is written, then `done` or `error`.

- `start`: who writes: `user_id`, `adapter` (version and digest, null for the base), `mode`, `seed`, `notes`.
- `text`: `index` of the text (0 unless `n` is above 1) and the `text` to put behind what came before.
- `replace`: `index`, and the `text` that takes the place of all that came before. What is told first is a first draft,
  written by the person's own voice; if it loses a name, repeats its input or does not end, and a later one does better,
  this comes instead.
- `done`: all that a rewrite without `stream` answers, stored under its `rewrite_id`. Its texts are the truth.
- `error`: the problem that would have been answered, `status` included. Nothing is stored.

Their data are JSON in ASCII: many readers of lines also break them at U+2028 and its like, which texts may hold.

Whoever closes the connection ends the writing within a token, and nothing is stored.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import structlog
from fastapi.sse import format_sse_event

from app.db import explained
from app.errors import AppError
from app.inference.types import Heard
from app.log import where
from app.rewrites.repository import Owned
from app.rewrites.schemas import AdapterRef, RewriteView
from app.rewrites.service import Plan

log = structlog.get_logger(__name__)

KEEP_ALIVE = b":\n\n"


async def events(pieces: AsyncIterator[Plan | Heard | Owned], request_id: str) -> AsyncIterator[bytes]:
    """What `service.stream` tells, for the wire."""
    try:
        async for piece in pieces:
            yield _event(piece)
    except AppError as error:
        yield _sse("error", error.problem(request_id))
    except Exception as error:  # the status is sent long since, so the middleware can answer no more
        log.error("unexpected error", **where(error))
        yield _sse("error", explained(error, request_id).problem(request_id))


def _event(piece: Plan | Heard | Owned) -> bytes:
    if isinstance(piece, Plan):
        return _sse("start", _start(piece))
    if isinstance(piece, Heard):
        if not piece.text and not piece.is_replacement:
            return KEEP_ALIVE
        kind = "replace" if piece.is_replacement else "text"
        return _sse(kind, {"index": piece.sample, "text": piece.text})
    return _sse("done", RewriteView.of(*piece).model_dump(mode="json"))


def _start(plan: Plan) -> dict[str, Any]:
    spec = plan.spec
    adapter = None
    if plan.version is not None and spec.adapter_digest is not None:
        adapter = AdapterRef(version=plan.version, digest=spec.adapter_digest).model_dump()
    about = {"user_id": plan.ask.external_id, "adapter": adapter}
    return about | {"mode": spec.tag, "seed": spec.seed, "notes": plan.notes}


def _sse(event: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(event=event, data_str=json.dumps(data))

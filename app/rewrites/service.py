"""Decides which version and which voice write, asks the engine, and keeps what it wrote.

No transaction is open while the engine works, and a request keeps the version it began with, whatever is promoted
meanwhile.
"""

import random
import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from anyio.to_thread import run_sync
from sqlalchemy.orm import Session

from app.adapters import service as adapters
from app.config import get_settings
from app.db import transaction
from app.errors import NotFound
from app.inference.types import DEFAULT_TEMPERATURE, Engine, EngineError, Heard, RewriteOutcome, RewriteSpec
from app.models import Adapter, Rewrite, User
from app.queue import SCORE_REWRITE, ring
from app.repository import is_stored
from app.rewrites import repository
from app.rewrites.failures import EmptyText, TextTooLong, explained
from app.rewrites.repository import Owned
from app.users import service as users

SEEDS = 2**31


@dataclass(frozen=True)
class Ask:
    """A text and how its sender wants it rewritten. `seed=None`: any."""

    external_id: str
    text: str
    n: int = 1
    temperature: float = DEFAULT_TEMPERATURE
    max_tokens: int | None = None
    seed: int | None = None
    adapter: Literal["active", "base"] | int = "active"
    context: str | None = None
    top_p: float = 1.0
    stop: Sequence[str] = ()
    logprobs: bool = False
    timeout_s: float | None = None


@dataclass(frozen=True)
class Plan:
    """An Ask with everything decided."""

    ask: Ask
    user_id: str
    version: int | None
    spec: RewriteSpec
    notes: list[str]


async def rewrite(engine: Engine, tenant_id: str, ask: Ask) -> Owned:
    """Write the text anew in the person's voice and keep the result, with its scores to follow.

    Raises NotFound for the person or the version, and everything of `app.rewrites.failures`.
    """
    started = time.perf_counter()
    _check(ask.text)
    plan = await run_sync(_planned, tenant_id, ask)
    try:
        outcome = await engine.rewrite(plan.spec)
    except EngineError as error:
        raise explained(error, ask.external_id, plan.version) from error
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return await run_sync(_kept, tenant_id, plan, outcome, outcome.timing | {"total": milliseconds})


async def stream(engine: Engine, tenant_id: str, ask: Ask) -> AsyncGenerator[Plan | Heard | Owned, None]:
    """As `rewrite`, but told while it is written: the plan once it is accepted, news of the texts, what was kept.

    Raises what `rewrite` does, before the plan if it can.
    """
    started = time.perf_counter()
    _check(ask.text)
    plan = await run_sync(_planned, tenant_id, ask)
    outcome: RewriteOutcome | None = None
    try:
        async with aclosing(engine.stream(plan.spec)) as pieces:
            is_accepted = False
            async for piece in pieces:
                if isinstance(piece, RewriteOutcome):
                    outcome = piece
                    break
                yield piece if is_accepted else plan
                is_accepted = True
        if outcome is None:
            raise EngineError("unavailable", "the engine went away while it wrote")
    except EngineError as error:
        raise explained(error, ask.external_id, plan.version) from error
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    yield await run_sync(_kept, tenant_id, plan, outcome, outcome.timing | {"total": milliseconds})


def get(session: Session, rewrite_id: str) -> Owned:
    owned = repository.get(session, rewrite_id)
    if owned is None:
        raise NotFound(
            f"there is no rewrite {rewrite_id}",
            field="rewrite_id",
            remedy="Use the rewrite_id that POST /v1/rewrite answered; a person's rewrites go when they are erased.",
        )
    return owned


def page(session: Session, external_id: str, cursor: str | None, limit: int) -> tuple[Sequence[Rewrite], str | None]:
    """A person's rewrites, newest first, and the cursor of the next page."""
    return repository.page(session, users.get(session, external_id).id, cursor, limit)


def _check(text: str) -> None:
    longest = get_settings().max_text_chars
    if not text.strip():
        raise EmptyText("text has no words", field="text", remedy="Send the text that is to be rewritten.")
    if len(text) > longest:
        raise TextTooLong(
            f"text has {len(text)} characters; at most {longest} are rewritten at once",
            field="text",
            remedy="Send its paragraphs one by one.",
        )


def _planned(tenant_id: str, ask: Ask) -> Plan:
    with transaction(tenant_id, read_only=True) as session:
        return plan(session, tenant_id, ask)


def plan(session: Session, tenant_id: str, ask: Ask) -> Plan:
    """Choose version, voice and seed. Raises NotFound and UnknownVoice."""
    user = users.get(session, ask.external_id, field="user_id")
    seed = secrets.randbelow(SEEDS) if ask.seed is None else ask.seed
    notes: list[str] = []
    version = _version(session, user, ask.adapter)
    if version is None and ask.adapter == "active":
        notes.append("this person has no active version yet: the base model wrote this")
    tag = _voice(version, ask.context, seed)
    if tag is None and ask.context is not None:
        notes.append("context was ignored: what wrote this has one voice only")
    spec = RewriteSpec(
        text=ask.text,
        adapter_digest=version.digest if version else None,
        tag=tag,
        n=ask.n,
        temperature=ask.temperature,
        max_tokens=ask.max_tokens,
        seed=seed,
        tenant_id=tenant_id,
        user_key=user.id,
        top_p=ask.top_p,
        stop=list(ask.stop),
        wants_logprobs=ask.logprobs,
        timeout_s=ask.timeout_s,
        candidates=get_settings().rewrite_candidates,
    )
    return Plan(ask, user.id, version.version if version else None, spec, notes)


def _version(session: Session, user: User, choice: Literal["active", "base"] | int) -> Adapter | None:
    if choice == "base":
        return None
    if choice == "active":
        return adapters.active(session, user.id)
    return adapters.get(session, user.id, choice, field="adapter")


def _voice(version: Adapter | None, context: str | None, seed: int) -> str | None:
    """The tag of the voice to ask for; None where there is but one."""
    modes: list[Any] = version.modes if version else []
    if version is None or not modes:
        return None
    if context is not None:
        return adapters.voice_named(version, context)
    tags = [str(mode["tag"]) for mode in modes]
    return random.Random(seed).choices(tags, [float(mode["share"]) for mode in modes])[0]


def _kept(tenant_id: str, plan: Plan, outcome: RewriteOutcome, timing: dict[str, float]) -> Owned:
    row = _row(tenant_id, plan, outcome, timing)
    with transaction(tenant_id) as session:
        if not is_stored(session, row):
            raise users.UnknownUser(
                f"{plan.ask.external_id} was erased while the text was written",
                field="user_id",
                remedy="Send the request again if it was meant for the person who has this id now.",
            )
        ring(session, SCORE_REWRITE, rewrite_id=row.id)
    return row, plan.ask.external_id


def _row(tenant_id: str, plan: Plan, outcome: RewriteOutcome, timing: dict[str, float]) -> Rewrite:
    ask = plan.ask
    return Rewrite(
        tenant_id=tenant_id,
        user_id=plan.user_id,
        text=ask.text,
        outputs=outcome.texts,
        adapter_version=plan.version,
        adapter_digest=outcome.adapter_digest,
        base_digest=outcome.base_digest,
        mode=plan.spec.tag,
        seed=plan.spec.seed,
        parameters={
            "n": ask.n,
            "temperature": ask.temperature,
            "top_p": ask.top_p,
            "stop": list(ask.stop),
            "max_tokens": ask.max_tokens,
            "candidates": plan.spec.candidates,
            "adapter": ask.adapter,
            "context": ask.context,
            "notes": plan.notes,
        },
        usage={
            "prompt_tokens": outcome.prompt_tokens,
            "completion_tokens": outcome.completion_tokens,
            "finish": outcome.finish,
            "faithfulness": outcome.faithfulness,
            "lost": outcome.lost,
            "logprobs": outcome.logprobs,
        },
        timing=timing,
    )

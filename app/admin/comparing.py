"""One text written by the base model and by a version at once, with the same seed, so that only the voice differs."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio
from anyio.to_thread import run_sync

from app.admin.differences import Run, compared
from app.errors import AppError
from app.inference.types import Engine
from app.models import Rewrite
from app.rewrites import service
from app.rewrites.service import Ask

BASE: Final = "Base model"


@dataclass(frozen=True)
class Column:
    """What one of them wrote, or why it did not."""

    title: str
    rewrite: Rewrite | None
    problem: AppError | None
    runs: list[Run]

    @property
    def lost(self) -> list[str]:
        """Names, figures and addresses of the text that it does not tell."""
        return (self.rewrite.usage.get("lost") or [[]])[0] if self.rewrite else []


async def side_by_side(
    engine: Engine, tenant_id: str, external_id: str, text: str, version: int | None, context: str | None, seed: int
) -> list[Column]:
    """The base model's column and, unless `version` is None, that of the version.

    If one fails the other still shows; if all do, the first failure is raised.
    """
    asks = [Ask(external_id, text, seed=seed, adapter="base")]
    if version is not None:
        asks.append(Ask(external_id, text, seed=seed, adapter=version, context=context))
    rewrites: dict[int, Rewrite] = {}
    problems: dict[int, AppError] = {}

    async def attempt(index: int, ask: Ask) -> None:
        try:
            rewrites[index] = (await service.rewrite(engine, tenant_id, ask))[0]
        except AppError as problem:
            problems[index] = problem

    async with anyio.create_task_group() as tasks:
        for index, ask in enumerate(asks):
            tasks.start_soon(attempt, index, ask)
    if not rewrites:
        raise problems[0]
    texts = [rewrites[index].outputs[0] if index in rewrites else "" for index in range(len(asks))]
    runs = await run_sync(partial(_runs, texts))
    return [
        Column(BASE if ask.adapter == "base" else f"Version {version}", rewrites.get(index), problems.get(index), run)
        for index, (ask, run) in enumerate(zip(asks, runs, strict=True))
    ]


def _runs(texts: list[str]) -> list[list[Run]]:
    """Differences are marked only where there are two texts to compare."""
    if len(texts) == 2 and all(texts):
        return list(compared(*texts))
    return [[Run(text, False)] for text in texts]

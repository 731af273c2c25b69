"""Random adapters, in memory and as files; asking an engine; a model that can be stopped in the middle of writing."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from app.inference import adapter_file
from app.inference.adapter_file import Adapter, Branch
from app.inference.architecture import Shape
from app.inference.delta import Group
from app.inference.engine import Engine
from app.inference.model import LlamaModel
from app.inference.ticket import Ticket
from app.inference.types import RewriteOutcome, RewriteSpec

WAIT_S = 240
VOICES = ["work", "friends"]


def adapter(
    shape: Shape, rank: int, seed: int, groups: Iterable[Group] = (), *, base: str = "", size: float = 0.1
) -> Adapter:
    """On all groups unless told."""
    chance = torch.Generator().manual_seed(seed)
    down: dict[Group, Tensor] = {}
    up: dict[Group, Tensor] = {}
    for group in groups or shape.fused:
        linear = shape.fused[group]
        down[group] = torch.randn(shape.layers, len(linear.parts) * rank, linear.inputs, generator=chance) * size
        up[group] = torch.randn(shape.layers, linear.width, rank, generator=chance) * size
    return Adapter(rank=rank, alpha=2.0 * rank, base_digest=base, down=down, up=up)


def of_voices(
    shape: Shape, tags: Sequence[str], *, rank: int = 4, voice_rank: int = 2, base: str = "", size: float = 0.1
) -> Adapter:
    """A random trunk, with a random branch for each of these tags."""
    loras = [adapter(shape, voice_rank, 50 + number, base=base, size=size) for number in range(len(tags))]
    branches = {tag: Branch(lora.down, lora.up) for tag, lora in zip(tags, loras, strict=True)}
    return replace(adapter(shape, rank, 49, base=base, size=size), voice_rank=voice_rank, voices=branches)


def stored(folder: Path, made: Adapter) -> str:
    """The digest of an adapter, now in the folder."""
    data = adapter_file.pack(made)
    digest = adapter_file.digest_of(data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{digest}.safetensors").write_bytes(data)
    return digest


def voice(engine: Engine, seed: int, *, base: str | None = None, size: float = 0.1) -> str:
    """The digest of a new random adapter in the engine's folder."""
    base = engine.card.digest if base is None else base
    return stored(engine.seats.near.storage.folder, adapter(engine.model.architecture, 4, seed, base=base, size=size))


def two_voices(engine: Engine) -> tuple[str, Adapter]:
    """An adapter of these voices in the engine's folder, and its digest."""
    made = of_voices(engine.model.architecture, VOICES, base=engine.card.digest)
    return stored(engine.seats.near.storage.folder, made), made


def answer(engine: Engine, **spec: object) -> RewriteOutcome:
    given = {"text": "The parcel arrived on Friday.", "max_tokens": 12} | spec
    return engine.submit(RewriteSpec(**given)).answer.result(WAIT_S)  # type: ignore[arg-type]


def together(engine: Engine, specs: Iterable[RewriteSpec]) -> list[Ticket]:
    """Submit them before the engine's thread can look at the first."""
    with engine._changed:
        return [engine.submit(spec) for spec in specs]


class Gate:
    """Stops the model before its third pass until somebody opens, and counts the passes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passes = 0
        self.is_reached, self.is_open = threading.Event(), threading.Event()
        run = LlamaModel.run

        def gated(model: LlamaModel, *arguments: Any) -> Tensor:
            self.passes += 1
            if self.passes == 3:
                self.is_reached.set()
                assert self.is_open.wait(WAIT_S)
            return run(model, *arguments)

        monkeypatch.setattr(LlamaModel, "run", gated)

    def wait(self) -> None:
        assert self.is_reached.wait(WAIT_S)

    def open(self) -> None:
        self.is_open.set()

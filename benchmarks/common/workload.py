"""What everybody is given: the same base, the same passages, the same adapters in the format that each one reads."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from app.assets.neutral import neutral_prompts
from app.inference import adapter_file
from app.inference.adapter_file import Adapter
from app.inference.architecture import Architecture, FusedLinear, Shape
from app.inference.card import read_card
from app.inference.delta import GROUPS
from app.inference.facts import names
from app.inference.tokens import Tokens
from app.inference.types import prompt_for

RANK, ALPHA = 8, 16.0
SPREAD = 0.004
"""Standard deviation of B; those of trained adapters have about half of it. Enough that every one writes otherwise."""


@dataclass(frozen=True)
class Batch:
    """Rows that are written together: a passage each, and the adapter that writes it (None: the base)."""

    passages: Sequence[str]
    adapters: Sequence[int | None]

    @classmethod
    def of(cls, rows: int, words: int, *, adapters: int | None = None) -> Self:
        """With `adapters` row i has adapter i modulo so many, else the base."""
        chosen = [None if adapters is None else row % adapters for row in range(rows)]
        return cls(passages(rows, words), chosen)


@dataclass(frozen=True)
class Workload:
    """A base and adapters on disk."""

    base: Path
    folder: Path
    adapters: list[str]
    """Digests; the files lie in `folder`/adapters."""

    @classmethod
    def make(cls, base: Path, folder: Path, *, adapters: int) -> Self:
        """Write what is missing of so many distinct adapters, always the same ones for the same base."""
        architecture, digest = Architecture.load(base), read_card(base).digest
        folder /= f"{digest[:12]}-{adapter_file.FORMAT}"
        return cls(base, folder, list(_written(architecture, digest, folder, adapters)))

    @property
    def adapter_share(self) -> float:
        """Numbers of an adapter over numbers of the base."""
        architecture = Architecture.load(self.base)
        linears = [architecture.fused[group] for group in GROUPS]
        numbers = sum(len(each.parts) * each.inputs + each.width for each in linears)
        return architecture.layers * RANK * numbers / architecture.parameters

    def file(self, digest: str) -> Path:
        return self.folder / "adapters" / f"{digest}.safetensors"

    def adapter(self, digest: str) -> Adapter:
        card, architecture = read_card(self.base), Architecture.load(self.base)
        return adapter_file.read(self.file(digest), architecture, base_digest=card.digest)

    def question(self, batch: Batch, tokens: int | None) -> dict[str, Any]:
        """`tokens` exactly in every row; None: as long as the text is."""
        vocabulary = Tokens.load(self.base)
        prompts = [prompt_for(passage, None) for passage in batch.passages]
        return {
            "op": "write",
            "passages": list(batch.passages),
            "prompts": prompts,
            "ids": [vocabulary.prompt(prompt) for prompt in prompts],
            "adapters": list(batch.adapters),
            "tokens": tokens,
        }


def passages(count: int, words: int) -> list[str]:
    """Different everyday texts of at most `words` words, as near to it as whole messages come.

    Every second one, from the first on, has no name or figure in it: there our engine writes what the likeliest words
    are, as everybody else does; elsewhere it helps names along, and its text may differ.
    """
    messages = neutral_prompts()
    plain = [message for message in messages if not names(message)]
    named = [message for message in messages if names(message)]
    pools = (plain, named)
    return [_passage(pools[number % 2], 3 * (number // 2), words) for number in range(count)]


def _passage(messages: Sequence[str], start: int, words: int) -> str:
    """Messages from the one at `start` on, leaving out those that are too long."""
    text = messages[start % len(messages)]
    for place in range(start + 1, start + len(messages)):
        if len(text.split()) >= words - 2:
            break
        longer = f"{text} {messages[place % len(messages)]}"
        if len(longer.split()) <= words:
            text = longer
    return " ".join(text.split()[:words])


def _written(architecture: Architecture, base_digest: str, folder: Path, count: int) -> Iterator[str]:
    """Digests of random adapters in `folder`/adapters; an index says which are there, so none is made twice."""
    (folder / "adapters").mkdir(parents=True, exist_ok=True)
    index = folder / "adapters.txt"
    known = index.read_text().split() if index.exists() else []
    for number in range(count):
        if number < len(known) and (folder / "adapters" / f"{known[number]}.safetensors").exists():
            yield known[number]
            continue
        data = adapter_file.pack(random_adapter(architecture, base_digest, number))
        digest = adapter_file.digest_of(data)
        (folder / "adapters" / f"{digest}.safetensors").write_bytes(data)
        known[number : number + 1] = [digest]
        index.write_text("\n".join(known) + "\n")
        yield digest


def random_adapter(shape: Shape, base_digest: str, number: int) -> Adapter:
    """Like a trained one in shape, size and dtype: every linear of every layer, bfloat16."""
    chance = torch.Generator().manual_seed(number)

    def down(linear: FusedLinear) -> torch.Tensor:
        size = (shape.layers, len(linear.parts) * RANK, linear.inputs)
        return ((2 * torch.rand(size, generator=chance) - 1) / math.sqrt(linear.inputs)).bfloat16()

    def up(linear: FusedLinear) -> torch.Tensor:
        return (SPREAD * torch.randn((shape.layers, linear.width, RANK), generator=chance)).bfloat16()

    return Adapter(
        rank=RANK,
        alpha=ALPHA,
        base_digest=base_digest,
        down={group: down(linear) for group, linear in shape.fused.items()},
        up={group: up(linear) for group, linear in shape.fused.items()},
    )

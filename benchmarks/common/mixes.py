"""A text written alone and in random company: how often it becomes another, and how far its logits move."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from app.inference.bank import Bank
from app.inference.language_model import LanguageModel
from app.inference.writing import Line, Writing


@dataclass(frozen=True)
class Parted:
    mixes: int
    parted: int
    """Mixes in which the text became another."""
    largest: float
    """Largest difference of a logit, over the whole vocabulary, as long as the texts were the same."""


@dataclass
class Heard:
    ids: list[int]
    logits: list[Tensor] = field(default_factory=list)
    """Of each token, on its whole vocabulary."""


class Watched(Writing):
    """Keeps the logits of one line."""

    def watch(self, line: Line) -> Heard:
        self.target, self.heard = line, Heard(line.ids)
        return self.heard

    def _draw(self, logits_B_V: Tensor, rows: list[int]) -> None:
        lines = [self.lines[row] for row in rows]
        if self.target in lines:
            self.heard.logits.append(logits_B_V[lines.index(self.target)].float().clone())
        super()._draw(logits_B_V, rows)


def compared(model: LanguageModel, bank: Bank, prompts: Sequence[list[int]], tokens: int, mixes: int) -> Parted:
    """The first prompt continued through slot 1 of the bank, alone and in so many mixes."""
    alone = mixed(model, bank, prompts, tokens, None)
    parted, largest = 0, 0.0
    for mix in range(mixes):
        found = mixed(model, bank, prompts, tokens, mix)
        parted += found.ids != alone.ids
        common = next((n for n, (a, b) in enumerate(zip(alone.ids, found.ids, strict=False)) if a != b), len(alone.ids))
        pairs = list(zip(alone.logits, found.logits, strict=False))[: common + 1]
        largest = max(largest, *((a - b).abs().max().item() for a, b in pairs))
    return Parted(mixes, parted, largest)


def mixed(model: LanguageModel, bank: Bank, prompts: Sequence[list[int]], tokens: int, mix: int | None) -> Heard:
    """What one line writes alone (None), or among others who come and go."""
    chance = random.Random(mix)
    writing = Watched(model, bank.rows)
    target = Line(1, 11, tokens, 0.8, source=prompts[0])
    heard = writing.watch(target)

    def join_another() -> None:
        prompt, slot = chance.choice(prompts), chance.randint(0, bank.slots)
        temperature, source = chance.choice([0.0, 0.7, 1.2]), chance.choice([prompt, []])
        nucleus, seed, limit = chance.choice([0.9, 1.0]), chance.randint(0, 99), chance.randint(1, tokens)
        writing.join(prompt, [Line(slot, seed, limit, temperature, nucleus, source=source)])

    for _ in range(0 if mix is None else chance.randint(0, 5)):
        join_another()
    for _ in range(0 if mix is None else chance.randint(0, 3)):
        writing.step()
    writing.join(prompts[0], [target])
    while not target.is_over:
        if mix is not None and chance.random() < 0.3:
            join_another()
        writing.step(32)
    return heard

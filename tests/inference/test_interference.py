"""Nobody hears anybody else: a text written alone and among others, in float32 and in bfloat16.

`--log-cli-level=INFO` shows how often rounding made texts part and the largest difference of a logit until then.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from app.config import get_settings
from app.inference.bank import Bank
from app.inference.base import ensure_base
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import prompt_for
from app.inference.writing import Line, Writing
from tests.inference.voices import adapter

log = logging.getLogger(__name__)

MIXES = 20
TARGET = Line(0, 0, 1)


@dataclass
class Heard:
    ids: list[int]
    logits: list[Tensor] = field(default_factory=list)
    """Of each token, on its whole vocabulary."""


class Watched(Writing):
    """Keeps the logits of one line."""

    target = TARGET

    def watch(self, line: Line) -> Heard:
        self.target, self.heard = line, Heard(line.ids)
        return self.heard

    def _draw(self, logits_B_V: Tensor, rows: list[int]) -> None:
        lines = [self.lines[row] for row in rows]
        if self.target in lines:
            self.heard.logits.append(logits_B_V[lines.index(self.target)].float().clone())
        super()._draw(logits_B_V, rows)


def mixed(model: LlamaModel, bank: Bank, prompts: Sequence[list[int]], tokens: int, mix: int | None) -> Heard:
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


def compared(model: LlamaModel, prompts: Sequence[list[int]], tokens: int, mixes: int = MIXES) -> tuple[int, float]:
    """Mixes in which the line wrote something else, and the largest difference of a logit while it did not."""
    bank = Bank(model.architecture, slots=4, rank=8, dtype=model.dtype, device=model.device)
    for slot in range(1, 5):
        bank.load(slot, adapter(model.architecture, 8, slot, size=0.02))
    alone = mixed(model, bank, prompts, tokens, None)
    parted, largest = 0, 0.0
    for mix in range(mixes):
        found = mixed(model, bank, prompts, tokens, mix)
        parted += found.ids != alone.ids
        common = next((n for n, (a, b) in enumerate(zip(alone.ids, found.ids, strict=False)) if a != b), len(alone.ids))
        pairs = list(zip(alone.logits, found.logits, strict=False))[: common + 1]
        largest = max(largest, *((a - b).abs().max().item() for a, b in pairs))
    return parted, largest


PASSAGES = (
    "The train from Vienna was two hours late again, so I missed the meeting and had to call Anna from the station.",
    "Please send me the invoice before Friday.",
    "We would like to thank everybody who came to the garden party on Saturday. It rained all afternoon, but nobody "
    "seemed to mind, and the children danced in the puddles until their parents carried them home.",
    "Could you tell me whether the library is open on Sundays in August?",
)
PROMPTS = [[5, 6, 7, 8, 9, 5, 6], [20, 21], [30, 31, 32], list(range(40, 90))]


def test_in_float32_a_text_is_the_same_alone_and_among_others(tiny_model: LlamaModel) -> None:
    parted, largest = compared(tiny_model, PROMPTS, 60)
    log.info("float32: %d of %d mixes parted, largest difference of a logit %.2g", parted, MIXES, largest)
    assert parted == 0
    assert largest < 1e-3


def test_in_bfloat16_it_differs_by_no_more_than_rounding(tiny_base: Path) -> None:
    model = LlamaModel.load(tiny_base, dtype=torch.bfloat16)
    parted, largest = compared(model, PROMPTS, 60)
    log.info("bfloat16: %d of %d mixes parted, largest difference of a logit %.2g", parted, MIXES, largest)
    assert largest < 0.5


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.parametrize(("dtype", "mixes"), [(torch.float32, MIXES), (torch.bfloat16, 5)])
def test_the_packaged_base_keeps_people_apart(dtype: torch.dtype, mixes: int) -> None:
    """Few mixes in bfloat16, which a processor without its arithmetic computes very slowly.

    Of passages as people send them: after tokens at random thousands of words are about as likely, each so unlikely
    that the last digit of a sum decides between neighbours.
    """
    base = ensure_base(get_settings())
    model, tokens = LlamaModel.load(base, dtype=dtype), Tokens.load(base)
    parted, largest = compared(model, [tokens.prompt(prompt_for(text, None)) for text in PASSAGES], 24, mixes)
    log.info("%s: %d of %d mixes parted, largest difference of a logit %.2g", dtype, parted, mixes, largest)
    assert largest < (0.01 if dtype == torch.float32 else 3)
    assert dtype != torch.float32 or parted == 0

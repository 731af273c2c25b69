"""Nobody hears anybody else: a text written alone and among others, in float32 and in bfloat16.

`--log-cli-level=INFO` shows how often rounding made texts part and the largest difference of a logit until then.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from app.config import get_settings
from app.inference.bank import Bank
from app.inference.base import ensure_base
from app.inference.language_model import LanguageModel
from app.inference.model import LlamaModel
from app.inference.tokens import Tokens
from app.inference.types import prompt_for
from benchmarks.common.mixes import Parted, compared
from tests.inference.voices import adapter

log = logging.getLogger(__name__)

MIXES = 20


def company(model: LanguageModel, prompts: Sequence[list[int]], tokens: int, mixes: int = MIXES) -> Parted:
    """Of a line beside those of three other adapters and the base."""
    bank = Bank(model.architecture, slots=4, rank=8, dtype=model.dtype, device=model.device)
    for slot in range(1, 5):
        bank.load(slot, adapter(model.architecture, 8, slot, size=0.02))
    found = compared(model, bank, prompts, tokens, mixes)
    log.info("%s: %s", model.dtype, found)
    return found


PASSAGES = (
    "The train from Vienna was two hours late again, so I missed the meeting and had to call Anna from the station.",
    "Please send me the invoice before Friday.",
    "We would like to thank everybody who came to the garden party on Saturday. It rained all afternoon, but nobody "
    "seemed to mind, and the children danced in the puddles until their parents carried them home.",
    "Could you tell me whether the library is open on Sundays in August?",
)
PROMPTS = [[5, 6, 7, 8, 9, 5, 6], [20, 21], [30, 31, 32], list(range(40, 90))]


def test_in_float32_a_text_is_the_same_alone_and_among_others(tiny_model: LlamaModel) -> None:
    found = company(tiny_model, PROMPTS, 60)
    assert found.parted == 0
    assert found.largest < 1e-3


def test_in_bfloat16_it_differs_by_no_more_than_rounding(tiny_base: Path) -> None:
    model = LlamaModel.load(tiny_base, dtype=torch.bfloat16)
    assert company(model, PROMPTS, 60).largest < 0.5


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
    found = company(model, [tokens.prompt(prompt_for(text, None)) for text in PASSAGES], 24, mixes)
    assert found.largest < (0.01 if dtype == torch.float32 else 3)
    assert dtype != torch.float32 or found.parted == 0

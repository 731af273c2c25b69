"""Prompts, and texts written to their end."""

from collections.abc import Sequence

from app.inference.delta import Delta
from app.inference.generate import generate
from app.inference.language_model import LanguageModel
from app.inference.writing import Writing

PROMPTS = [[5, 6, 7, 8, 9], [20, 21], [30, 31, 32], list(range(40, 80))]
NEVER: frozenset[int] = frozenset()


def nobody(_: Sequence[int]) -> Delta | None:
    return None


def alone(model: LanguageModel, number: int, tokens: int) -> list[int]:
    return generate(model, [PROMPTS[number]], seeds=[number], max_tokens=tokens, stop_ids=NEVER).ids[0]


def finish(writing: Writing, most: int | None = None) -> None:
    while not writing.is_idle:
        writing.step(most)

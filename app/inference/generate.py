"""Writing a whole batch to its end: for rollouts, evaluation and whoever else has all prompts at hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from app.inference.delta import Delta
from app.inference.language_model import LanguageModel
from app.inference.sampling import NotFinite
from app.inference.writing import Helper, Line, Writing, alone

T = TypeVar("T")


@dataclass(frozen=True)
class Generation:
    """B rows: every prompt as often as its group is large, groups contiguous."""

    ids: list[list[int]]
    """With the stop id, where the row wrote one."""
    is_finished: list[bool]
    """Whether the row wrote a stop id; else it met its limit."""
    logprobs: list[list[float]]
    """Of the tokens in `ids`, at the row's temperature (1 where it is 0), with the help it had."""


@torch.inference_mode()
def generate(
    model: LanguageModel,
    prompts: Sequence[Sequence[int]],
    *,
    seeds: Sequence[int],
    max_tokens: int | Sequence[int],
    temperature: float | Sequence[float] = 1.0,
    top_p: float | Sequence[float] = 1.0,
    group_size: int | Sequence[int] = 1,
    delta: Delta | None = None,
    stop_ids: frozenset[int] | None = None,
    between: Callable[[], None] = lambda: None,
    helpers: Sequence[Helper] = (),
) -> Generation:
    """Continue every prompt `group_size` times. Lists hold one value for each of the B rows; seeds must.

    A list of group sizes has one for each prompt.

    `delta` has one row per prompt. `stop_ids` default to the model's own. `between` is called before every pass
    through the model, about every 20-100 ms: it may wait, and it may raise to give up. `helpers` is empty or
    has one for each row.
    Raises ValueError for an empty prompt or one that leaves no room for its tokens in the context, and NotFinite.
    """
    sizes = _per_row(group_size, len(prompts))
    owners = [prompt for prompt, size in enumerate(sizes) for _ in range(size)]
    rows = len(owners)
    limits, temperatures, nuclei = (_per_row(max_tokens, rows), _per_row(temperature, rows), _per_row(top_p, rows))
    streams: list[int] = _per_row(seeds, rows)
    _check([len(prompts[prompt]) for prompt in owners], limits, model.architecture.context_tokens)
    lines = [
        Line(owner, seed, limit, heat, nucleus, helped)
        for owner, seed, limit, heat, nucleus, helped in zip(
            owners, streams, limits, temperatures, nuclei, helpers or [alone] * rows, strict=True
        )
    ]

    def delta_of(prompts_B: Sequence[int]) -> Delta | None:
        return delta.select(torch.tensor(prompts_B, device=model.device)) if delta else None

    writing = Writing(model, delta_of, stop_ids)
    for number, prompt in enumerate(prompts):
        writing.join(prompt, [line for line in lines if line.owner == number])
    while not all(line.is_over for line in lines):
        between()
        if any(line.is_broken for line in writing.step()):
            raise NotFinite("the model's output is not finite")
    return Generation(
        [line.ids for line in lines], [line.is_finished for line in lines], [line.logprobs for line in lines]
    )


def _per_row(value: T | Sequence[T], rows: int) -> list[T]:
    """One value for each row, from one for all or one for each."""
    if not isinstance(value, Sequence):
        return [value] * rows
    if len(value) != rows:
        raise ValueError(f"{len(value)} values for {rows} rows")
    return list(value)


def _check(lengths: Sequence[int], limits: Sequence[int], context: int) -> None:
    """Prompt tokens and limit of each row."""
    for length, limit in zip(lengths, limits, strict=True):
        if length == 0:
            raise ValueError("a prompt needs at least one token")
        if limit < 1 or length + limit > context:
            raise ValueError(f"{length} prompt tokens and up to {limit} more do not fit a context of {context}")

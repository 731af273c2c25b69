"""What the learning loops need from the world: a policy, rewards, encoders. All come in as plain callables.

Axes in names: _P prompt, _G sample of one prompt's group, _B row of a batch (B = P * G, groups contiguous), _T token,
_K mode (one of a person's voices), _D embedding dimension, _N text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

Encoder = Callable[[Sequence[str]], Tensor]
"""Texts to unit rows [N, D], float32 on the CPU."""

EntityFinder = Callable[[Sequence[str]], list[frozenset[str]]]
"""The named entities of each text, lower-cased."""

Told = Callable[[str, str], float]
"""A text and its rewrite to the share of the text's sentences that the rewrite says, in [0, 1]; NaN = none to judge."""

LanguageModelScore = Callable[[Sequence[str]], Tensor]
"""Mean log-likelihood per token under the base model [N], in nats; higher = more predictable; NaN = too short."""

Metrics = dict[str, float]


@dataclass(frozen=True)
class Pair:
    """A supervised example: a prompt as the policy sees it, and the completion to learn (no prefix, no EOS)."""

    prompt: str
    completion: str


@dataclass(frozen=True)
class Preference:
    """Two completions of one prompt as the policy sees it, one of them better (no prefix, no EOS)."""

    prompt: str
    chosen: str
    rejected: str


@dataclass(frozen=True)
class Rollouts:
    """G samples of each of P prompts, flattened to B = P * G rows, groups contiguous."""

    prompts: list[str]
    texts: list[str]
    """Completions as decoded, including the format prefix if the policy wrote it."""
    prompt_ids: list[list[int]]
    completion_ids: list[list[int]]
    """With the end-of-text token where the policy wrote one."""
    is_finished: list[bool]
    """Whether the row ended by itself rather than at the token limit."""
    logprobs_B_T: Tensor
    """Log-probabilities of the sampled tokens at sampling time and temperature; padding is 0."""
    mask_B_T: Tensor
    """1.0 on completion tokens, 0.0 on padding."""


class Policy(Protocol):
    """A language model with trainable parameters, as far as a learning loop can see."""

    def sample(
        self, prompts: Sequence[str], group_size: int, *, max_tokens: int, temperature: float, seed: int
    ) -> Rollouts: ...

    def logprobs(self, rollouts: Rollouts, rows: Sequence[int], *, temperature: float = 1.0) -> Tensor:
        """Log-probabilities [len(rows), T] of the sampled tokens under the present parameters, with gradient."""
        ...

    def imitation_logprobs(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """Log-probabilities and mask [B, T] of `prefix + completion + EOS` given each prompt, with gradient."""
        ...

    def texts(self, completion_ids: Sequence[Sequence[int]]) -> list[str]:
        """Completions as decoded; also the first tokens of some."""
        ...

    def states(self, rollouts: Rollouts, rows: Sequence[int]) -> Tensor:
        """What the policy had read before it wrote each token [len(rows), T, E]: the state that predicts it, float32.

        Without gradient; 0 on padding. What a critic sees.
        """
        ...

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...

    def state_dict(self) -> Mapping[str, Tensor]: ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> object: ...


@dataclass(frozen=True)
class Step:
    """What a loop yields after each optimiser step. The caller logs, checkpoints, cancels or stops."""

    index: int
    """1-based number of steps done."""
    total: int
    metrics: Metrics
    texts: list[str] = field(default_factory=list)
    """A few texts the policy wrote in this step, for people to read."""


@dataclass(frozen=True)
class Mode:
    """One of a person's voices: its tag in prompts, its share of their samples, and the samples themselves."""

    tag: str
    share: float
    texts: list[str]

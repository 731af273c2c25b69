"""Cut, pick and join rollouts. Rows keep their tokens; only the width of the padding changes."""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from app.learning.types import Rollouts


def pick(rollouts: Rollouts, rows: Sequence[int]) -> Rollouts:
    """These rows, in this order."""
    chosen = list(rows)
    return Rollouts(
        prompts=[rollouts.prompts[row] for row in chosen],
        texts=[rollouts.texts[row] for row in chosen],
        prompt_ids=[rollouts.prompt_ids[row] for row in chosen],
        completion_ids=[rollouts.completion_ids[row] for row in chosen],
        is_finished=[rollouts.is_finished[row] for row in chosen],
        logprobs_B_T=rollouts.logprobs_B_T[chosen],
        mask_B_T=rollouts.mask_B_T[chosen],
    )


def joined(first: Rollouts, second: Rollouts) -> Rollouts:
    """The rows of both, padded to the wider of the two."""
    width = max(first.mask_B_T.shape[1], second.mask_B_T.shape[1])
    return Rollouts(
        prompts=first.prompts + second.prompts,
        texts=first.texts + second.texts,
        prompt_ids=first.prompt_ids + second.prompt_ids,
        completion_ids=first.completion_ids + second.completion_ids,
        is_finished=first.is_finished + second.is_finished,
        logprobs_B_T=torch.cat([_widened(first.logprobs_B_T, width), _widened(second.logprobs_B_T, width)]),
        mask_B_T=torch.cat([_widened(first.mask_B_T, width), _widened(second.mask_B_T, width)]),
    )


def cut(rollouts: Rollouts, lengths: Sequence[int], texts: Sequence[str]) -> Rollouts:
    """The first `lengths[i]` tokens of each row, which read `texts[i]`; whether a row had ended by itself is kept."""
    shorter_B_T = torch.arange(rollouts.mask_B_T.shape[1]) < torch.tensor(lengths).unsqueeze(-1)
    return replace(
        rollouts,
        texts=list(texts),
        completion_ids=[ids[:length] for ids, length in zip(rollouts.completion_ids, lengths, strict=True)],
        logprobs_B_T=rollouts.logprobs_B_T * shorter_B_T,
        mask_B_T=rollouts.mask_B_T * shorter_B_T,
    )


def _widened(x_B_T: Tensor, width: int) -> Tensor:
    return F.pad(x_B_T, (0, width - x_B_T.shape[1]))

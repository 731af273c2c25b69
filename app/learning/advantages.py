"""How much better than its siblings was each sample? _P prompt, _G sample of one prompt.

Neither divides by the group's standard deviation: that would weigh prompts on which all samples are nearly alike as
much as prompts that tell them apart (Dr.GRPO, "Understanding R1-Zero-Like Training").
"""

from torch import Tensor


def centred(rewards_P_G: Tensor) -> Tensor:
    """Baseline each sample with the mean of its group [P, G]; every group sums to zero."""
    return rewards_P_G - rewards_P_G.mean(dim=-1, keepdim=True)


def leave_one_out(rewards_P_G: Tensor) -> Tensor:
    """Baseline each sample with the mean of the others [P, G]: unbiased, and centred() scaled by G / (G - 1).

    Raises ValueError for groups of one, which have no others.
    """
    group_size = rewards_P_G.shape[-1]
    if group_size < 2:
        raise ValueError("leave_one_out needs at least two samples per prompt")
    return centred(rewards_P_G) * group_size / (group_size - 1)

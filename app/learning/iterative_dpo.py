"""Reinforce: iterative DPO. The policy's own best and worst sample of each prompt are the pairs.

After every round the policy as it is then becomes the reference, so it may move on from where it has got to. Groups
whose samples were paid alike tell no better from worse and are left out.
"""

import torch

from app.learning import losses, reference
from app.learning.configs import IterativeDpoConfig
from app.learning.experience import Experience, without_difference
from app.learning.losses import Loss, row_sums
from app.learning.objective import Objective, Practice
from app.learning.rollouts import pick


def objective(config: IterativeDpoConfig, seen: Experience, practice: Practice) -> Objective:
    """Its rows are those of the better texts.

    Metrics of its own: those of losses.preference, and `nll` of the better texts where they are imitated.
    """
    if seen.step % config.round_steps == 0:
        reference.remember(practice.state)
    best_and_worst = best_to_worst(seen)
    rows = sorted(best_and_worst, key=lambda row: seen.lengths[row])
    # Only these rows from here on: the better ones, then the worse ones in the same order.
    rollouts = pick(seen.rollouts, rows + [best_and_worst[row] for row in rows])
    place = {row: i for i, row in enumerate(rows)}
    if rows:
        before_2B_T = reference.logprobs_then(
            practice.state, rollouts, temperature=config.temperature, give_way=practice.give_way
        )
        before_2B = row_sums(before_2B_T, rollouts.mask_B_T)

    def loss(chosen: list[int]) -> Loss:
        better = [place[row] for row in chosen]
        worse = [i + len(rows) for i in better]
        logprobs_2B_T = practice.policy.logprobs(rollouts, better + worse, temperature=config.temperature)
        weights_B = torch.full((len(chosen),), 1 / len(rows))
        return losses.preferring(
            logprobs_2B_T,
            before_2B[better + worse],
            rollouts.mask_B_T[better + worse],
            weights_B,
            beta=config.beta,
            imitation_weight=config.imitation,
        )

    return Objective(rows, loss)


def best_to_worst(seen: Experience) -> dict[int, int]:
    """The row of each group's best sample to that of its worst, for groups whose samples differ."""
    paid_P_G = seen.scored.rewards_P_G
    group_size = paid_P_G.shape[1]
    ends = zip(paid_P_G.argmax(-1).tolist(), paid_P_G.argmin(-1).tolist(), strict=True)
    return {
        group * group_size + best: group * group_size + worst
        for group, ((best, worst), is_alike) in enumerate(zip(ends, without_difference(paid_P_G), strict=True))
        if not is_alike
    }

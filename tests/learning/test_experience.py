from dataclasses import replace

import pytest
import torch

from app.learning.configs import RlConfig
from app.learning.experience import experience, without_difference
from app.learning.loop import Diverged
from app.learning.rewards.compose import GroupPlan, Scored

PASSAGES = ["one", "two", "three", "four", "five"]
CONFIG = RlConfig(prompts_per_step=2, group_size=3, max_tokens=5, seed=4)


class Paid:
    """Pays every row of a passage alike, but for those in `telling`: their rows by their place in the group."""

    def __init__(self, *telling):
        self.telling = telling
        self.planned, self.judged = [], []

    def plan(self, seed, step, groups):
        self.planned.append((seed, step, groups))
        return [GroupPlan("", None, (True,))] * groups

    def score(self, sources, rollouts, plan):
        self.judged.append(list(sources))
        assert [prompt.strip() for prompt in rollouts.prompts[::3]] == list(sources)
        rewards = torch.tensor([[0.1, 0.2, 0.6] if source in self.telling else [0.5] * 3 for source in sources])
        return Scored(
            rewards, {"reward": rewards.mean().item()}, {}, rewards.unsqueeze(-1), torch.ones(len(sources), 1)
        )


@pytest.fixture
def gather(policy, prompt):
    def run(rewards, config=CONFIG, step=0, give_way=lambda: None):
        return experience(policy, PASSAGES, rewards, config, step=step, prompt_for=prompt, give_way=give_way)

    return run


def test_a_step_draws_its_passages_its_plan_and_its_rollouts(gather):
    rewards = Paid()
    seen = [gather(rewards, step=step) for step in range(5)]
    assert sorted(source for one in seen for source in one.sources) == sorted(PASSAGES * 2)
    assert rewards.planned == [(4, step, 2) for step in range(5)]
    assert [len(one.rollouts.texts) for one in seen] == [6] * 5
    assert seen[0].rollouts.texts != seen[1].rollouts.texts
    assert gather(Paid(), step=3).rollouts.texts == seen[3].rollouts.texts


def test_groups_without_a_difference_make_room_for_others(gather):
    drawn = gather(Paid()).sources
    others = [passage for passage in PASSAGES if passage not in drawn]
    rewards = Paid(drawn[0], *others)
    seen = gather(rewards, replace(CONFIG, resample=8))
    assert seen.sources[0] == drawn[0]
    assert seen.sources[1] in (drawn[0], *others)
    assert seen.metrics["resampled"] == 1
    assert seen.metrics["alike"] == 0
    assert rewards.judged[-1] == seen.sources
    assert [prompt.strip() for prompt in seen.rollouts.prompts[::3]] == seen.sources
    assert seen.rollouts.mask_B_T.sum().item() == sum(seen.lengths)
    torch.testing.assert_close(seen.scored.rewards_P_G, torch.tensor([[0.1, 0.2, 0.6]] * 2))


def test_it_gives_up_when_nothing_tells_anything_apart(gather):
    rewards = Paid()
    waits = []
    seen = gather(rewards, replace(CONFIG, resample=3), give_way=lambda: waits.append(1))
    assert seen.metrics["alike"] == 1
    assert seen.metrics["resampled"] == 0
    assert len(rewards.judged) == len(waits) == 1 + 3


def test_without_resampling_a_step_is_what_it_drew(gather):
    seen = gather(Paid())
    assert (seen.metrics["alike"], seen.metrics["resampled"]) == (1, 0)
    assert seen.metrics.keys() >= {"reward", "reward_std", "tokens", "seconds_rollout", "seconds_reward"}


def test_a_reward_that_is_not_a_number_ends_it(gather):
    rewards = Paid()
    rewards.telling = PASSAGES
    score = rewards.score

    def broken(*args):
        scored = score(*args)
        scored.rewards_P_G[0, 0] = float("nan")
        return scored

    rewards.score = broken
    with pytest.raises(Diverged, match="reward is not finite at step 1"):
        gather(rewards)


def test_rewards_that_differ_by_nothing_but_rounding_are_alike():
    assert without_difference(torch.tensor([[0.3, 0.3 + 1e-7], [0.3, 0.31]])) == [True, False]

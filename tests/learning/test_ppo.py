from dataclasses import replace

import pytest
import torch

from app.learning import ppo, reinforce
from app.learning.configs import PpoConfig, RewardConfig
from app.learning.critic import Critic
from app.learning.loop import LoopState
from app.learning.seeding import stream

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
CONFIG = PpoConfig(steps=40, learning_rate=0.05, max_tokens=10, seed=5)
BY_STYLE = RewardConfig(human=0.0, meaning=0.0, entities=0.0, length=0.0)


def test_a_row_is_paid_on_its_last_token():
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    paid = ppo.paid_last(torch.tensor([2.0, 3.0, 4.0]), mask)
    assert paid.tolist() == [[0, 2, 0], [0, 0, 3], [0, 0, 0]]


def test_a_critic_learns_what_states_lead_to_and_survives_a_checkpoint(tmp_path, policy, new_policy):
    random = torch.Generator().manual_seed(2)
    states = torch.randn(16, 4, 5, generator=random)
    mask = torch.ones(16, 4)
    returns = 0.3 * torch.nn.functional.normalize(states, dim=-1)[..., 0] + 0.5
    critic, errors = Critic(5), []
    for _ in range(12):
        errors.append(critic.fit(states, returns, mask, CONFIG)["value_error"])
    assert errors[0] > 0.3
    assert errors[-1] < 0.02
    state = LoopState.new(policy)
    critic.keep(state)
    state.save(tmp_path / "c", stage="reinforce")
    again = Critic.of(LoopState.load(tmp_path / "c", new_policy()), 5)
    torch.testing.assert_close(again.values(states), critic.values(states), rtol=0, atol=0)
    torch.testing.assert_close(again.fit(states, returns, mask, CONFIG), critic.fit(states, returns, mask, CONFIG))
    torch.testing.assert_close(again.values(states), critic.values(states), rtol=0, atol=0)


def test_a_new_critic_expects_nothing():
    assert Critic.of(LoopState.new(torch.nn.Linear(1, 1)), 3).values(torch.ones(2, 2, 3)).abs().max() == 0


def test_it_comes_to_foresee_what_it_is_paid(policy, prompt, reward_for):
    steps = list(reinforce.train(policy, PASSAGES, reward_for(BY_STYLE), CONFIG, prompt_for=prompt))
    assert steps[0].metrics["value"] == 0
    last = steps[-5:]
    assert sum(step.metrics["value"] - step.metrics["reward"] for step in last) / 5 == pytest.approx(0, abs=0.15)
    assert last[-1].metrics["value_error"] < 0.6 * steps[0].metrics["value_error"]


def test_without_a_critic_or_decay_its_gradient_is_that_of_whitened_rewards(policy, sampled, prompt, reward_for):
    """The critic expects nothing yet: with decay 1 every token of a row is worth what the row was paid."""
    config = replace(CONFIG, epochs=1, decay=1.0, learning_rate=1e-9)
    reward = reward_for(BY_STYLE)
    state = LoopState.new(policy)
    step = next(reinforce.train(policy, PASSAGES, reward, config, prompt_for=prompt, state=state))
    seen, mask = sampled[0], sampled[0].mask_B_T
    sources = [PASSAGES[i] for i in stream(3, 0, config.prompts_per_step, config.seed)]
    paid = reward.score(sources, seen, reward.plan(config.seed, 0, config.prompts_per_step)).rewards_P_G.flatten()
    each = paid.unsqueeze(-1).expand_as(mask)[mask == 1]
    scaled = (each - each.mean()) / each.std(correction=0)
    (-(scaled * policy.logprobs(seen, range(len(paid)))[mask == 1]).mean()).backward()
    norm = torch.cat([policy.logits.grad.flatten(), policy.bias.grad]).norm().item()
    assert step.metrics["gradient_norm"] == pytest.approx(norm, rel=1e-3)


def test_several_passes_move_it_further_until_the_clip_holds(new_policy, prompt, reward_for):
    config = replace(CONFIG, epochs=6, learning_rate=0.3, warmup_steps=0)
    step = next(reinforce.train(new_policy(), PASSAGES, reward_for(), config, prompt_for=prompt))
    assert step.metrics["clipped"] > 0.05
    assert step.metrics["kl"] > 0


def test_a_leash_makes_drifting_cost(new_policy, prompt, reward_for):
    far = {}
    for kl in (0.0, 1.0):
        policy = new_policy()
        list(reinforce.train(policy, PASSAGES, reward_for(), replace(CONFIG, kl=kl), prompt_for=prompt))
        far[kl] = policy.logits.abs().max().item()
    assert far[1.0] < 0.7 * far[0.0]

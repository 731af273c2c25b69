from dataclasses import replace

import pytest
import torch

from app.learning import reinforce
from app.learning.configs import RewardConfig, RlooConfig

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
CONFIG = RlooConfig(steps=10, learning_rate=0.2, max_tokens=10, kl=0.0, seed=5)
BY_STYLE = RewardConfig(human=0.0, meaning=0.0, entities=0.0, length=0.0)


def test_its_first_gradient_is_that_of_reinforce_with_the_others_as_baseline(policy, sampled, prompt, reward_for):
    """On policy the ratio is 1, so the loss's gradient is - mean_i A_i * grad log pi(row i)."""
    config = replace(CONFIG, prompts_per_step=1, group_size=8, learning_rate=1e-9)
    reward = reward_for(BY_STYLE)
    step = next(reinforce.train(policy, PASSAGES[:1], reward, config, prompt_for=prompt))
    paid = reward.score(PASSAGES[:1], sampled[0], reward.plan(config.seed, 0, 1)).rewards_P_G[0]
    advantages = torch.stack([paid[i] - (paid.sum() - paid[i]) / 7 for i in range(8)])
    (-(advantages * policy.logprobs(sampled[0], range(8)).sum(-1)).mean()).backward()
    norm = torch.cat([policy.logits.grad.flatten(), policy.bias.grad]).norm().item()
    assert step.metrics["gradient_norm"] == pytest.approx(norm, rel=1e-4)


def test_the_leash_is_part_of_what_is_paid(new_policy, prompt, reward_for):
    """At first there is nothing to pull back from; later, being far costs more than style earns."""
    far = {}
    for kl in (0.0, 1.0):
        policy = new_policy()
        config = replace(CONFIG, kl=kl, steps=30)
        steps = list(reinforce.train(policy, PASSAGES, reward_for(), config, prompt_for=prompt))
        far[kl] = policy.logits.abs().max().item()
        assert ("reference_kl" in steps[0].metrics) == (kl > 0)
    assert steps[0].metrics["reference_kl"] == pytest.approx(0, abs=1e-5)
    assert far[1.0] < 0.6 * far[0.0]


def test_rounding_between_sampling_and_training_cuts_no_row(policy, new_policy, prompt, reward_for, monkeypatch):
    """The kernels that write and those that learn round differently; over a rewrite that adds up to a clip's width."""
    exact = next(reinforce.train(new_policy(), PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    sample = policy.sample

    def rounded(*args, **options):
        rollouts = sample(*args, **options)
        return replace(rollouts, logprobs_B_T=rollouts.logprobs_B_T + 0.1 * rollouts.mask_B_T)

    monkeypatch.setattr(policy, "sample", rounded)
    step = next(reinforce.train(policy, PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    assert step.metrics["clipped"] == 0
    assert step.metrics["gradient_norm"] == pytest.approx(exact.metrics["gradient_norm"], rel=1e-4)


def test_a_clip_cuts_whole_rows_once_a_pass_has_moved_them(policy, prompt, reward_for):
    config = replace(CONFIG, epochs=4, clip=0.05, learning_rate=0.5, warmup_steps=0)
    step = next(reinforce.train(policy, PASSAGES, reward_for(), config, prompt_for=prompt))
    assert 0 < step.metrics["clipped"] < 1


def test_micro_batches_make_the_gradient_of_the_whole_batch(policy, new_policy, prompt, reward_for, monkeypatch):
    whole = next(reinforce.train(policy, PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    monkeypatch.setattr(reinforce, "MICRO_BATCH", 5)
    parts = next(reinforce.train(new_policy(), PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    for name in ("gradient_norm", "loss"):
        assert parts.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-4, abs=1e-6)

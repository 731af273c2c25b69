from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from app.learning import reinforce
from app.learning.configs import IterativeDpoConfig, RewardConfig
from app.learning.experience import Experience
from app.learning.iterative_dpo import best_to_worst
from app.learning.loop import LoopState
from app.learning.rewards.compose import Scored

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
CONFIG = IterativeDpoConfig(steps=8, learning_rate=0.1, max_tokens=10, seed=5, round_steps=3)
BY_STYLE = RewardConfig(human=0.0, meaning=0.0, entities=0.0, length=0.0)


def test_pairs_are_the_best_and_the_worst_of_groups_that_differ(policy):
    rewards = torch.tensor([[0.1, 0.9, 0.5], [0.4, 0.4, 0.4], [0.3, 0.2, 0.0]])
    scored = Scored(rewards, {}, {}, rewards.unsqueeze(-1), torch.ones(3, 1))
    rollouts = policy.sample(["tea"] * 3, 3, max_tokens=2, temperature=1.0, seed=0)
    seen = Experience(0, ["tea"] * 3, [], rollouts, scored, {})
    assert best_to_worst(seen) == {1: 0, 6: 8}


def test_each_round_begins_where_the_last_one_ended(policy, prompt, reward_for):
    state = LoopState.new(policy)
    config = replace(CONFIG, epochs=1)
    references, margins = [], []
    for step in reinforce.train(policy, PASSAGES, reward_for(BY_STYLE), config, prompt_for=prompt, state=state):
        references.append(state.kept["reference.0"].clone())
        margins.append(step.metrics["margin"])
    same = [torch.equal(one, other) for one, other in pairwise(references)]
    assert same == [True, True, False, True, True, False, True]
    assert [margins[i] for i in (0, 3, 6)] == pytest.approx([0, 0, 0], abs=1e-6)
    assert all(abs(margins[i]) > 1e-4 for i in (1, 2, 4, 5, 7))


def test_a_second_pass_sees_what_the_first_has_done(new_policy, prompt, reward_for):
    margin = {}
    for epochs in (1, 2):
        config = replace(CONFIG, epochs=epochs)
        step = next(reinforce.train(new_policy(), PASSAGES, reward_for(BY_STYLE), config, prompt_for=prompt))
        margin[epochs] = step.metrics["margin"]
    assert margin[1] == pytest.approx(0, abs=1e-6)
    assert margin[2] > 0.001


def test_micro_batches_make_the_gradient_of_the_whole_batch(new_policy, prompt, reward_for, monkeypatch):
    config = replace(CONFIG, imitation=0.3, prompts_per_step=6)
    whole = next(reinforce.train(new_policy(), PASSAGES, reward_for(), config, prompt_for=prompt))
    monkeypatch.setattr(reinforce, "MICRO_BATCH", 2)
    parts = next(reinforce.train(new_policy(), PASSAGES, reward_for(), config, prompt_for=prompt))
    assert whole.metrics["rows"] > 2
    for name in ("loss", "gradient_norm", "margin", "nll"):
        assert parts.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-3, abs=1e-6)


def test_without_a_difference_nothing_moves(policy, prompt, reward_for):
    policy.logits.data[:] = torch.tensor([20.0, 0.0, 0.0, -40.0])
    before = policy.logits.detach().clone()
    reward = reward_for(replace(BY_STYLE, style=0.0, length=1.0))
    step = next(reinforce.train(policy, PASSAGES, reward, CONFIG, prompt_for=prompt))
    assert (step.metrics["alike"], step.metrics["rows"]) == (1, 0)
    assert torch.equal(policy.logits, before)

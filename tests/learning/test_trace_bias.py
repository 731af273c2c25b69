from dataclasses import replace

import pytest
import torch

from app.learning import reinforce, trace_bias
from app.learning.configs import RewardConfig, TraceBiasConfig
from app.learning.loop import LoopState

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
CONFIG = TraceBiasConfig(steps=30, learning_rate=0.2, max_tokens=10, seed=5)
PLEASING = RewardConfig(style=0.0, human=0.0, entities=0.0, length=0.0, satisfaction=1.0)


def likes_cherries(sources, texts):
    """Pleased by the share of cherries, whatever was asked."""
    words = [text.split() for text in texts]
    return torch.tensor([row.count("cherry") / max(1, len(row)) for row in words])


@pytest.fixture
def pleasing(reward_for):
    return reward_for(PLEASING, likes_cherries)


@pytest.mark.parametrize("reading", ["scores", "gains", "running"])
@pytest.mark.parametrize("ratio", ["arithmetic", "geometric"])
def test_it_learns_what_pleases(policy, prompt, pleasing, reading, ratio):
    config = replace(CONFIG, reading=reading, ratio=ratio)
    steps = list(reinforce.train(policy, PASSAGES, pleasing, config, prompt_for=prompt))
    first, last = (sum(step.metrics["satisfaction"] for step in part) / 5 for part in (steps[:5], steps[-5:]))
    assert last > first + 0.3
    for tag in (None, "berries", "cherries"):
        assert policy.probability("cherry", tag) > 3 * policy.probability("berry", tag)


def test_traces_are_cut_within_their_bounds_and_read_as_they_are(policy):
    rollouts = policy.sample(["tea"], 40, max_tokens=10, temperature=1.0, seed=1)
    traces = trace_bias.shortened(policy, rollouts, CONFIG, step=0)
    lengths = [
        (len(cut), len(whole)) for cut, whole in zip(traces.completion_ids, rollouts.completion_ids, strict=True)
    ]
    assert all(0.4 * whole <= cut <= whole for cut, whole in lengths)
    assert any(cut < whole for cut, whole in lengths)
    assert all(whole.startswith(cut) for cut, whole in zip(traces.texts, rollouts.texts, strict=True))
    assert traces.mask_B_T.sum(-1).tolist() == [cut for cut, _ in lengths]
    assert trace_bias.shortened(policy, rollouts, CONFIG, step=0).texts == traces.texts
    assert trace_bias.shortened(policy, rollouts, CONFIG, step=1).texts != traces.texts
    whole = trace_bias.shortened(policy, rollouts, replace(CONFIG, shortest=1.0), step=0)
    assert whole.texts == rollouts.texts


def test_uncut_and_undiscounted_its_gradient_is_that_of_means_over_tokens(policy, sampled, prompt, pleasing):
    """On policy: - mean_i (score_i - mean of group) * mean_t grad log pi."""
    config = replace(CONFIG, prompts_per_step=1, shortest=1.0, discount=1.0, learning_rate=1e-9)
    step = next(reinforce.train(policy, PASSAGES[:1], pleasing, config, prompt_for=prompt))
    seen, mask = sampled[0], sampled[0].mask_B_T
    scores = pleasing.score(PASSAGES[:1], seen, pleasing.plan(config.seed, 0, 1)).rewards_P_G[0]
    means = (policy.logprobs(seen, range(8)) * mask).sum(-1) / mask.sum(-1)
    (-((scores - scores.mean()) * means).mean()).backward()
    norm = torch.cat([policy.logits.grad.flatten(), policy.bias.grad]).norm().item()
    assert step.metrics["kept"] == 1
    assert step.metrics["ratio"] == pytest.approx(1, abs=1e-5)
    assert step.metrics["gradient_norm"] == pytest.approx(norm, rel=1e-3)


def test_a_running_mean_is_remembered(policy, prompt, pleasing):
    state = LoopState.new(policy)
    config = replace(CONFIG, reading="running", learning_rate=1e-9)
    loop = reinforce.train(policy, PASSAGES, pleasing, config, prompt_for=prompt, state=state)
    next(loop)
    first = state.kept[trace_bias.RUNNING].item()
    next(loop)
    assert state.kept[trace_bias.RUNNING].item() != first
    assert state.kept[trace_bias.RUNNING].item() == pytest.approx(first, abs=0.1)


def test_a_leash_keeps_it_where_it_was_found(new_policy, prompt, pleasing):
    far = {}
    for kl in (0.0, 10.0):
        policy = new_policy()
        steps = list(reinforce.train(policy, PASSAGES, pleasing, replace(CONFIG, kl=kl), prompt_for=prompt))
        far[kl] = policy.logits.abs().max().item()
    assert "reference_kl" in steps[0].metrics
    assert far[10.0] < 0.6 * far[0.0]


def test_micro_batches_make_the_gradient_of_the_whole_batch(new_policy, prompt, pleasing, monkeypatch):
    config = replace(CONFIG, kl=0.1)
    whole = next(reinforce.train(new_policy(), PASSAGES, pleasing, config, prompt_for=prompt))
    monkeypatch.setattr(reinforce, "MICRO_BATCH", 3)
    parts = next(reinforce.train(new_policy(), PASSAGES, pleasing, config, prompt_for=prompt))
    for name in ("gradient_norm", "loss"):
        assert parts.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-3, abs=1e-6)

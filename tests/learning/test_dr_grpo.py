from dataclasses import replace
from itertools import islice

import pytest
import torch

from app.learning import reinforce
from app.learning.configs import DrGrpoConfig, RewardConfig
from app.learning.loop import MICRO_BATCH, Diverged, LoopState

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
CONFIG = DrGrpoConfig(steps=40, learning_rate=0.2, max_tokens=10, update_share=0.5, seed=5)
VOICE = RewardConfig(human=0.0, meaning=0.0, entities=0.0, length=0.5)


def test_told_a_mode_it_learns_that_mode_and_keeps_the_other(policy, prompt, reward_for):
    steps = list(reinforce.train(policy, PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    assert [step.index for step in steps] == list(range(1, 41))
    assert steps[-1].metrics["reward"] > 0.8
    assert steps[0].metrics["reward"] < 0.5
    assert policy.probability("berry", "berries") > 4 * policy.probability("cherry", "berries")
    assert policy.probability("cherry", "cherries") > 4 * policy.probability("berry", "cherries")


def test_the_articles_recipe_runs_through_the_same_loop(policy, prompt, reward_for):
    config = replace(VOICE, calibrated=False, references="samples", untagged_share=1.0)
    steps = list(reinforce.train(policy, PASSAGES, reward_for(config), CONFIG, prompt_for=prompt))
    assert steps[-1].metrics["reward"] > steps[0].metrics["reward"] + 0.2
    assert steps[-1].metrics["told"] == 0
    assert any(step.metrics["dropped"] > 0 for step in steps)
    assert policy.probability("tea", None) < 0.2


def test_it_is_paid_for_ending_in_time(policy, prompt, reward_for):
    config = replace(CONFIG, max_tokens=4)
    steps = list(reinforce.train(policy, ["tea"], reward_for(replace(VOICE, length=1.0)), config, prompt_for=prompt))
    assert steps[0].metrics["format"] < 0.8
    assert sum(step.metrics["format"] for step in steps[-5:]) / 5 > 0.9
    assert steps[-1].metrics["length_ratio"] == pytest.approx(1, abs=0.25)


def test_a_leash_keeps_it_where_it_was_found(new_policy, prompt, reward_for):
    free, leashed = new_policy(), new_policy()
    list(reinforce.train(free, PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    held = replace(CONFIG, kl=10.0)
    steps = list(reinforce.train(leashed, PASSAGES, reward_for(), held, prompt_for=prompt))
    assert steps[0].metrics["reference_kl"] == pytest.approx(0, abs=1e-6)
    assert steps[-1].metrics["reference_kl"] > 0
    assert leashed.logits.abs().max() < 0.5 * free.logits.abs().max()


def test_paid_for_sets_several_modes_survive_where_single_samples_take_one(new_policy, prompt, reward_for):
    """Untold a mode and without dropout, whatever comes first wins; a set is paid for holding both."""
    untold = reward_for(replace(VOICE, untagged_share=1.0, dropout=0.0, length=0.0))
    smallest = {}
    for size in (1, 8):
        policy = new_policy()
        policy.bias.data[1] = 0.5
        config = replace(CONFIG, set_size=size, steps=30, update_share=1.0)
        for step in islice(reinforce.train(policy, PASSAGES, untold, config, prompt_for=prompt), 15):
            smallest[size] = min(step.metrics["style.berries.std"], step.metrics["style.cherries.std"])
    assert smallest[8] > 1.5 * smallest[1]


def test_only_the_told_share_of_the_rows_is_back_propagated(policy, prompt, reward_for):
    asked = []
    step = next(
        reinforce.train(policy, PASSAGES, reward_for(), CONFIG, prompt_for=prompt, give_way=lambda: asked.append(1))
    )
    assert step.metrics["rows"] == 16
    assert len(asked) == 1 + 16 // MICRO_BATCH


def test_micro_batches_make_the_gradient_of_the_whole_batch(policy, new_policy, prompt, reward_for, monkeypatch):
    whole = next(reinforce.train(policy, PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    monkeypatch.setattr(reinforce, "MICRO_BATCH", 3)
    parts = next(reinforce.train(new_policy(), PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    for name in ("gradient_norm", "loss"):
        assert parts.metrics[name] == pytest.approx(whole.metrics[name], rel=1e-4, abs=1e-7)


def test_the_gradient_is_normalised_by_all_rows_even_those_left_out(policy, sampled, prompt, reward_for):
    """One row of four is back-propagated, and weighs a quarter; on policy its ratio is 1 at every token."""
    reward = reward_for(replace(VOICE, style=0.0))
    config = replace(CONFIG, prompts_per_step=1, group_size=4, update_share=0.25)
    state = LoopState.new(policy)
    step = next(reinforce.train(policy, PASSAGES[:1], reward, config, prompt_for=prompt, state=state))
    scored = reward.score(PASSAGES[:1], sampled[0], reward.plan(config.seed, 0, 1))
    advantages = (scored.rewards_P_G - scored.rewards_P_G.mean()).flatten()
    row = int(advantages.abs().argmax())
    tokens = sampled[0].mask_B_T[row].sum().item()
    assert step.metrics["rows"] == 1
    assert step.metrics["loss"] == pytest.approx(-advantages[row].item() * tokens / (10 * 4), rel=1e-4)


def test_every_step_draws_its_own_plan_and_its_own_texts(policy, prompt, reward_for):
    asked = []
    sample = policy.sample
    policy.sample = lambda prompts, *args, **rest: asked.extend(prompts) or sample(prompts, *args, **rest)
    config = replace(CONFIG, steps=12, prompts_per_step=1, learning_rate=1e-9)
    texts = [step.texts[0] for step in reinforce.train(policy, ["tea"], reward_for(), config, prompt_for=prompt)]
    assert set(asked) == {"tea\n", "tea\n[berries]\n", "tea\n[cherries]\n"}
    assert len(set(texts)) > 4


def test_groups_without_a_difference_move_nothing(policy, prompt, reward_for):
    nothing_told = replace(VOICE, style=0.0, length=1.0)
    reward = reward_for(nothing_told)
    policy.logits.data[:] = torch.tensor([20.0, 0.0, 0.0, -40.0])
    before = policy.logits.detach().clone()
    step = next(reinforce.train(policy, PASSAGES, reward, CONFIG, prompt_for=prompt))
    assert step.metrics["alike"] == 1
    assert step.metrics["rows"] == 0
    assert step.metrics["reward"] == 0
    assert torch.equal(policy.logits, before)


def test_every_step_tells_what_happened(policy, prompt, reward_for):
    step = next(reinforce.train(policy, PASSAGES, reward_for(), CONFIG, prompt_for=prompt))
    assert len(step.texts) == 3
    assert not any(text.startswith("Rewritten") for text in step.texts)
    assert step.metrics.keys() >= {
        *("reward", "format", "style", "length", "length_ratio", "reward_std", "alike", "told", "dropped", "droppable"),
        *("style.berries.mean", "style.berries.std", "style.cherries.mean", "style.cherries.std"),
        *("loss", "kl", "clipped", "learning_rate", "gradient_norm", "tokens", "rows"),
        *("seconds_rollout", "seconds_reward", "seconds_update"),
    }
    assert step.metrics["kl"] == pytest.approx(0, abs=1e-6)


def test_a_reward_that_is_not_a_number_ends_it_before_any_parameter_moves(policy, prompt, reward_for):
    reward = reward_for(replace(VOICE, meaning=1.0))
    reward = replace(reward, encode_meaning=lambda texts: torch.full((len(texts), 1), float("nan")))
    before = policy.logits.detach().clone()
    with pytest.raises(Diverged, match="reward"):
        next(reinforce.train(policy, PASSAGES, reward, CONFIG, prompt_for=prompt))
    assert torch.equal(policy.logits, before)

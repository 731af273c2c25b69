"""What every algorithm must do: learn, go on after a crash as if nothing had happened, and end when it is told to."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from app.learning.configs import DrGrpoConfig, IterativeDpoConfig, RlConfig, RlooConfig
from app.learning.loop import LoopState
from app.learning.reinforce import train

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
SHARED = {"steps": 40, "learning_rate": 0.2, "max_tokens": 10, "seed": 5}
ALGORITHMS = {
    "Dr.GRPO": DrGrpoConfig(**SHARED, update_share=0.5),
    "DAPO": DrGrpoConfig(**SHARED, scale="group", average="tokens", clip_high=0.28, resample=2),
    "GRPO": DrGrpoConfig(**SHARED, scale="group", average="rows", kl=0.01),
    "PKPO": DrGrpoConfig(**SHARED, set_size=4, epochs=2, minibatches=2),
    "RLOO": RlooConfig(**SHARED, kl=0.005),
    "iterative DPO": IterativeDpoConfig(**SHARED, round_steps=4, imitation=0.05),
}
every_algorithm = pytest.mark.parametrize("config", ALGORITHMS.values(), ids=ALGORITHMS)


def numbers(steps):
    """All that was measured and written, but for the time it took."""
    kept = []
    for step in steps:
        metrics = {name: value for name, value in step.metrics.items() if not name.startswith("seconds")}
        kept.append((step.index, step.total, step.texts, metrics))
    return kept


@every_algorithm
def test_told_a_mode_it_learns_that_mode_and_keeps_the_other(policy, prompt, reward_for, config):
    steps = list(train(policy, PASSAGES, reward_for(), config, prompt_for=prompt))
    assert [step.index for step in steps] == list(range(1, 41))
    assert steps[0].metrics["reward"] < 0.5
    assert sum(step.metrics["reward"] for step in steps[-5:]) / 5 > 0.75
    assert policy.probability("berry", "berries") > 3 * policy.probability("cherry", "berries")
    assert policy.probability("cherry", "cherries") > 3 * policy.probability("berry", "cherries")


@every_algorithm
@pytest.mark.parametrize("stop", [1, 5])
def test_resumed_equals_uninterrupted_bit_by_bit(tmp_path, new_policy, prompt, reward_for, config, stop):
    config = replace(config, steps=8)
    whole, reward = new_policy(), reward_for()
    uninterrupted = numbers(train(whole, PASSAGES, reward, config, prompt_for=prompt))

    killed = LoopState.new(new_policy())
    before = numbers(islice(train(killed.policy, PASSAGES, reward, config, prompt_for=prompt, state=killed), stop))
    killed.save(tmp_path / "c", stage="reinforce")
    resumed = LoopState.load(tmp_path / "c", new_policy())
    after = numbers(train(resumed.policy, PASSAGES, reward, config, prompt_for=prompt, state=resumed))

    assert before + after == uninterrupted
    assert torch.equal(resumed.policy.logits, whole.logits)
    assert torch.equal(resumed.policy.bias, whole.bias)


class Cancelled(Exception):
    pass


@every_algorithm
def test_cancelled_anywhere_it_ends_within_its_step(new_policy, prompt, reward_for, config):
    asked = []
    count = train(new_policy(), PASSAGES, reward_for(), config, prompt_for=prompt, give_way=lambda: asked.append(1))
    next(count)
    for place in range(len(asked)):
        state, left = LoopState.new(new_policy()), [place]

        def give_way(left=left):
            if not left[0]:
                raise Cancelled
            left[0] -= 1

        with pytest.raises(Cancelled):
            next(train(state.policy, PASSAGES, reward_for(), config, prompt_for=prompt, state=state, give_way=give_way))
        assert state.step == 0


@every_algorithm
def test_every_step_tells_what_happened(policy, prompt, reward_for, config):
    step = next(train(policy, PASSAGES, reward_for(), config, prompt_for=prompt))
    assert len(step.texts) == 3
    assert step.metrics.keys() >= {
        *("reward", "reward_std", "alike", "resampled", "tokens", "rows", "loss", "learning_rate", "gradient_norm"),
        *("seconds_rollout", "seconds_reward", "seconds_update"),
    }


def test_a_configuration_of_no_algorithm_is_refused(policy, prompt, reward_for):
    with pytest.raises(ValueError, match="RlConfig belongs to no algorithm"):
        train(policy, PASSAGES, reward_for(), RlConfig(), prompt_for=prompt)

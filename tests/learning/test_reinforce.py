"""What every algorithm must do: learn, go on after a crash as if nothing had happened, and end when it is told to."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from app.learning import reinforce
from app.learning.configs import DrGrpoConfig, IterativeDpoConfig, PpoConfig, RlConfig, RlooConfig, TraceBiasConfig
from app.learning.loop import LoopState
from app.learning.losses import Loss
from app.learning.objective import Objective
from app.learning.reinforce import train

PASSAGES = ["tea tea tea tea", "tea berry tea", "tea tea cherry tea"]
SHARED = {"steps": 40, "learning_rate": 0.2, "max_tokens": 10, "seed": 5}
ALGORITHMS = {
    "Dr.GRPO": DrGrpoConfig(**SHARED, update_share=0.5),
    "DAPO": DrGrpoConfig(**SHARED, scale="group", average="tokens", clip_high=0.28, resample=2),
    "GRPO": DrGrpoConfig(**SHARED, scale="group", average="rows", kl=0.01),
    "PKPO": DrGrpoConfig(**SHARED, set_size=4, epochs=2, minibatches=2),
    "RLOO": RlooConfig(**SHARED, kl=0.005),
    "PPO": PpoConfig(**SHARED, kl=0.001),
    "TraceBias": TraceBiasConfig(**SHARED, shortest=0.7),
    "TraceBias, running": TraceBiasConfig(**SHARED, reading="running", kl=0.001),
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
        next(train(policy, PASSAGES, reward_for(), RlConfig(), prompt_for=prompt))


def test_nothing_to_rewrite(policy, prompt, reward_for):
    with pytest.raises(ValueError, match="no passages"):
        next(train(policy, [], reward_for(), DrGrpoConfig(), prompt_for=prompt))


@pytest.fixture
def watched(policy, prompt, reward_for, monkeypatch):
    """Run a loop whose objective notes which rows it was asked for; its loss is nothing but their number."""

    def run(config, rows, give_way=lambda: None):
        asked = []

        def loss(chosen):
            asked.append(chosen)
            return Loss(len(chosen) * policy.bias.sum(), {"first": float(chosen[0])})

        monkeypatch.setattr(reinforce, "algorithm_of", lambda config: lambda seen, practice: Objective(rows, loss))
        return asked, train(policy, ["tea"], reward_for(), config, prompt_for=prompt, give_way=give_way)

    return run


def test_every_pass_goes_over_all_rows_in_minibatches_of_their_own(watched):
    config = RlConfig(steps=2, epochs=3, minibatches=2, max_tokens=4)
    rows = [4, 9, 2, 7, 5]
    asked, steps = watched(config, rows)
    step = next(steps)
    assert len(asked) == 3 * 2
    assert all(sorted(asked[i] + asked[i + 1]) == sorted(rows) for i in (0, 2, 4))
    assert all(batch == sorted(batch, key=rows.index) for batch in asked)
    assert len({tuple(batch) for batch in asked[::2]}) > 1
    assert step.metrics["rows"] == 5


def test_metrics_are_means_over_all_passes_and_the_loss_that_of_a_whole_pass(watched, policy):
    asked, steps = watched(RlConfig(steps=2, epochs=1, minibatches=2, max_tokens=4, learning_rate=1e-9), [1, 2, 3])
    policy.bias.data[:] = torch.tensor([0.5, 0.0, 0.0, 0.0])
    metrics = next(steps).metrics
    assert metrics["loss"] == pytest.approx(3 * 0.5, rel=1e-5)
    assert metrics["first"] == pytest.approx(sum(len(batch) * batch[0] for batch in asked) / 3)
    # Each of both parts stands for the whole, so a part of two rows is scaled to four.
    assert metrics["gradient_norm"] == pytest.approx((2 * 2 * 2 + 2 * 1 * 2) / 2, rel=1e-5)
    assert metrics["learning_rate"] == pytest.approx(1e-9 / 4)


def test_more_minibatches_than_rows_leave_no_part_empty(watched):
    asked, steps = watched(RlConfig(steps=1, minibatches=8, max_tokens=4), [3, 1])
    next(steps)
    assert sorted(asked) == [[1], [3]]


def test_without_rows_nothing_moves_but_the_step_counts(watched, policy):
    before = policy.bias.detach().clone()
    asked, steps = watched(RlConfig(steps=2, max_tokens=4), [])
    assert [step.index for step in steps] == [1, 2]
    assert asked == []
    assert torch.equal(policy.bias, before)


@pytest.mark.parametrize("passes_before", [0, 1, 2])
def test_it_ends_before_the_next_pass_once_cancelled(watched, passes_before):
    countdown = [passes_before]

    def give_way():
        if not countdown[0]:
            raise Cancelled
        countdown[0] -= 1

    asked, steps = watched(RlConfig(steps=2, minibatches=2, max_tokens=4), [1, 2, 3], give_way)
    with pytest.raises(Cancelled):
        next(steps)
    assert len(asked) == max(0, passes_before - 1)

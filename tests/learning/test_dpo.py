from dataclasses import replace
from itertools import islice

import pytest
import torch

from app.learning import dpo
from app.learning.configs import DpoConfig
from app.learning.loop import Diverged, LoopState
from app.learning.types import Pair, Preference

CHOICES = [
    Preference("x\n[berries]\n", "berry berry", "tea"),
    Preference("x\n[berries]\n", "berry", "tea tea tea"),
    Preference("x\n[cherries]\n", "cherry", "berry"),
    Preference("x\n", "tea berry", "cherry"),
    Preference("x\n", "tea", "cherry cherry"),
]
CONFIG = DpoConfig(steps=60, batch_size=5, learning_rate=0.3, warmup_steps=2)


def likelihood(policy, prompt, text):
    logprobs, mask = policy.imitation_logprobs([Pair(prompt, text)])
    return (logprobs * mask).sum().item()


def test_it_learns_what_is_preferred(policy):
    steps = list(dpo.train(policy, CHOICES, CONFIG))
    assert [step.index for step in steps] == list(range(1, 61))
    assert steps[0].metrics["loss"] == pytest.approx(0.6931, abs=1e-4)
    assert steps[-1].metrics["accuracy"] == 1
    assert steps[-1].metrics["loss"] < 0.3
    for choice in CHOICES:
        assert likelihood(policy, choice.prompt, choice.chosen) > likelihood(policy, choice.prompt, choice.rejected) + 2


def test_imitation_keeps_the_better_text_likely(new_policy):
    after = {}
    for weight in (0.0, 1.0):
        policy = new_policy()
        list(dpo.train(policy, CHOICES, replace(CONFIG, imitation=weight)))
        after[weight] = sum(likelihood(policy, choice.prompt, choice.chosen) for choice in CHOICES)
    assert after[1.0] > after[0.0] + 1


def test_a_smaller_beta_goes_further(new_policy):
    far = {}
    for beta in (0.05, 2.0):
        state = LoopState.new(new_policy())
        steps = list(dpo.train(state.policy, CHOICES, replace(CONFIG, beta=beta), state=state))
        far[beta] = steps[-1].metrics["chosen_gain"] - steps[-1].metrics["rejected_gain"]
    assert far[0.05] > far[2.0] + 1


@pytest.mark.parametrize("stop", [1, 7])
def test_resumed_equals_uninterrupted_bit_by_bit(tmp_path, new_policy, stop):
    config = replace(CONFIG, steps=12, batch_size=3, imitation=0.1)

    def numbers(steps):
        return [{k: v for k, v in step.metrics.items() if k != "seconds"} for step in steps]

    whole = new_policy()
    uninterrupted = numbers(dpo.train(whole, CHOICES, config))
    killed = LoopState.new(new_policy())
    before = numbers(islice(dpo.train(killed.policy, CHOICES, config, state=killed), stop))
    killed.save(tmp_path / "c", stage="prefer")
    resumed = LoopState.load(tmp_path / "c", new_policy())
    after = numbers(dpo.train(resumed.policy, CHOICES, config, state=resumed))
    assert before + after == uninterrupted
    assert torch.equal(resumed.policy.logits, whole.logits)


def test_micro_batches_make_the_gradient_of_the_whole_batch(new_policy, monkeypatch):
    config = replace(CONFIG, imitation=0.5)
    parts = next(dpo.train(new_policy(), CHOICES, config)).metrics
    monkeypatch.setattr(dpo, "MICRO_BATCH", 10)
    whole = next(dpo.train(new_policy(), CHOICES, config)).metrics
    for name in ("loss", "gradient_norm", "margin", "accuracy"):
        assert parts[name] == pytest.approx(whole[name], rel=1e-4, abs=1e-7)


class Cancelled(Exception):
    pass


def test_it_ends_before_the_next_pass_once_cancelled(policy):
    asked = []

    def give_way():
        asked.append(1)
        if len(asked) == 2:
            raise Cancelled

    state = LoopState.new(policy)
    with pytest.raises(Cancelled):
        next(dpo.train(policy, CHOICES, CONFIG, state=state, give_way=give_way))
    assert state.step == 0
    assert torch.equal(policy.logits, torch.zeros_like(policy.logits))


def test_a_loss_that_is_not_a_number_ends_it_before_any_parameter_moves(policy):
    policy.bias.data[0] = float("nan")
    before = policy.logits.detach().clone()
    with pytest.raises(Diverged):
        next(dpo.train(policy, CHOICES, CONFIG))
    assert torch.equal(policy.logits, before)


def test_nothing_to_prefer(policy):
    with pytest.raises(ValueError, match="no pairs"):
        next(dpo.train(policy, [], CONFIG))

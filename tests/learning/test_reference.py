from contextlib import suppress

import pytest
import torch

from app.learning import reference
from app.learning.loop import LoopState


def test_the_policy_as_it_was_comes_back_for_a_while_and_goes_again(policy):
    state = LoopState.new(policy)
    reference.remember(state)
    policy.bias.data += 1
    with reference.recalled(state) as then:
        assert torch.equal(then.bias, torch.zeros(4))
    assert torch.equal(policy.bias, torch.ones(4))
    with suppress(KeyError), reference.recalled(state):
        raise KeyError
    assert torch.equal(policy.bias, torch.ones(4))


def test_what_the_policy_learns_later_does_not_reach_its_memory(policy):
    state = LoopState.new(policy)
    reference.remember(state)
    with torch.no_grad():
        policy.bias.add_(1)
    with reference.recalled(state) as then:
        then.sample(["tea"], 2, max_tokens=3, temperature=1.0, seed=0)
    assert torch.equal(state.kept["reference.1"], torch.zeros(4))


def test_log_probabilities_of_then_are_those_at_sampling_whatever_was_learned_since(policy, monkeypatch):
    state = LoopState.new(policy)
    policy.logits.data.normal_(generator=torch.Generator().manual_seed(1))
    reference.remember(state)
    rollouts = policy.sample(["tea"], 7, max_tokens=5, temperature=0.7, seed=3)
    policy.logits.data.zero_()
    monkeypatch.setattr(reference, "MICRO_BATCH", 3)
    asked = []
    then = reference.logprobs_then(state, rollouts, temperature=0.7, give_way=lambda: asked.append(1))
    torch.testing.assert_close(then, rollouts.logprobs_B_T)
    assert not then.requires_grad
    assert len(asked) == 3


def test_a_memory_survives_a_checkpoint(tmp_path, policy, new_policy):
    state = LoopState.new(policy)
    policy.bias.data[0] = 3
    reference.remember(state)
    policy.bias.data[0] = 5
    state.save(tmp_path / "c", stage="reinforce")
    loaded = LoopState.load(tmp_path / "c", new_policy())
    with reference.recalled(loaded) as then:
        assert then.bias[0].item() == pytest.approx(3)
    assert loaded.policy.bias[0].item() == pytest.approx(5)

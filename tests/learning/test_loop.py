import pytest
import torch

from app.learning.checkpoint import UnusableCheckpoint
from app.learning.loop import Diverged, LoopState, cosine_decay, linear_decay


def test_linear_decay_goes_up_and_then_down_to_one_step_above_zero():
    curve = [linear_decay(step, 10, 4) for step in range(10)]
    assert curve[0] == pytest.approx(0.25)
    assert curve[-1] == pytest.approx(0.1)
    assert max(curve) == curve[3]


def test_cosine_decay_ends_at_its_final_share():
    curve = [cosine_decay(step, 24, 4, 0.9) for step in range(24)]
    assert curve[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert curve[4] == 1.0
    assert curve[-1] == pytest.approx(0.9)
    assert curve[4:] == sorted(curve[4:], reverse=True)


def test_warm_up_may_be_longer_than_the_training_or_absent():
    assert [linear_decay(s, 2, 8) for s in range(2)] == pytest.approx([1 / 8, 1 / 8])
    assert cosine_decay(0, 1, 0, 0.5) == 1.0
    assert linear_decay(0, 1, 0) == 1.0


def test_a_step_is_clipped_to_a_norm_of_one(policy):
    state = LoopState.new(policy)
    state.accumulate((policy.bias * 1000).sum())
    assert state.descend(0.1)["gradient_norm"] == pytest.approx(2000)
    moments = state.optimizer.state[policy.bias]["exp_avg"]
    assert moments.norm().item() == pytest.approx(0.1 * 1.0, rel=1e-4)


def test_a_loss_that_is_not_finite_touches_nothing(policy):
    state = LoopState.new(policy)
    before = policy.bias.detach().clone()
    for bad in (float("nan"), float("inf")):
        with pytest.raises(Diverged, match="step 1"):
            state.accumulate(policy.bias.sum() * bad)
    assert policy.bias.grad is None
    assert torch.equal(policy.bias, before)
    assert state.step == 0


def test_a_gradient_that_is_not_finite_touches_nothing(policy):
    state = LoopState.new(policy)
    before = policy.bias.detach().clone()
    state.accumulate(torch.sqrt(policy.bias).sum())
    with pytest.raises(Diverged, match="gradient"):
        state.descend(0.1)
    assert torch.equal(policy.bias, before)
    assert state.optimizer.state == {}


def test_several_updates_can_make_one_step(policy):
    state = LoopState.new(policy)
    for _ in range(2):
        state.accumulate(policy.bias[0] * 1.0)
        state.update(0.1)
    assert state.step == 0
    assert policy.bias.grad is None
    assert state.optimizer.state[policy.bias]["step"] == 2


def test_another_loop_begins_with_the_parameters_and_nothing_else(policy):
    state = LoopState.new(policy)
    state.accumulate(policy.bias[0] * 1.0)
    state.descend(0.1)
    state.kept["reference.0"] = torch.ones(2)
    before = policy.bias.detach().clone()
    state.begin("reinforce")
    assert (state.step, state.stage, state.kept, len(state.optimizer.state)) == (0, "reinforce", {}, 0)
    assert torch.equal(policy.bias, before)


def test_a_saved_state_knows_its_stage_and_step(tmp_path, new_policy):
    state = LoopState.new(new_policy())
    state.accumulate(state.policy.bias[0] * 1.0)
    state.descend(0.1)
    state.kept["critic"] = torch.tensor([1.0, 2.0])
    state.save(tmp_path / "c", stage="reinforce")
    loaded = LoopState.load(tmp_path / "c", new_policy())
    assert (loaded.step, loaded.stage) == (1, "reinforce")
    assert torch.equal(loaded.policy.bias, state.policy.bias)
    assert list(loaded.kept) == ["critic"]
    assert torch.equal(loaded.kept["critic"], state.kept["critic"])


@pytest.mark.parametrize("task", ["another", ""])
def test_the_state_of_another_task_is_not_gone_on_with(tmp_path, new_policy, task):
    LoopState.new(new_policy(), "of these samples").save(tmp_path / "c", stage="warm-start")
    assert LoopState.load(tmp_path / "c", new_policy(), "of these samples").task == "of these samples"
    with pytest.raises(UnusableCheckpoint, match="other samples"):
        LoopState.load(tmp_path / "c", new_policy(), task)
